"""Where tasks are, by their codes, and how a person changes that."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class TaskPlace:
    """A task that the metadata has a row of; `deleted`: softly. `workflow_code` None: it has no membership."""

    task_id: int
    deleted: bool
    workflow_code: str | None


class Memberships(Protocol):
    def places(self, task_codes: Collection[str]) -> Mapping[str, TaskPlace]:
        """By task code; what has no row in the metadata is left out."""

    def restore(self, actor: str, workflow_id: int, task_ids: Collection[int]) -> None:
        """Memberships of tasks that have none."""

    def take(self, actor: str, workflow_code: str, task_ids: Collection[int], reason: str) -> None:
        """Move them there, with a declaration that takes the place of what other people declared."""
