"""Durable flows as the use cases see them. Times are by the database's clock, `read_at` included."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from wfgov_dagster.domain.flow import JSON, Biz, FlowState, NodeKind, NodeState
from wfgov_dagster.domain.flow_steps import Action, Failed


@dataclass(frozen=True, slots=True)
class NewFlow:
    """`definition_version` None: the first manager that advances it chooses."""

    flow_name: str
    definition_version: int | None
    biz: Biz
    context: Mapping[str, JSON]
    created_by: str


@dataclass(frozen=True, slots=True)
class FlowRow:
    """`holder` is there while somebody is at it, or died at it; `read_at`: the database's now."""

    id: int
    flow_key: str
    flow_name: str
    definition_version: int | None
    biz_id: str
    biz_type: str
    state: FlowState
    context: Mapping[str, JSON]
    context_version: int
    cancel_reason: str | None
    error_code: str | None
    error: str | None
    created_by: str
    holder: str | None
    epoch: int
    until: datetime | None
    next_due_at: datetime | None
    deadline_at: datetime | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    read_at: datetime


@dataclass(frozen=True, slots=True)
class NodeRow:
    """`failures`: since the last resume; `interruptions`: since then, or since it last said that it is not yet done."""

    id: int
    no: int
    node_name: str
    kind: NodeKind
    state: NodeState
    result: JSON
    failures: int
    interruptions: int
    error_code: str | None
    error: str | None
    deadline_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """`looks`: calls of the function, many for a poll. `outcome` None: begun, not known to have ended."""

    node_name: str
    no: int
    action: Action
    holder: str
    epoch: int
    looks: int
    outcome: str | None
    error_code: str | None
    error: str | None
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class FlowFilter:
    biz_id: str | None = None
    biz_type: str | None = None
    state: FlowState | None = None


@dataclass(frozen=True, slots=True)
class FlowLease:
    """The right to advance a flow. Who took it later has a higher `epoch`."""

    flow_id: int
    holder: str
    epoch: int


@dataclass(frozen=True, slots=True)
class DueFlow:
    """`holder`: who has a lease that still runs."""

    id: int
    next_due_at: datetime
    holder: str | None


class Flows(Protocol):
    """Flows, flow nodes, attempts, leases. What two may do at once is decided by one conditional UPDATE each."""

    def add(self, new: NewFlow) -> int: ...

    def choose(self, flow_id: int, version: int, nodes: Sequence[tuple[str, NodeKind]]) -> None:
        """The definition version for life, and its flow nodes, in order."""

    def get(self, flow_id: int, *, lock: bool = False) -> FlowRow:
        """Raises NotFound. `lock`: nobody else changes it until the transaction ends."""

    def nodes(self, flow_id: int) -> Sequence[NodeRow]:
        """In order."""

    def node(self, node_id: int) -> NodeRow: ...

    def node_names(self, flow_id: int) -> Sequence[str]:
        """In order."""

    def first_open(self, flow_id: int) -> NodeRow | None:
        """The first flow node that is not done. However long the flow is, it costs the same."""

    def attempts(self, flow_id: int) -> Sequence[AttemptRow]:
        """In the order in which they were begun."""

    def page(self, wanted: FlowFilter, page: int, size: int) -> Sequence[FlowRow]:
        """The newest first; pages count from 1."""

    def count(self, wanted: FlowFilter) -> int: ...

    def due(
        self, known: Collection[tuple[str, int]], after: tuple[datetime, int] | None, limit: int
    ) -> Sequence[DueFlow]:
        """The oldest due first. Flows of which somebody said that their definition is not registered come only to who
        knows it. `after`: (due, id) of the last one of the page before."""

    # --- what people do --------------------------------------------------------------------------

    def put_context(self, flow_id: int, context: Mapping[str, JSON], version: int) -> bool:
        """False: it is not at this context version any more, or was started."""

    def move(self, flow_id: int, before: FlowState, after: FlowState) -> bool:
        """False: it is not in state `before` any more. A moving flow is due now, no other is."""

    def give_reason(self, flow_id: int, reason: str) -> None:
        """Why it is cancelled; the first word stays."""

    def forgive(self, flow_id: int) -> None:
        """Its error, failures, interruptions and deadlines count no more."""

    def wake(self, flow_id: int) -> bool:
        """It is due now. False: it does not move."""

    # --- what managers do ------------------------------------------------------------------------

    def take(self, flow_id: int, holder: str, seconds: float, dead: str | None = None) -> FlowLease | None:
        """The lease with a new epoch, if nobody has one that still runs, or if `dead` has it."""

    def keep(self, lease: FlowLease, seconds: float) -> bool:
        """Hold it from now on for `seconds`. False: somebody took it."""

    def give_back(self, lease: FlowLease) -> bool:
        """False: somebody took it; a late word must not be written."""

    def begin(self, lease: FlowLease, node: NodeRow, action: Action, deadline_seconds: float | None) -> int:
        """The attempt's number. A poll, or what undoes, goes on with the one that is open; else there is a new one,
        and the open one of whoever ended without a word is interrupted."""

    def interrupted(self, node_id: int) -> None:
        """Count that whoever was at it ended without a word."""

    def uninterrupted(self, node_id: int) -> None:
        """It has come to a word: those who did not before count no more."""

    def end_attempt(self, node_id: int, failure: Failed | None) -> None:
        """Of the open one; None = ok."""

    def done(self, node_id: int, result: JSON) -> None: ...

    def undone(self, node_id: int) -> None: ...

    def failed_once(self, node_id: int, failure: Failed) -> None:
        """It will be tried again."""

    def failed(self, node_id: int, failure: Failed, action: Action) -> None:
        """For good. A flow node that could not be undone stays as it was."""

    def set_deadline(self, flow_id: int, seconds: float) -> None:
        """Unless it has one."""

    def later(self, flow_id: int, seconds: float) -> None:
        """Due then, if it moves."""

    def set_error(self, flow_id: int, failure: Failed | None) -> None: ...
