"""Who writes and reads which table, as today's metadata says."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class TableReader:
    """A task that reads `table`. `through_view`: only by views on it. `text` as the metadata have it."""

    table: str
    task_code: str
    workflow_code: str | None
    node_type: str
    text: str
    through_view: bool


class TableUse(Protocol):
    """Full names of tables; those that differ in case are the same."""

    def written_by(self, task_codes: Collection[str]) -> Mapping[str, Collection[str]]:
        """Task → tables. Of a task that is deleted, what it wrote."""

    def readers(self, tables: Collection[str]) -> Sequence[TableReader]:
        """Tasks that are there, by table and code; who reads both the table and a view on it reads the table."""
