"""Open rows in the change feed → one run of `orchestrate`, however many rows there are.

There is no cursor to lose: the feed itself knows what is open, and Dagster's run history how often it went wrong.
"""

import time
from typing import Final

import dagster as dg

from resources.store import StoreResource
from wfgov_dagster.domain.todo import DEFINITIONS, VERSIONS
from wfgov_dagster.ops.failures import as_dagster_failure
from wfgov_dagster.ops.orchestrate import orchestrate_job
from wfgov_dagster.ports.store import Store

EVERY_SECONDS: Final = 5
LONGEST_WAIT_SECONDS: Final = 300
_LOOKED_AT: Final = 8  # failures in a row from which the longest wait is reached
_UNFINISHED: Final = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


@dg.sensor(
    job=orchestrate_job,
    minimum_interval_seconds=EVERY_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts `orchestrate` when metadata rows have changed. A tick fails when the database cannot be read.",
)
def metadata_changed(context: dg.SensorEvaluationContext, store: StoreResource) -> dg.RunRequest | dg.SkipReason:
    with as_dagster_failure():
        waiting = _waiting(store.open())
    if not waiting:
        return dg.SkipReason("no metadata has changed")
    runs = dg.RunsFilter(job_name=orchestrate_job.name, statuses=_UNFINISHED)
    if context.instance.get_runs_count(runs):
        return dg.SkipReason(f"{waiting} open; a run of orchestrate is queued or running")
    pause = seconds_to_wait(context.instance, time.time())
    if pause > 0:
        return dg.SkipReason(f"{waiting} open; orchestrate failed, next try in {pause:.0f} s")
    return dg.RunRequest()


def seconds_to_wait(instance: dg.DagsterInstance, now: float) -> float:
    """5, 10, 20 … seconds after the end of the last of so many failures in a row; 0 or less = go."""
    records = instance.get_run_records(dg.RunsFilter(job_name=orchestrate_job.name), limit=_LOOKED_AT)
    failures = 0
    for record in records:
        if record.dagster_run.status != dg.DagsterRunStatus.FAILURE:
            break
        failures += 1
    if not failures:
        return 0.0
    wait = min(EVERY_SECONDS << (failures - 1), LONGEST_WAIT_SECONDS)
    ended = records[0].end_time or records[0].update_timestamp.timestamp()
    return float(ended + wait - now)


def _waiting(store: Store) -> int:
    """Open rows of the feed, and what a step that was interrupted left for the next one."""
    with store.read() as work:
        derivation = work.derivation
        return derivation.open_changes() + derivation.waiting(DEFINITIONS) + derivation.waiting(VERSIONS)
