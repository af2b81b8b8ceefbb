"""Open rows in the change feed, or a pin that has run out → one run of `orchestrate`, however many there are.

There is no cursor to lose: the feed itself knows what is open, and Dagster's run history how often it went wrong.
"""

import time

import dagster as dg

from resources.keys import TAG_REVISION
from resources.store import StoreResource
from sensors.runs import EVERY_SECONDS, seconds_to_wait, unfinished
from wfgov_dagster.domain.todo import DEFINITIONS, VERSIONS
from wfgov_dagster.ops.failures import as_dagster_failure
from wfgov_dagster.ops.orchestrate import orchestrate_job
from wfgov_dagster.ports.catalogue import Revision
from wfgov_dagster.ports.store import Store


@dg.sensor(
    job=orchestrate_job,
    minimum_interval_seconds=EVERY_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts `orchestrate` when metadata rows have changed or a pin has run out. A tick fails when the "
    "database cannot be read.",
)
def metadata_changed(context: dg.SensorEvaluationContext, store: StoreResource) -> dg.RunRequest | dg.SkipReason:
    with as_dagster_failure():
        why = _why(context.instance, store.open())
    if why is None:
        return dg.SkipReason("no metadata has changed")
    if unfinished(context.instance, orchestrate_job.name):
        return dg.SkipReason(f"{why}; a run of orchestrate is queued or running")
    pause = seconds_to_wait(context.instance, orchestrate_job.name, time.time())
    if pause > 0:
        return dg.SkipReason(f"{why}; orchestrate failed, next try in {pause:.0f} s")
    return dg.RunRequest()


def _why(instance: dg.DagsterInstance, store: Store) -> str | None:
    """Open rows of the feed, what an interrupted step left for the next one, a pin whose time is over, or what was
    derived outside Dagster."""
    with store.read() as work:
        derivation = work.derivation
        waiting = derivation.open_changes() + derivation.waiting(DEFINITIONS) + derivation.waiting(VERSIONS)
        run_out = work.pins.any_run_out()
        revision = work.catalogue.revision()
    if waiting:
        return f"{waiting} changes are open"
    if run_out:  # its version waits for nothing else
        return "a pin has run out"
    told = dg.RunsFilter(job_name=orchestrate_job.name, statuses=[dg.DagsterRunStatus.SUCCESS])
    last = next((run.tags.get(TAG_REVISION) for run in instance.get_runs(told, limit=1)), str(Revision(0, 0, 0)))
    return None if last == str(revision) else "derived outside of Dagster, not shown here yet"
