"""Open rows in the change feed → one run of `orchestrate`, however many rows there are.

There is no cursor to lose: the feed itself knows what is open, and Dagster's run history how often it went wrong.
"""

import time

import dagster as dg

from resources.store import StoreResource
from sensors.runs import EVERY_SECONDS, seconds_to_wait, unfinished
from wfgov_dagster.domain.todo import DEFINITIONS, VERSIONS
from wfgov_dagster.ops.failures import as_dagster_failure
from wfgov_dagster.ops.orchestrate import orchestrate_job
from wfgov_dagster.ports.store import Store


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
    if unfinished(context.instance, orchestrate_job.name):
        return dg.SkipReason(f"{waiting} open; a run of orchestrate is queued or running")
    pause = seconds_to_wait(context.instance, orchestrate_job.name, time.time())
    if pause > 0:
        return dg.SkipReason(f"{waiting} open; orchestrate failed, next try in {pause:.0f} s")
    return dg.RunRequest()


def _waiting(store: Store) -> int:
    """Open rows of the feed, and what a step that was interrupted left for the next one."""
    with store.read() as work:
        derivation = work.derivation
        return derivation.open_changes() + derivation.waiting(DEFINITIONS) + derivation.waiting(VERSIONS)
