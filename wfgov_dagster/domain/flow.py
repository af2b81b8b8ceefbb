"""Durable flows (spec D): what a definition is, and how a flow may move.

A flow ends on the definition version that it began on. A flow node's key is fixed for life, so whatever its function
does outside can be done once by whoever looks at the key, however often the function is called.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from wfgov_dagster.errors import FlowDefineNotFound, IllegalTransition

JSON: TypeAlias = "bool | int | float | str | Sequence[JSON] | Mapping[str, JSON] | None"


class FlowState(StrEnum):
    INITIALIZING = "Initializing"  # created; its context may still be set
    PROCESSING = "Processing"
    CANCELING = "Canceling"  # what was begun is undone
    CANCELED = "Canceled"
    STOPPED = "Stopped"  # by a person, at a flow node; goes on when it is resumed
    FINISHED = "Finished"
    ERROR = "Error"  # a flow node failed for good; goes on when it is resumed


class FlowEvent(StrEnum):
    START = "start"
    STOP = "stop"
    CANCEL = "cancel"
    RESUME = "resume"
    FINISH = "finish"
    FAIL = "fail"
    UNDONE = "undone"


# Saying the same twice changes nothing: whoever lost the reply may ask again.
FLOW_TRANSITIONS: Final[Mapping[tuple[FlowState, FlowEvent], FlowState]] = {
    (FlowState.INITIALIZING, FlowEvent.START): FlowState.PROCESSING,
    (FlowState.PROCESSING, FlowEvent.START): FlowState.PROCESSING,
    (FlowState.PROCESSING, FlowEvent.STOP): FlowState.STOPPED,
    (FlowState.STOPPED, FlowEvent.STOP): FlowState.STOPPED,
    (FlowState.INITIALIZING, FlowEvent.CANCEL): FlowState.CANCELED,
    (FlowState.PROCESSING, FlowEvent.CANCEL): FlowState.CANCELING,
    (FlowState.STOPPED, FlowEvent.CANCEL): FlowState.CANCELING,
    (FlowState.ERROR, FlowEvent.CANCEL): FlowState.CANCELING,
    (FlowState.CANCELING, FlowEvent.CANCEL): FlowState.CANCELING,
    (FlowState.CANCELED, FlowEvent.CANCEL): FlowState.CANCELED,
    (FlowState.STOPPED, FlowEvent.RESUME): FlowState.PROCESSING,
    (FlowState.ERROR, FlowEvent.RESUME): FlowState.PROCESSING,
    (FlowState.PROCESSING, FlowEvent.RESUME): FlowState.PROCESSING,
    (FlowState.PROCESSING, FlowEvent.FINISH): FlowState.FINISHED,
    (FlowState.PROCESSING, FlowEvent.FAIL): FlowState.ERROR,
    (FlowState.CANCELING, FlowEvent.FAIL): FlowState.ERROR,
    (FlowState.CANCELING, FlowEvent.UNDONE): FlowState.CANCELED,
}
MOVING: Final = frozenset({FlowState.PROCESSING, FlowState.CANCELING})  # a manager has something to do


def state_after(state: FlowState, event: FlowEvent) -> FlowState:
    """Raises IllegalTransition."""
    try:
        return FLOW_TRANSITIONS[state, event]
    except KeyError:
        raise IllegalTransition(f"{event} is not possible in state {state}") from None


# --- definitions ---------------------------------------------------------------------------------


class NodeKind(StrEnum):
    CALL = "call"  # has done its work when it returns
    POLL = "poll"  # may say Again until what it waits for is there


class NodeState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"  # begun, no verdict yet
    DONE = "done"
    FAILED = "failed"
    UNDONE = "undone"  # compensated


@dataclass(frozen=True, slots=True)
class Again:
    """Not yet; come back then."""

    after_seconds: float


@dataclass(frozen=True, slots=True)
class Turn:
    """What a flow node's function is given. `results`: of the flow nodes before it, and of its own when it is undone.
    `attempt` counts from 1. `holder` names this flow in this manager: no other flow has it.

    A function has to be back before the lease ends. `keep` extends the lease, to be called between two steps of one
    that takes longer, and right before a write that a late holder must not do; it raises LeaseHeld once another
    manager has taken over.
    """

    flow_id: int
    node: str
    key: str
    attempt: int
    biz_id: str
    biz_type: str
    actor: str
    context: Mapping[str, JSON]
    results: Mapping[str, JSON]
    holder: str
    interval_seconds: float
    keep: Callable[[], None]

    def not_yet(self) -> Again:
        """A poll's word for "look again after my interval"."""
        return Again(self.interval_seconds)


Do: TypeAlias = "Callable[[Turn], JSON | Again]"


@dataclass(frozen=True, slots=True)
class FlowNode:
    """`do` returns the flow node's result; a retryable WfgovError is another attempt, any other error is its end.

    `attempts` that may fail; `deadline_seconds` from its beginning, waits and retries included, None = no limit.
    `compensate` undoes it when the flow is cancelled; it is called for every flow node that was begun, so it looks
    before it undoes. `asked_before`: what it does was put on record when the flow was made, so it is undone also where
    nobody has begun it.
    """

    name: str
    kind: NodeKind
    do: Do
    attempts: int = 8
    interval_seconds: float = 3.0
    deadline_seconds: float | None = None
    compensate: "Do | None" = None
    asked_before: bool = False

    def is_to_be_undone(self, state: NodeState) -> bool:
        begun = state is not NodeState.WAITING or self.asked_before
        return begun and state is not NodeState.UNDONE and self.compensate is not None


@dataclass(frozen=True, slots=True)
class FlowDefinition:
    """Flow nodes in order. A new `version` for every change of their names, order or meaning. `deadline_seconds`: of
    the whole flow, from its first flow node on."""

    name: str
    version: int
    nodes: tuple[FlowNode, ...]
    deadline_seconds: float | None = None

    def node(self, name: str) -> FlowNode:
        """Raises FlowDefineNotFound: whoever began the flow knew another definition by this name and version."""
        for one in self.nodes:
            if one.name == name:
                return one
        raise FlowDefineNotFound(
            where=f"flow {self.name} version {self.version}",
            hint=f"it has no flow node {name!r} here: a changed definition needs a new version",
        )


@dataclass(frozen=True, slots=True)
class Biz:
    """What a flow is about, in the words of whoever made it."""

    biz_id: str
    biz_type: str
