"""Publish records: which there are, and what happened to one, in order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from wfgov_dagster.errors import InvalidInput, NotFound
from wfgov_dagster.ports.publish_history import RecordFilter, RecordRow
from wfgov_dagster.ports.store import Store, Work

_LARGEST_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Page:
    """`total`: of all pages."""

    records: Sequence[RecordRow]
    page: int
    size: int
    total: int


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of a timeline. A step has a number and, once it has ended, seconds and an outcome: ok, rejected,
    unknown; all else is a change of phase or a look that failed, and `what` is the phase from then on."""

    at: datetime
    round: int
    no: int | None
    attempt: int | None
    what: str
    outcome: str | None
    seconds: float | None
    actor: str | None
    message: str | None


@dataclass(frozen=True, slots=True)
class RecordShown:
    """`waits_on`: why it is paused or parked, with what was seen of a foreign edit."""

    record: RecordRow
    waits_on: Mapping[str, object] | None
    timeline: Sequence[Moment]


def list_records(store: Store, wanted: RecordFilter | None = None, page: int = 1, size: int = 20) -> Page:
    """The newest first. Raises InvalidInput."""
    if page < 1 or not 1 <= size <= _LARGEST_PAGE:
        raise InvalidInput(f"page {page} of {size}", where="records", hint=f"pages from 1, of 1 to {_LARGEST_PAGE}")
    asked = wanted or RecordFilter()
    with store.read() as work:
        return Page(work.history.records(asked, page, size), page, size, work.history.count(asked))


def show_record(store: Store, record_id: int) -> RecordShown:
    """Raises NotFound."""
    with store.read() as work:
        return RecordShown(
            work.history.record(record_id), work.publishing.job(record_id).waits_on, timeline(work, record_id)
        )


def timeline(work: Work, record_id: int) -> list[Moment]:
    """Steps, and between them what else happened."""
    told = [
        (
            step.no,
            Moment(
                step.started_at,
                step.round,
                step.no,
                step.attempt,
                step.step,
                step.outcome,
                None if step.ended_at is None else round((step.ended_at - step.started_at).total_seconds(), 3),
                None,
                step.message,
            ),
        )
        for step in work.leases.steps(record_id)
    ]
    told += [
        (note.after_step, Moment(note.at, note.round, None, None, note.phase, None, None, note.actor, note.message))
        for note in work.publishing.notes(record_id)
    ]
    return [moment for _, moment in sorted(told, key=lambda pair: pair[0])]  # stable: a note comes after its step


def workflow_of_task(store: Store, task_code: str) -> str:
    """Raises NotFound for an unknown task, or one that is in no workflow yet."""
    with store.read() as work:
        found = work.history.workflow_of(task_code)
    if found is None:
        hint = f"wfgov deps {task_code}, or wfgov orchestrate if it is new"
        raise NotFound("no workflow has it", where=f"task {task_code}", hint=hint)
    return found
