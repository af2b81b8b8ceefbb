"""Cross-workflow edges as people decide about them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from wfgov_dagster.ports.queries import CrossWorkflowEdge


@dataclass(frozen=True, slots=True)
class Decision:
    """`state` after it; it was `before`, or nothing is done."""

    upstream_task_code: str
    task_code: str
    before: str
    state: str
    reason: str


class CrossEdges(Protocol):
    def all(self, workflow_code: str | None, state: str | None) -> Sequence[CrossWorkflowEdge]:
        """By both ends. `workflow_code`: into and out of it; None: everywhere, and any state."""

    def find(self, upstream_task_code: str, task_code: str) -> CrossWorkflowEdge | None: ...

    def decide(self, actor: str, decision: Decision) -> bool:
        """False: its state is another one meanwhile."""

    def followed_by(self, task_codes: Collection[str]) -> Sequence[tuple[str, str]]:
        """(task, waiting task) pairs behind these: inside one workflow, or by an edge that is confirmed. Sorted."""
