"""The durable flow of a change set: one flow node that looks until every member has ended.

The set is the truth, the flow's end mirrors it: Finished = every member succeeded or a person canceled it, Error = it
failed, whether it was brought back or not.
"""

from collections.abc import Callable
from functools import partial

from wfgov_dagster.domain.change_set import FLOW, SetState
from wfgov_dagster.domain.flow import JSON, Again, FlowDefinition, FlowNode, NodeKind, Turn
from wfgov_dagster.errors import ChangeSetFailed, NotFound
from wfgov_dagster.usecases.advance_change_set import Crew, advance_change_set
from wfgov_dagster.usecases.end_change_set import cancel


def definition(crew_of: Callable[[], Crew]) -> FlowDefinition:
    """`crew_of` makes one at each call: a manager may be at several flows at a time."""
    do, undo = partial(_publish, crew_of), partial(_undo, crew_of)
    node = FlowNode("publish", NodeKind.POLL, do, compensate=undo, asked_before=True)
    return FlowDefinition(FLOW, 1, (node,))


def _publish(crew_of: Callable[[], Crew], turn: Turn) -> "JSON | Again":
    said = advance_change_set(crew_of(), int(turn.biz_id))
    if isinstance(said, Again):
        return said
    if said.state not in {SetState.SUCCESS, SetState.CANCELED}:
        where, hint = f"change set {said.change_set_id}", f"wfgov change-set show {said.change_set_id}"
        raise ChangeSetFailed(f"it has ended: {said.state}", where=where, hint=hint)
    return {"state": str(said.state)}


def _undo(crew_of: Callable[[], Crew], turn: Turn) -> "JSON | Again":
    """The flow was cancelled: so is the set, which then does what it does on a failure."""
    crew, change_set_id = crew_of(), int(turn.biz_id)
    try:
        _cancel(crew, turn, change_set_id)
    except NotFound:  # the flow was made for a set that never was: it must be able to end
        return {"change_set_id": change_set_id}
    said = advance_change_set(crew, change_set_id)
    return said if isinstance(said, Again) else {"state": str(said.state)}


def _cancel(crew: Crew, turn: Turn, change_set_id: int) -> None:
    with crew.publisher.store.write() as work:
        found = work.change_sets.get(change_set_id, lock=True)
        if found.state is SetState.RUNNING and found.canceled_by is None:
            cancel(work, turn.actor, change_set_id, f"flow {turn.flow_id} was cancelled")
