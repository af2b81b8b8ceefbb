"""Due schedules of the embedded engines → instances; those that are submitted → one run of `run_workflow` each.

Instances whose runner died are failed.
"""

import time
from typing import Final

import dagster as dg

from resources import keys
from resources.embedded_engine import EmbeddedEngineResource
from sensors.runs import EVERY_SECONDS, seconds_to_wait, unfinished
from wfgov_dagster.ops.failures import as_dagster_failure
from wfgov_dagster.ops.run_workflow import OP, run_workflow_job

_RUNS_A_TICK: Final = 10  # asking for a run takes up to 0.7 s
_SILENT_BEATS: Final = 15  # so many heartbeats may be missed
_SILENT_AT_LEAST_SECONDS: Final = 30.0


@dg.sensor(
    job=run_workflow_job,
    minimum_interval_seconds=EVERY_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Fires the schedules of embedded engines, runs what was submitted to them, and fails instances without "
    "a sign of life.",
)
def embedded_instances(
    context: dg.SensorEvaluationContext, embedded_engine: EmbeddedEngineResource
) -> dg.SensorResult | dg.SkipReason:
    with as_dagster_failure():
        fires = embedded_engine.fire_due()
        waiting = embedded_engine.submitted()
        silent = max(_SILENT_BEATS * embedded_engine.settings.heartbeat_seconds, _SILENT_AT_LEAST_SECONDS)
        lost = list(embedded_engine.fail_silent(silent))
    for line in fires.refused:
        context.log.error("a schedule cannot fire: %s", line)
    for fired in fires.fired:
        context.log.info("workflow %s fired for %s", fired.workflow_code, fired.scheduled_at.isoformat())
    if lost:
        context.log.warning("instances %s gave no sign of life for %.0f s: failed", lost, silent)
    wanted = [one for one in waiting if _may_start(context.instance, one[1])]
    if not wanted:
        return dg.SkipReason(f"{len(waiting)} submitted, all on their way" if waiting else "nothing is submitted")
    return dg.SensorResult(run_requests=[_request(*one) for one in wanted[:_RUNS_A_TICK]])


def _may_start(instance: dg.DagsterInstance, instance_id: int) -> bool:
    """Nobody is about to run it. One whose run died before it got the instance is tried again, ever later."""
    tags = {keys.TAG_INSTANCE: str(instance_id)}
    job = run_workflow_job.name
    return not unfinished(instance, job, tags) and seconds_to_wait(instance, job, time.time(), tags) <= 0


def _request(engine: str, instance_id: int) -> dg.RunRequest:
    config = {"instance_id": instance_id, "engine": engine}
    return dg.RunRequest(run_config={"ops": {OP: {"config": config}}}, tags={keys.TAG_INSTANCE: str(instance_id)})
