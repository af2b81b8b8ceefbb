"""How a publish ends, or stays where a person or the sweeper has to find it: each all in one transaction."""

from collections.abc import Mapping

from wfgov_dagster.domain.publish import Operation, Phase, PublishEvent, PublishStatus, VersionRef, status_after
from wfgov_dagster.errors import Conflict, WfgovError
from wfgov_dagster.ports.engine import Observed
from wfgov_dagster.ports.publishing import Deployment, Job, Note
from wfgov_dagster.ports.store import Work
from wfgov_dagster.usecases.call_sweeper import call_sweeper
from wfgov_dagster.usecases.publisher import Done
from wfgov_dagster.usecases.raise_alerts import publish_failed


def superseded(job: Job) -> Conflict | None:
    """Why nobody wants any more what the record was made for. `job` as it is now."""
    if job.target is not None or job.ends_as is not None:  # what is brought back is wanted, whatever is newer
        return None
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


def confirm(work: Work, job: Job, seen: Observed | None, held: VersionRef | None) -> Done:
    """The engine was seen to show what is wanted: success. An edit of the workflow meanwhile is no other wish, only a
    newer publish is. `held`: the version that it was seen to hold, if it is one of ours. None seen: a restore of
    nothing."""
    publishes = job.operation is Operation.DEPLOY if job.target is None else job.target.publishes
    if seen is not None:
        note_deployed(work, job, seen, held, publishes=publishes and job.document is not None)
    if job.snapshot_id is not None:
        work.publishing.snapshot_published(job.snapshot_id)
    _tell_workflow(work, job, PublishEvent.CONFIRM)
    work.publishing.nothing_left(job.record_id)
    work.publishing.end(job.record_id, Phase.CONFIRMED, None, log(work, job.record_id))
    return done(work, job.record_id)


def note_deployed(work: Work, job: Job, seen: Observed, held: VersionRef | None, *, publishes: bool) -> None:
    """What the engine was seen to hold. `held`: None = nothing of ours; then only how it is released."""
    work.publishing.confirm(job, deployment_of(seen, held), publishes=publishes)


def deployment_of(seen: Observed, held: VersionRef | None) -> Deployment:
    return Deployment(
        held,
        seen.engine_workflow_code,
        seen.engine_task_codes,
        seen.online,
        seen.schedule_online,
        seen.engine_version,
    )


def close(work: Work, job: Job, phase: Phase, reason: WfgovError, actor: str = "system") -> Done:
    """It ends without success. Whoever calls knows what the engine holds, or that nothing was sent."""
    return close_with(work, job, phase, (reason.code, reason.sentence()), actor)


def close_with(work: Work, job: Job, phase: Phase, error: tuple[str, str], actor: str = "system") -> Done:
    code, sentence = error
    if job.snapshot_id is not None:
        work.publishing.snapshot_failed(job.snapshot_id, sentence)
    _tell_workflow(work, job, PublishEvent.FAIL)
    work.publishing.note(job.record_id, Note(phase, sentence, actor, code))
    publish_failed(work, job, phase, error)
    work.publishing.end(job.record_id, phase, error, log(work, job.record_id))
    return done(work, job.record_id)


def go_back(work: Work, job: Job, ends_as: Phase, error: tuple[str, str], actor: str = "system") -> None:
    """It cannot be had: from now on what was there before is wanted, with attempts and a deadline of its own."""
    work.publishing.next_round(job.record_id, Phase.COMPENSATING, ends_as)
    work.publishing.failing(job.record_id, error)
    told = Note(Phase.COMPENSATING, f"bringing back what was there: {error[1]}", actor, error[0])
    work.publishing.note(job.record_id, told)


def park(work: Work, job: Job, error: tuple[str, str], *, silent: bool) -> Done:
    """Nobody knows what the engine holds: it stays open, and no end is written down. `silent`: the engine, not its
    no; so it may yet be done by itself."""
    if job.ends_as is None:
        work.publishing.failing(job.record_id, error)
    call_sweeper(work)
    return _wait(work, job, Phase.PARKED, error, {"silent": silent})


def pause(work: Work, job: Job, reason: Conflict, on: Mapping[str, object]) -> Done:
    """Somebody changed it on the engine: a person has to choose."""
    return _wait(work, job, Phase.PAUSED, (reason.code, reason.sentence()), on)


def _wait(work: Work, job: Job, phase: Phase, error: tuple[str, str], on: Mapping[str, object]) -> Done:
    code, sentence = error
    work.publishing.wait(job.record_id, phase, {"error_code": code, "message": sentence, **on})
    work.publishing.note(job.record_id, Note(phase, sentence, error_code=code))
    publish_failed(work, job, phase, error)
    return done(work, job.record_id)


def brought_back(work: Work, job: Job, seen: Observed | None, held: VersionRef | None) -> Done:
    """The engine was seen to show what there was before: the end, with the error that led to it."""
    assert job.ends_as is not None, "nothing is brought back without a reason"
    shown = "nothing, as before"
    if seen is not None:
        note_deployed(work, job, seen, held, publishes=False)
        version = "" if held is None else f"V{held.version_no}, "
        shown = f"{version}{'online' if seen.online else 'offline'}"
    work.publishing.nothing_left(job.record_id)
    told = f"{job.error} — the engine was brought back and shows {shown}"
    return close_with(work, job, job.ends_as, (job.error_code or "engine", told))


def done(work: Work, record_id: int) -> Done:
    """How a record stands that has ended, or waits."""
    job = work.publishing.job(record_id)
    steps = work.leases.steps(record_id)
    why = job.waits_on or {"error_code": job.error_code, "message": job.error}
    return Done(
        record_id,
        job.status,
        job.phase,
        job.version.version_no,
        len(steps),
        job.engine_workflow_code,
        why["error_code"],
        why["message"],
        job.snapshot_id,
        steps[-1].step if steps else None,
    )


def log(work: Work, record_id: int) -> list[dict[str, object]]:
    """Steps, and between them what else happened."""
    told: list[tuple[int, dict[str, object]]] = [
        (one.no, {"no": one.no, "attempt": one.attempt, "step": one.step, "outcome": one.outcome,
                  "message": one.message})
        for one in work.leases.steps(record_id)
    ]  # fmt: skip
    told += [
        (one.after_step, {"phase": one.phase, "error_code": one.error_code, "message": one.message, "actor": one.actor})
        for one in work.publishing.notes(record_id)
    ]
    return [entry for _, entry in sorted(told, key=lambda pair: pair[0])]  # stable: a note comes after its step


def _tell_workflow(work: Work, job: Job, event: PublishEvent) -> None:
    status = status_after(PublishStatus(job.workflow.publish_status), event)
    work.publishing.set_publish_status(job.workflow.id, status)
