"""What an adoption asks of the metadata, and the rows that only it writes."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from wfgov_dagster.domain.publish import VersionRef
from wfgov_dagster.ports.publishing import Deployment


@dataclass(frozen=True, slots=True)
class TaskFacts:
    """An active task. `writes`: full names. `workflow`: code of where it is, or is declared to be."""

    code: str
    name: str
    text: str
    writes: frozenset[str]
    workflow: str | None


@dataclass(frozen=True, slots=True)
class NewWorkflow:
    code: str
    name: str
    description: str


class Adoption(Protocol):
    def lock(self) -> None:
        """One adoption at a time, until the transaction ends."""

    def tasks(self, codes: Collection[str], names: Collection[str]) -> Sequence[TaskFacts]:
        """Active tasks with one of these codes or names, by code."""

    def taken(self, codes: Collection[str]) -> frozenset[str]:
        """Those that some task has or had."""

    def known_tables(self, names: Collection[str]) -> frozenset[str]: ...

    def reads(self, codes: Collection[str]) -> Mapping[str, frozenset[str]]:
        """Task code → full names of tables that it reads."""

    def writes(self, codes: Collection[str]) -> Mapping[str, frozenset[str]]: ...

    def create(self, actor: str, workflow: NewWorkflow, task_codes: Collection[str], placed_by: str) -> int:
        """A workflow of origin manual with these tasks in it; its id. Raises Conflict when somebody was quicker."""

    def confirm(self, snapshot_id: int, workflow_id: int, engine_id: int, held: Deployment) -> None:
        """The snapshot is a baseline, published; `held` is what the engine holds. `held.version` is not None."""

    def version(self, workflow_id: int) -> VersionRef: ...
