"""Governed tables by name, for whoever shows them."""

from collections.abc import Collection, Sequence
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


class Catalogue(Protocol):
    def tables(self, limit: int) -> Sequence[GovernedTable]:
        """Those that a task or view makes come first, then by name."""

    def count(self) -> int:
        """All tables that are not gone."""

    def written_by(self, task_codes: Collection[str]) -> Sequence[tuple[str, str]]:
        """(db_name, table_name) of what these tasks write, sorted."""
