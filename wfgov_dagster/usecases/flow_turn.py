"""One call of a flow node's function: what is on record before it, and its word."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from wfgov_dagster.domain.flow import (
    JSON,
    Again,
    FlowDefinition,
    FlowEvent,
    FlowState,
    NodeKind,
    NodeState,
    Turn,
    state_after,
)
from wfgov_dagster.domain.flow_steps import Action, Call, Done, Failed, Stand, Word, failed, next_of
from wfgov_dagster.domain.plain_json import check_json
from wfgov_dagster.domain.redact import told
from wfgov_dagster.errors import (
    FlowDefineNotFound,
    FlowError,
    FlowNodeInterrupted,
    FlowTimeOut,
    LeaseHeld,
    WfgovError,
)
from wfgov_dagster.ports.flows import FlowLease, FlowRow, NodeRow
from wfgov_dagster.ports.store import Work
from wfgov_dagster.usecases.flow_manager import Ended, FlowManager
from wfgov_dagster.usecases.raise_alerts import flow_failed


@dataclass(frozen=True, slots=True)
class Begun:
    """The attempt is on record, the function not called yet. `flow`, `row`: as they were before."""

    manager: FlowManager
    definition: FlowDefinition
    flow: FlowRow
    lease: FlowLease
    row: NodeRow
    call: Call
    attempt: int


def seconds_until(moment: datetime | None, now: datetime) -> float | None:
    """None = never."""
    return None if moment is None else (moment - now).total_seconds()


def begin(manager: FlowManager, work: Work, flow: FlowRow, lease: FlowLease) -> Begun | Ended:
    """`flow` as it was before the lease. Raises FlowDefineNotFound, then nothing was written."""
    definition = manager.definitions.get(flow.flow_name, flow.definition_version)
    if flow.definition_version is None:
        work.flows.choose(flow.id, definition.version, [(node.name, node.kind) for node in definition.nodes])
    _check_same(manager, work, flow, definition)
    if flow.error_code is not None:
        work.flows.set_error(flow.id, None)
    found = next_call(work, flow, definition)
    if isinstance(found, FlowEvent):
        return end(work, lease, flow.state, found)
    call, row = found
    hopeless = _hopeless(manager, work, flow, row)
    if hopeless is not None:
        return fail(work, lease, flow.state, row, failed(hopeless))
    if definition.deadline_seconds is not None:
        work.flows.set_deadline(flow.id, definition.deadline_seconds)
    number = work.flows.begin(lease, row, call.action, call.node.deadline_seconds)
    return Begun(manager, definition, flow, lease, row, call, number)


def next_call(work: Work, flow: FlowRow, definition: FlowDefinition) -> tuple[Call, NodeRow] | FlowEvent:
    """What `next_of` says; of a flow that goes forward it is shown the first open flow node only, so that a step of a
    long flow costs no more than one of a short one."""
    if flow.state is FlowState.CANCELING:
        rows = work.flows.nodes(flow.id)
    else:
        first = work.flows.first_open(flow.id)
        rows = [] if first is None else [first]
    said = next_of(flow.state, [Stand(row.node_name, row.state) for row in rows], definition)
    if isinstance(said, FlowEvent):
        return said
    return said, next(row for row in rows if row.node_name == said.node.name)


def _check_same(manager: FlowManager, work: Work, flow: FlowRow, definition: FlowDefinition) -> None:
    """Once a flow and process: neither its flow nodes nor a registered definition ever change."""
    if manager.definitions.is_checked(flow.flow_key):
        return
    if list(work.flows.node_names(flow.id)) != [node.name for node in definition.nodes]:
        raise FlowDefineNotFound(
            where=f"flow {definition.name} version {definition.version}",
            hint="it began with other flow nodes than are registered here: a changed definition needs a new version",
        )
    if flow.definition_version is not None:  # one that was chosen just now may be rolled back
        manager.definitions.checked(flow.flow_key)


class _Results(Mapping[str, JSON]):
    """Results of the flow nodes up to `last`, read when somebody asks: most functions do not, and they may be many."""

    def __init__(self, begun: Begun) -> None:
        self._begun = begun

    @cached_property
    def _read(self) -> dict[str, JSON]:
        begun = self._begun
        last = begun.row.no if begun.call.action is Action.UNDO else begun.row.no - 1
        with begun.manager.store.read() as work:
            rows = work.flows.nodes(begun.flow.id)
        return {one.node_name: one.result for one in rows if one.state is NodeState.DONE and one.no <= last}

    def __getitem__(self, node: str) -> JSON:
        return self._read[node]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read)

    def __len__(self) -> int:
        return len(self._read)

    def __repr__(self) -> str:
        return repr(self._read)


def _hopeless(manager: FlowManager, work: Work, flow: FlowRow, row: NodeRow) -> FlowError | None:
    """Why the flow node is not tried again. A holder that is still there has died in it."""
    where = f"flow {flow.id}, flow node {row.node_name}"
    if flow.holder is not None:
        work.flows.interrupted(row.id)
        if row.interruptions + 1 >= manager.limits.interruptions:
            hint = f"{row.interruptions + 1} processes died in it; find out why, then wfgov flow resume {flow.id}"
            return FlowNodeInterrupted(where=where, hint=hint)
    left = seconds_until(flow.deadline_at, flow.read_at)
    if flow.state is FlowState.PROCESSING and left is not None and left <= 0:
        return FlowTimeOut(where=where, hint=f"wfgov flow resume {flow.id} gives it its time again")
    return None


def end(work: Work, lease: FlowLease, state: FlowState, event: FlowEvent) -> Ended:
    work.flows.move(lease.flow_id, state, state_after(state, event))
    work.flows.give_back(lease)
    return Ended.of(work.flows.get(lease.flow_id))


def fail(work: Work, lease: FlowLease, state: FlowState, row: NodeRow, failure: Failed) -> Ended:
    """The flow node has failed for good, and the flow with it."""
    action = Action.UNDO if state is FlowState.CANCELING else Action.DO
    work.flows.end_attempt(row.id, failure)
    work.flows.failed(row.id, failure, action)
    work.flows.set_error(lease.flow_id, failure)
    flow_failed(work, lease, row.node_name, failure)
    return end(work, lease, state, FlowEvent.FAIL)


def word_of(begun: Begun) -> Word:
    """Call the function. Whatever it raises is its word, so that no error of one flow stops another."""
    node, function = begun.call.node, begun.call.function
    try:
        said = function(_turn(begun))
        if isinstance(said, Again):
            if node.kind is NodeKind.CALL and begun.call.action is Action.DO:
                raise TypeError("a call has done its work when it returns; what says Again has to be a poll")
            return said
        check_json(said, f"result of flow node {node.name}")
    except WfgovError as exc:
        return failed(exc)
    except Exception as exc:  # noqa: BLE001 - the outermost place of a flow: it ends the flow node, not the manager
        return Failed(WfgovError.code, told(exc))
    return Done(said)


def _turn(begun: Begun) -> Turn:
    flow, node = begun.flow, begun.call.node
    undo = f":{Action.UNDO}" if begun.call.action is Action.UNDO else ""
    return Turn(
        flow_id=flow.id,
        node=node.name,
        key=f"{flow.flow_key}:{node.name}{undo}",
        attempt=begun.attempt,
        biz_id=flow.biz_id,
        biz_type=flow.biz_type,
        actor=flow.created_by,
        context=flow.context,
        results=_Results(begun),
        holder=f"{begun.manager.holder}:{flow.id}",
        interval_seconds=node.interval_seconds,
        keep=lambda: _keep(begun),
    )


def _keep(begun: Begun) -> None:
    with begun.manager.store.write() as work:
        kept = work.flows.keep(begun.lease, begun.manager.limits.lease_seconds)
    if not kept:
        raise LeaseHeld("another manager has taken over", where=f"flow {begun.flow.id}", hint="it goes on there")
