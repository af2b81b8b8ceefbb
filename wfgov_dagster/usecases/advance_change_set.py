"""Drive a change set: its current wave, so many members side by side; then what follows from how they ended.

Which members are begun, how they ended and whether the set goes on is decided in transactions that hold the lock on
the set's row. Whoever dies leaves rows from which the next call goes on, and two that drive one set do no harm.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import inf

from wfgov_dagster.domain.change_set import UNDER_WAY, MemberState, OnFailure, SetState, current_wave
from wfgov_dagster.domain.flow import Again
from wfgov_dagster.errors import LeaseHeld, WfgovError
from wfgov_dagster.ports.change_sets import ChangeSet, Member
from wfgov_dagster.ports.store import Work
from wfgov_dagster.usecases.begin_publish import give_back
from wfgov_dagster.usecases.publish import advance
from wfgov_dagster.usecases.publisher import Done, Publisher
from wfgov_dagster.usecases.request_publish import Request, request_in
from wfgov_dagster.usecases.restore_publish import Restore, request_restore
from wfgov_dagster.usecases.settle_change_set import overtaken, settle

_HELD_SECONDS = 1.0  # before asking again for a workflow that somebody else publishes


@dataclass(frozen=True, slots=True)
class Crew:
    """Who publishes the members.

    `side_by_side(n, work)` calls `work` n times at once and gives what they returned. `now`: seconds of a clock that
    only goes forward. A call to `advance_change_set` begins nothing more once `turn_seconds` are over.
    """

    publisher: Publisher
    side_by_side: Callable[[int, Callable[[], float]], Sequence[float]]
    sleep: Callable[[float], None]
    now: Callable[[], float]
    turn_seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class Ended:
    """How a change set ended; the report has its members."""

    change_set_id: int
    state: SetState


def advance_change_set(crew: Crew, change_set_id: int) -> Ended | Again:
    """Raises NotFound for no such set. A failed set is no error but Ended."""
    with crew.publisher.store.write() as work:
        found = settle(work, change_set_id)
        members = work.change_sets.members(change_set_id)
        restoring = work.change_sets.restoring(change_set_id)
    if found.state not in UNDER_WAY:
        return Ended(change_set_id, found.state)
    if found.state is SetState.RESTORING:
        assert restoring is not None, "a set that is being restored has one that restores it"
        after = advance_change_set(crew, restoring)
        return after if isinstance(after, Again) else Again(0.0)
    return _Turn(crew, found).drive(members)


class _Turn:
    """One call's work on one wave, shared by those who work side by side."""

    def __init__(self, crew: Crew, found: ChangeSet) -> None:
        limits = replace(crew.publisher.limits, writes_per_second=found.writes_per_second)
        self._crew = crew
        self._publisher = replace(crew.publisher, limits=limits)
        self._set = found
        self._until = crew.now() + crew.turn_seconds
        self._todo: deque[Member] = deque()

    def drive(self, members: Sequence[Member]) -> Again:
        wave = current_wave(members)
        moving = [one for one in members if one.wave == wave]
        self._todo.extend(one for one in moving if one.state is MemberState.OPEN)
        self._todo.extend(one for one in moving if one.state is MemberState.WAITING)
        count = min(self._set.parallel, len(self._todo))
        waits = self._crew.side_by_side(count, self._work) if count else ()
        shortest = min(waits, default=0.0)
        return Again(0.0 if self._todo or shortest == inf else shortest)

    def _work(self) -> float:
        """Publish one after the other; the shortest wait that one asked for, 0 = something ended."""
        shortest = inf
        while self._crew.now() < self._until:
            try:
                member = self._todo.popleft()
            except IndexError:
                break
            shortest = min(shortest, self._publish(member))
        return shortest

    def _publish(self, member: Member) -> float:
        record_id = member.record_id
        if record_id is None:
            begun = self._begin(member)
            if isinstance(begun, float):
                return begun
            record_id = begun
        while True:
            try:
                outcome = advance(self._publisher, record_id)
            except LeaseHeld:
                return _HELD_SECONDS
            if isinstance(outcome, Done):
                return 0.0
            if self._crew.now() + outcome.after_seconds >= self._until:
                give_back(self._publisher, record_id)  # the next turn's publisher is another one
                return outcome.after_seconds
            self._crew.sleep(outcome.after_seconds)

    def _begin(self, member: Member) -> int | float:
        """The member's new record; else the seconds to wait, 0 = it will not be begun."""
        store = self._publisher.store
        try:
            with store.write() as work:
                found = work.change_sets.get(self._set.id, lock=True)
                if _is_over(found) or work.change_sets.member(member.id).state is not MemberState.WAITING:
                    return 0.0
                if found.counts.get(MemberState.OPEN, 0) >= found.parallel:
                    return inf  # one of them will end, or says itself how long it waits
                work.publishing.workflow(member.workflow_code, lock=True)  # a request is before us, or sees our record
                reason = overtaken(work, member.after_record)
                if reason is not None:
                    work.change_sets.end(member.id, MemberState.SKIPPED, reason)
                    return 0.0
                record_id = _request(work, found, member)
                work.change_sets.begin(member.id, record_id)
                return record_id
        except LeaseHeld:
            return _HELD_SECONDS
        except WfgovError as refusal:
            if refusal.retryable:
                raise
            with store.write() as work:
                work.change_sets.get(self._set.id, lock=True)
                if work.change_sets.member(member.id).state is MemberState.WAITING:
                    work.change_sets.end(member.id, MemberState.FAILED, refusal.sentence())
            return 0.0


def _is_over(found: ChangeSet) -> bool:
    """Also where a member could not even be begun in this very turn: no more is written only to be taken back."""
    failed = found.counts.get(MemberState.FAILED, 0) > 0
    return found.canceled_by is not None or (failed and found.on_failure is OnFailure.RESTORE)


def _request(work: Work, found: ChangeSet, member: Member) -> int:
    code, engine, target = member.workflow_code, found.engine.name, member.target
    if target is None:
        wanted = Request(code, found.operation, engine, member.version_no)
        return request_in(work, found.operator, wanted, found.flow_id)
    reason = f"change set {found.restores}"
    back = Restore(code, engine, target.version_no, target.online, target.schedule_online, reason, target.publishes)
    return request_restore(work, found.operator, back, found.flow_id)
