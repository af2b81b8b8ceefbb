"""What a flow does next, and what follows from the word of a flow node."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from wfgov_dagster.domain.flow import JSON, Again, Do, FlowDefinition, FlowEvent, FlowNode, FlowState, NodeState
from wfgov_dagster.errors import FlowNodePollingTimeOut, WfgovError

_LONGEST_WAIT_SECONDS: Final = 86_400.0


class Action(StrEnum):
    DO = "do"
    UNDO = "undo"


@dataclass(frozen=True, slots=True)
class Stand:
    """How a flow node of a flow stands."""

    name: str
    state: NodeState


@dataclass(frozen=True, slots=True)
class Call:
    """Of the function that does or undoes the flow node."""

    node: FlowNode
    action: Action

    @property
    def function(self) -> Do:
        if self.action is Action.DO:
            return self.node.do
        assert self.node.compensate is not None, "only what can be undone is"
        return self.node.compensate


def next_of(state: FlowState, stands: Sequence[Stand], definition: FlowDefinition) -> Call | FlowEvent:
    """The first flow node that is not done; when cancelled, the last one that is to be undone. An event: the
    flow is at its end."""
    if state is FlowState.PROCESSING:
        for stand in stands:
            if stand.state is not NodeState.DONE:
                return Call(definition.node(stand.name), Action.DO)
        return FlowEvent.FINISH
    for stand in reversed(stands):
        node = definition.node(stand.name)
        if node.is_to_be_undone(stand.state):
            return Call(node, Action.UNDO)
    return FlowEvent.UNDONE


# --- what follows from its word ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Done:
    result: JSON


@dataclass(frozen=True, slots=True)
class Failed:
    """`error` and `message` can be shown to people: no secret in them."""

    code: str
    message: str
    retryable: bool = False


@dataclass(frozen=True, slots=True)
class Wait:
    """`failures`: counted against the flow node's attempts by this word."""

    seconds: float
    failures: int = 0
    reason: Failed | None = None


Word: TypeAlias = Done | Again | Failed


@dataclass(frozen=True, slots=True)
class Patience:
    """What is left. `failures` so far; `seconds_left` until the flow node's deadline, None = no limit; `retry_seconds`:
    after how many failures, how long to wait."""

    failures: int
    seconds_left: float | None
    retry_seconds: Callable[[int], float]


def judge(node: FlowNode, word: Word, patience: Patience) -> Done | Wait | Failed:
    """A poll is asked once more at its deadline: what came at the last moment counts."""
    left = math.inf if patience.seconds_left is None else patience.seconds_left
    match word:
        case Done():
            return word
        case Again(after_seconds):
            if left <= 0:
                return failed(FlowNodePollingTimeOut(where=f"flow node {node.name}", hint=_late(node)))
            return Wait(min(max(0.0, after_seconds), left, _LONGEST_WAIT_SECONDS))
        case Failed():
            failures = patience.failures + 1
            if not word.retryable or failures >= node.attempts or left <= 0:
                return word
            return Wait(min(patience.retry_seconds(failures), left), 1, word)


def failed(error: WfgovError) -> Failed:
    return Failed(error.code, error.sentence(), error.retryable)


def _late(node: FlowNode) -> str:
    return f"it was not there within {node.deadline_seconds:g} s; wfgov flow resume goes on waiting"
