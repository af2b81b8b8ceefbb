"""What Dagster shows of the platform: governed tables, current definitions and versions."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class GovernedTable:
    """Empty text for what is not known."""

    id: int
    db_name: str
    table_name: str
    layer: str
    business_domain: str
    owner: str
    table_type: str


@dataclass(frozen=True, slots=True)
class Revision:
    """Grows with whatever Dagster shows: newest derivation, newest version, number of workflows."""

    derivation: int
    version: int
    workflows: int

    def __str__(self) -> str:
        return f"{self.derivation}-{self.version}-{self.workflows}"


@dataclass(frozen=True, slots=True)
class CurrentDefinition:
    """`error`: why it is a draft. `version_hash`: None before V1."""

    workflow_code: str
    definition_hash: str | None
    error: str | None
    version_no: int | None
    version_hash: str | None


class Catalogue(Protocol):
    def revision(self) -> Revision: ...

    def current(self) -> Sequence[CurrentDefinition]:
        """Every workflow, by code."""

    def change_summaries(self, workflow_codes: Collection[str]) -> Mapping[str, str]:
        """Of the current versions."""

    def tables(self, limit: int) -> Sequence[GovernedTable]:
        """Those that a task or view makes come first, then by name."""

    def count(self) -> int:
        """All tables that are not gone."""

    def written_by(self, task_codes: Collection[str]) -> Sequence[tuple[str, str]]:
        """(db_name, table_name) of what these tasks write, sorted."""
