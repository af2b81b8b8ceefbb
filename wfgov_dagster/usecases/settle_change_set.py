"""What follows in a change set from how its members ended: later waves are skipped, it ends, it is brought back."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from wfgov_dagster.domain.change_set import (
    Former,
    MemberState,
    OnFailure,
    SetState,
    current_wave,
    end_of,
    last_wave,
    way_back,
)
from wfgov_dagster.domain.publish import WAITING
from wfgov_dagster.ports.change_sets import ChangeSet, Member, NewMember, NewSet
from wfgov_dagster.ports.store import Work
from wfgov_dagster.usecases.end_publish import done


def settle(work: Work, change_set_id: int) -> ChangeSet:
    """The set as it stands, after what follows from its members' records is written down."""
    found = work.change_sets.get(change_set_id, lock=True)
    if found.state is not SetState.RUNNING:
        return found
    for member in work.change_sets.members(change_set_id):
        if member.state is MemberState.OPEN and (member.status != "pending" or member.phase in WAITING):
            _end_member(work, member)
    _skip(work, found)
    members = work.change_sets.members(change_set_id)
    if current_wave(members) is None:
        _end(work, found, members)
    return work.change_sets.get(change_set_id)


def _end_member(work: Work, member: Member) -> None:
    assert member.record_id is not None, "an open member has a record"
    end = done(work, member.record_id)
    state = MemberState.SUCCESS if end.status == "success" else MemberState.FAILED
    work.change_sets.end(member.id, state, None if state is MemberState.SUCCESS else end.message or end.phase)


def _skip(work: Work, found: ChangeSet) -> None:
    members = work.change_sets.members(found.id)
    last = last_wave(members, found.on_failure, canceled=found.canceled_by is not None)
    if last is None:
        return
    failed = [one.workflow_code for one in members if one.state is MemberState.FAILED]
    reason = f"{', '.join(failed[:3])}{' …' if failed[3:] else ''} failed before it"
    if found.canceled_by is not None:
        reason = f"canceled by {found.canceled_by}: {found.cancel_reason}"
    for one in members:
        if one.state is MemberState.WAITING and one.wave > last:
            work.change_sets.end(one.id, MemberState.SKIPPED, reason)


def _end(work: Work, found: ChangeSet, members: Sequence[Member]) -> None:
    state = end_of(members, canceled=found.canceled_by is not None)
    if found.restores is not None:
        back = state is SetState.SUCCESS
        work.change_sets.set_state(found.restores, SetState.RESTORED if back else SetState.RESTORE_FAILED)
    elif state is not SetState.SUCCESS and found.on_failure is OnFailure.RESTORE:
        restoring = begin_restore(work, found.operator, found)
        if restoring is not None and found.flow_id is not None:
            work.change_sets.set_flow(restoring, found.flow_id)
        return
    work.change_sets.set_state(found.id, state)


def begin_restore(work: Work, actor: str, found: ChangeSet) -> int | None:
    """The new set that brings the members of `found` back, the last wave first; None = there is nothing to do.

    What an earlier attempt brought back is left out. What somebody published since stays as it is, and is told.
    """
    members = list(_to_restore(work, found.id))
    if all(one.reason is not None for one in members):
        work.change_sets.set_state(found.id, SetState.RESTORE_FAILED if members else SetState.RESTORED)
        return None
    new = NewSet(
        found.engine.id, found.operation, OnFailure.GO_ON, found.parallel, found.writes_per_second, actor, found.id
    )
    restoring = work.change_sets.add(new, _backwards(members))
    work.change_sets.set_state(found.id, SetState.RESTORING)
    return restoring


def _to_restore(work: Work, change_set_id: int) -> Iterator[NewMember]:
    """In the waves of the set itself."""
    earlier = work.change_sets.restoring(change_set_id)
    tried = {} if earlier is None else {one.workflow_id: one for one in work.change_sets.members(earlier)}
    for member in work.change_sets.members(change_set_id):
        target, back = _target(work, member), tried.get(member.workflow_id, member)
        if target is None or (back is not member and back.state is MemberState.SUCCESS):
            continue
        last = back.record_id or member.record_id
        reason = overtaken(work, last)
        yield NewMember(
            member.workflow_id, member.wave, target.version_no, target=target, after_record=last, reason=reason
        )


def overtaken(work: Work, record_id: int | None) -> str | None:
    """Why what the record did is not to be taken back: somebody published since, and newer wishes win."""
    newer = None if record_id is None else work.publishing.newer(record_id)
    return None if newer is None else f"left as it is: publish record {newer} came after the set's"


def _target(work: Work, member: Member) -> Former | None:
    """None = nothing of it is on the engine: it was not begun, wrote nothing, or took back what it wrote."""
    if member.record_id is None:
        return None
    job = work.publishing.job(member.record_id)
    wrote = member.steps > 0 if member.state is MemberState.SUCCESS else job.wrote
    return way_back(member.before, job.found) if wrote and job.found is not None else None


def _backwards(members: Sequence[NewMember]) -> list[NewMember]:
    order = sorted({one.wave for one in members}, reverse=True)
    return [replace(one, wave=order.index(one.wave) + 1) for one in members]
