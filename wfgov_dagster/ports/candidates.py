"""Candidates: definitions that wait to become versions of pinned workflows. They last as long as the pin."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Candidate:
    """`base_version_no`: version that was current when it was made, which `change_summary` is against. `reason`: why it
    was dropped."""

    workflow_code: str
    content_hash: str
    functional_hash: str
    change_summary: str
    trigger_source: str
    base_version_no: int | None
    state: str
    reason: str | None
    created_by: str
    created_at: datetime
    decided_by: str | None
    decided_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewCandidate:
    """Its document is kept by `content_hash`. The version that is current now is its base."""

    workflow_id: int
    content_hash: str
    functional_hash: str
    change_summary: str
    trigger_source: str


class Candidates(Protocol):
    """One is open a workflow at most; a content that a person dropped is known until the pin ends."""

    def all(self, workflow_code: str | None, state: str | None) -> Sequence[Candidate]:
        """By workflow, then in the order they were made. None: of all workflows, in any state."""

    def open(self, workflow_ids: Collection[int]) -> Mapping[int, Candidate]:
        """By workflow id."""

    def dropped(self, workflow_ids: Collection[int]) -> set[tuple[int, str]]:
        """(workflow id, content hash)."""

    def outdated(self) -> set[str]:
        """Codes of workflows with an open one whose base is not the current version any more."""

    def body(self, content_hash: str) -> str:
        """Its w1 document."""

    def put(self, actor: str, new: NewCandidate) -> None:
        """In place of the open one."""

    def drop(self, actor: str, workflow_id: int, reason: str) -> bool:
        """False: none is open."""

    def take_back(self, workflow_ids: Collection[int]) -> None:
        """The open ones of these workflows are gone."""

    def settle(self) -> None:
        """Open ones of which nothing is left are gone: they, or the current definition, are the current version."""

    def forget(self, workflow_ids: Collection[int]) -> None:
        """Open and dropped ones: the pin has ended."""
