"""What a person says to a publish that does not go on by itself: try again, or which definition counts."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from wfgov_dagster.domain.flow import MOVING
from wfgov_dagster.domain.publish import Phase, PublishEvent, PublishStatus, status_after
from wfgov_dagster.errors import Conflict, IllegalTransition, InvalidInput, LeaseHeld, NotFound
from wfgov_dagster.ports.publishing import Job, Note
from wfgov_dagster.ports.store import Store, Work
from wfgov_dagster.usecases import flow_changes, publish_flow
from wfgov_dagster.usecases.accept_edit import accept, look
from wfgov_dagster.usecases.begin_publish import where
from wfgov_dagster.usecases.end_publish import close, superseded
from wfgov_dagster.usecases.publisher import Publisher

_RETRIED = frozenset({Phase.PARKED, Phase.PAUSED, Phase.FAILED, Phase.REJECTED})


class Choice(StrEnum):
    """Who is right about a foreign edit."""

    REPUBLISH = "republish"  # the platform: the edit is overwritten
    ACCEPT = "accept"  # the engine: its definition becomes the next version
    ABORT = "abort"  # neither for now: the publish ends, the engine stays as it is


def retry(store: Store, actor: str, record_id: int, reason: str = "") -> int:
    """The same record goes on, with attempts and a deadline anew; what happened before stays on it. Its flow's id.

    Raises NotFound, Conflict where it has succeeded, ended otherwise or is under way, or where something newer is
    wanted; a refusal gets an audit entry.
    """
    with _audited(store, actor, "retry_publish", record_id), store.write() as work:
        job = _locked(work, record_id)
        _refuse_retry(work, job)
        if job.status != "pending":
            work.publishing.set_publish_status(
                job.workflow.id, status_after(PublishStatus(job.workflow.publish_status), PublishEvent.BEGIN)
            )
        if job.snapshot_id is not None:
            work.publishing.snapshot_draft(job.snapshot_id)
        work.publishing.next_round(record_id, Phase.RUNNING if job.wrote else Phase.INTENT, None)
        if not job.wrote:
            work.publishing.look_anew(record_id)
        return _on(work, actor, job, f"tried again{_because(reason)}", {"reason": reason})


def decide(publisher: Publisher, actor: str, record_id: int, choice: Choice, reason: str = "") -> int | None:
    """What becomes of a publish that is paused by a foreign edit. The id of the flow that goes on, None = it ended.

    `republish` overwrites the edit that was seen; a further one pauses it again. `accept` refuses when the engine was
    changed since, or holds other tasks than the workflow has. Raises NotFound, Conflict, InvalidInput, EngineError;
    a refusal gets an audit entry.
    """
    store = publisher.store
    with _audited(store, actor, "decide_publish", record_id, choice):
        seen = look(publisher, record_id) if choice is Choice.ACCEPT else None
        with store.write() as work:
            job = _locked(work, record_id)
            if job.phase is not Phase.PAUSED or job.waits_on is None:
                raise IllegalTransition(f"it is {job.phase}, not paused", where=_record(job), hint=_show(job))
            if choice is Choice.REPUBLISH:
                work.publishing.overrule(record_id, list(job.waits_on["strange"].values()))
                phase = Phase.RUNNING if job.ends_as is None else Phase.COMPENSATING
                work.publishing.next_round(record_id, phase, job.ends_as)
                return _on(work, actor, job, f"overruled the foreign edit{_because(reason)}", _told(choice, reason))
            if seen is not None:
                end = accept(work, actor, job, seen)
            else:
                end = f"aborted by {actor}: the engine stays as it is"
            why = Conflict(f"{end}{_because(reason)}", where=where(job))
            close(work, work.publishing.job(record_id), Phase.ABORTED, why, actor)
            if seen is not None:
                status = status_after(PublishStatus.PUBLISHING, PublishEvent.CONFIRM)
                work.publishing.set_publish_status(job.workflow.id, status)
            flow = publish_flow.own_flow(work, job)
            if flow is not None:
                flow_changes.cancel(work, actor, flow.id, str(why)[:1000])
            work.audit.add(actor, "decide_publish", _subject(job), _told(choice, reason) | {"end": end})
            return None


def _on(work: Work, actor: str, job: Job, word: str, detail: dict[str, object]) -> int:
    again = work.publishing.job(job.record_id)
    work.publishing.note(job.record_id, Note(again.phase, word, actor))
    action = "decide_publish" if "choice" in detail else "retry_publish"
    work.audit.add(actor, action, _subject(job), {"record_id": job.record_id, **detail})
    return publish_flow.go_on(work, actor, job.record_id)


def _locked(work: Work, record_id: int) -> Job:
    work.publishing.lock_workflow(record_id)
    job = work.publishing.job(record_id)
    left = work.leases.left(job.engine.id, job.workflow.code)
    if left > 0:
        hint = f"try again when that has ended, or in {left:.0f} s if it has died"
        raise LeaseHeld("somebody is publishing it", where=where(job), hint=hint)
    return job


def _refuse_retry(work: Work, job: Job) -> None:
    stuck = job.status == "pending" and _is_left(work, job)
    if job.phase not in _RETRIED and not stuck:
        word = "ended" if job.status != "pending" else "under way"
        raise IllegalTransition(f"it is {job.phase}: {word}, nothing to retry", where=_record(job), hint=_show(job))
    newer = work.publishing.newer(job.record_id)
    if newer is not None:
        raise Conflict(f"record {newer} is newer", where=_record(job), hint=f"wfgov record show {newer}")
    reason = superseded(job)
    if reason is not None:
        raise reason


def _is_left(work: Work, job: Job) -> bool:
    """Nobody drives it: somebody stopped its flow, or that broke down."""
    return job.flow_id is None or work.flows.get(job.flow_id).state not in MOVING


@contextmanager
def _audited(store: Store, actor: str, action: str, record_id: int, choice: Choice | None = None) -> Iterator[None]:
    try:
        yield
    except (InvalidInput, NotFound, Conflict) as refusal:
        with store.write() as work:
            detail = {"record_id": record_id, "choice": choice, "error": refusal.sentence()}
            work.audit.add(actor, action, ("publish_record", str(record_id)), detail, refused=True)
        raise


def _subject(job: Job) -> tuple[str, str]:
    return "workflow", job.workflow.code


def _record(job: Job) -> str:
    return f"publish record {job.record_id}"


def _show(job: Job) -> str:
    return f"wfgov record show {job.record_id}"


def _told(choice: Choice, reason: str) -> dict[str, object]:
    return {"choice": choice, "reason": reason}


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""
