"""What a person may do about a change set that was begun: cancel what is left of it, or bring its members back."""

from wfgov_dagster.domain.change_set import UNDER_WAY, SetState
from wfgov_dagster.domain.flow import FlowState
from wfgov_dagster.errors import Conflict, InvalidInput
from wfgov_dagster.ports.change_sets import ChangeSet
from wfgov_dagster.ports.store import Store, Work
from wfgov_dagster.usecases import flow_changes
from wfgov_dagster.usecases.change_set import audited, start_flow
from wfgov_dagster.usecases.settle_change_set import begin_restore

_LONGEST_REASON = 1000
_CANCEL, _RESTORE, _RESUME = "cancel_change_set", "restore_change_set", "resume_change_set"  # in audit entries


def cancel_change_set(store: Store, actor: str, change_set_id: int, reason: str) -> int:
    """The id of the set that is to be driven to its end now. Raises as `cancel`, a refusal gets an audit entry."""
    detail = {"reason": reason[:_LONGEST_REASON]}
    with audited(store, actor, _CANCEL, str(change_set_id), detail), store.write() as work:
        return cancel(work, actor, change_set_id, reason).id


def restore_change_set(store: Store, actor: str, change_set_id: int) -> int | None:
    """Raises as `restore`, a refusal gets an audit entry."""
    with audited(store, actor, _RESTORE, str(change_set_id), {}), store.write() as work:
        return restore(work, actor, change_set_id)


def resume_change_set(store: Store, actor: str, change_set_id: int) -> int:
    """The id of the set that is to be driven on: its flow goes on, also where that was stopped or is in error.

    Raises NotFound, Conflict for a set that has ended; a refusal gets an audit entry.
    """
    with audited(store, actor, _RESUME, str(change_set_id), {}), store.write() as work:
        found = _moving(work, change_set_id)
        if found.flow_id is not None and work.flows.get(found.flow_id).state in {FlowState.STOPPED, FlowState.ERROR}:
            flow_changes.resume(work, actor, found.flow_id)
        return found.id


def cancel(work: Work, actor: str, change_set_id: int, reason: str) -> ChangeSet:
    """Nothing more of it is begun; what was begun is brought to its end by whoever drives it. Returns the set that
    this is about: while members are brought back, the one that does so.

    Raises NotFound, InvalidInput without a reason, Conflict for a set that has ended.
    """
    if not reason.strip() or len(reason) > _LONGEST_REASON:
        raise InvalidInput("no reason why", where=_where(change_set_id), hint=f"1 to {_LONGEST_REASON} characters")
    found = _moving(work, change_set_id)
    work.change_sets.cancel(found.id, actor, reason)
    if found.flow_id is not None:
        work.flows.wake(found.flow_id)
    work.audit.add(actor, _CANCEL, ("change_set", str(found.id)), {"reason": reason})
    return found


def restore(work: Work, actor: str, change_set_id: int) -> int | None:
    """The id of a new set that brings its members back to what was confirmed before it began; None = they are so.

    Raises NotFound, Conflict for a set that is under way or that restores itself.
    """
    found = work.change_sets.get(change_set_id, lock=True)
    if found.restores is not None:
        hint = f"what it left undone: wfgov change-set restore {found.restores}"
        raise Conflict("it is one that restores", where=_where(change_set_id), hint=hint)
    if found.state in UNDER_WAY:
        hint = f"first: wfgov change-set cancel {change_set_id} --reason …"
        raise Conflict(f"it is under way: {found.state}", where=_where(change_set_id), hint=hint)
    restoring = begin_restore(work, actor, found)
    if restoring is not None:
        start_flow(work, actor, restoring)
    work.audit.add(actor, _RESTORE, ("change_set", str(change_set_id)), {"by": restoring})
    return restoring


def _moving(work: Work, change_set_id: int) -> ChangeSet:
    """The set; while its members are brought back, the one that does so. Raises Conflict if it has ended."""
    found = work.change_sets.get(change_set_id, lock=True)
    if found.state not in UNDER_WAY:
        hint = f"wfgov change-set show {change_set_id}"
        raise Conflict(f"it has ended: {found.state}", where=_where(change_set_id), hint=hint)
    restoring = work.change_sets.restoring(change_set_id)
    if found.state is SetState.RESTORING and restoring is not None:
        return work.change_sets.get(restoring, lock=True)
    return found


def _where(change_set_id: int) -> str:
    return f"change set {change_set_id}"
