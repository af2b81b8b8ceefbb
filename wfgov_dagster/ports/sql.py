"""A door to whoever understands SQL."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class TablesOfSql:
    """Sorted full names. `views`: (table read, view made of it). `problem`: why they are not all that there are."""

    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    views: tuple[tuple[str, str], ...] = ()
    problem: str | None = None


class SqlReader(Protocol):
    def tables(self, text: str) -> TablesOfSql:
        """Never fails: what is no SQL has a problem and no tables."""

    def normal(self, text: str) -> str:
        """The same for texts that differ in blanks, comments, the case of keywords and a semicolon at the end."""
