"""Flows that are due → one run of `advance_flows` for all of them: the watch loop of durable flows."""

import time
from typing import Final

import dagster as dg

from resources.store import StoreResource
from sensors.runs import EVERY_SECONDS, seconds_to_wait, unfinished_since
from wfgov_dagster.ops.advance_flows import SECONDS, advance_flows_job
from wfgov_dagster.ops.failures import as_dagster_failure

_LONG_SECONDS: Final = 2 * SECONDS  # a run that takes longer is kept by a long flow node; others need not wait for it
_RUNS: Final = 3


@dg.sensor(
    job=advance_flows_job,
    minimum_interval_seconds=EVERY_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Drives durable flows that are due, or whose process died, and shows deployments that were confirmed "
    "elsewhere. A tick fails when the database cannot be read.",
)
def flow_watch(context: dg.SensorEvaluationContext, store: StoreResource) -> dg.RunRequest | dg.SkipReason:
    with as_dagster_failure():
        due = store.platform.due_flows()
        untold = not due and store.platform.is_untold()
    if not due and not untold:
        return dg.SkipReason("no flow is due")
    why = f"{len(due)} flows are due" if due else "a deployment is not shown yet"
    job, now = advance_flows_job.name, time.time()
    ages = [now - since for since in unfinished_since(context.instance, job)]
    if len(ages) >= _RUNS or any(age < _LONG_SECONDS for age in ages):
        return dg.SkipReason(f"{why}; a run of {job} is queued or running")
    pause = seconds_to_wait(context.instance, job, now)
    if pause > 0:
        return dg.SkipReason(f"{why}; {job} failed, next try in {pause:.0f} s")
    return dg.RunRequest()
