"""The durable flow of a change set: one flow node that looks until every member has ended."""

from wfgov_dagster.domain.change_set import SetState
from wfgov_dagster.domain.flow import JSON, Again, FlowDefinition, FlowNode, NodeKind, Turn
from wfgov_dagster.usecases.advance_change_set import Crew, advance_change_set
from wfgov_dagster.usecases.change_set import FLOW
from wfgov_dagster.usecases.end_change_set import cancel


def change_set_flow(crew: Crew) -> FlowDefinition:
    """Its result is the set's state: a set that failed is a flow that finished. A flow that is cancelled cancels the
    set, which then does what it does on a failure."""

    def advance(turn: Turn) -> "JSON | Again":
        said = advance_change_set(crew, int(turn.biz_id))
        return said if isinstance(said, Again) else {"state": said.state}

    def undo(turn: Turn) -> "JSON | Again":
        with crew.publisher.store.write() as work:
            found = work.change_sets.get(int(turn.biz_id), lock=True)
            if found.state is SetState.RUNNING and found.canceled_by is None:
                cancel(work, turn.actor, found.id, f"flow {turn.flow_id} was cancelled")
        return advance(turn)

    return FlowDefinition(FLOW, 1, (FlowNode("publish_members", NodeKind.POLL, advance, compensate=undo),))
