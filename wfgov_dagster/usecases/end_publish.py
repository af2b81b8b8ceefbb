"""How a publish ends: confirmed by what was seen, or closed with the reason."""

from wfgov_dagster.domain.publish import Operation, Phase, PublishEvent, PublishStatus, status_after
from wfgov_dagster.errors import Conflict, WfgovError
from wfgov_dagster.ports.engine import Observed
from wfgov_dagster.ports.publishing import Deployment, Job
from wfgov_dagster.ports.store import Work
from wfgov_dagster.usecases.publisher import Done


def superseded(job: Job) -> Conflict | None:
    """Why nobody wants any more what the record was made for. `job` as it is now."""
    now = {
        Operation.DEPLOY: job.workflow.current,
        Operation.ONLINE: job.workflow.last_published,
        Operation.OFFLINE: job.version,
    }[job.operation]
    if now is not None and now.id == job.version.id:
        return None
    newer = "gone" if now is None else f"V{now.version_no}"
    return Conflict(
        f"V{job.version.version_no} was asked for, meanwhile {job.operation} is about {newer}",
        where=f"workflow {job.workflow.code}",
        hint=f"wfgov publish {job.workflow.code} --operation {job.operation}",
    )


def confirm(work: Work, job: Job, seen: Observed) -> Done:
    """The engine was seen to show what is wanted: write it down, all in this transaction."""
    deployed = None if job.operation is Operation.OFFLINE else job.version
    deployment = Deployment(
        deployed, seen.engine_workflow_code, seen.engine_task_codes, seen.online, seen.schedule_online
    )
    work.publishing.confirm(job, deployment)
    if job.snapshot_id is not None:
        work.publishing.snapshot_published(job.snapshot_id)
    _tell_workflow(work, job, PublishEvent.CONFIRM)
    work.publishing.end(job.record_id, Phase.CONFIRMED, None, _log(work, job.record_id))
    return done(work, job.record_id)


def close(work: Work, job: Job, phase: Phase, reason: WfgovError) -> Done:
    """It ends without success; what the engine holds of it stays as it is."""
    last = {"error_code": reason.code, "message": reason.sentence()}
    if job.snapshot_id is not None:
        work.publishing.snapshot_failed(job.snapshot_id, reason.sentence())
    _tell_workflow(work, job, PublishEvent.FAIL)
    work.publishing.end(job.record_id, phase, reason.code, [*_log(work, job.record_id), last])
    return done(work, job.record_id)


def done(work: Work, record_id: int) -> Done:
    """The end of a record that has ended."""
    job = work.publishing.job(record_id)
    message = job.log[-1].get("message") if job.log and job.error_code else None
    return Done(
        record_id,
        job.status,
        job.phase,
        job.version.version_no,
        len(work.leases.steps(record_id)),
        job.engine_workflow_code,
        job.error_code,
        None if message is None else str(message),
    )


def _tell_workflow(work: Work, job: Job, event: PublishEvent) -> None:
    status = status_after(PublishStatus(job.workflow.publish_status), event)
    work.publishing.set_publish_status(job.workflow.id, status)


def _log(work: Work, record_id: int) -> list[dict[str, object]]:
    return [
        {"no": one.no, "attempt": one.attempt, "step": one.step, "outcome": one.outcome, "message": one.message}
        for one in work.leases.steps(record_id)
    ]
