"""Engines over a network → one run of `sync_history` for all that were not asked for a while.

There is no cursor to lose: the cache knows when each engine was asked last, whoever asked.
"""

import time
from typing import Final

import dagster as dg

from resources.store import StoreResource
from sensors.runs import seconds_to_wait, unfinished
from wfgov_dagster.ops.failures import as_dagster_failure
from wfgov_dagster.ops.sync_history import sync_history_job

_LOOK_SECONDS: Final = 15


@dg.sensor(
    job=sync_history_job,
    minimum_interval_seconds=_LOOK_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Has the last runs of each workflow read from engines over a network. A tick fails when the database "
    "cannot be read.",
)
def engine_history(context: dg.SensorEvaluationContext, store: StoreResource) -> dg.RunRequest | dg.SkipReason:
    with as_dagster_failure():
        due = store.platform.engines_to_sync()
    if not due:
        return dg.SkipReason("no engine over a network has to be asked")
    job, named = sync_history_job.name, ", ".join(due)
    if unfinished(context.instance, job):
        return dg.SkipReason(f"{named}: a run of {job} is queued or running")
    pause = seconds_to_wait(context.instance, job, time.time())
    if pause > 0:
        return dg.SkipReason(f"{named}: {job} failed, next try in {pause:.0f} s")
    return dg.RunRequest(run_config={"ops": {"read_history": {"config": {"engines": list(due)}}}})
