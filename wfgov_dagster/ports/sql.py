"""A door to whoever understands SQL."""

from dataclasses import dataclass
from typing import Protocol

from wfgov_dagster.domain.sql_change import Written


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

    def only_formatted(self, before: str, after: str) -> bool:
        """Whether both are the same but for what `normal` leaves out; False for what is no SQL."""

    def outputs(self, text: str) -> tuple[Written, ...] | None:
        """The tables that it writes, each as it fills it. None: it cannot be told for all of it."""

    def columns_read(self, text: str, table: str) -> frozenset[str] | None:
        """Names, case folded, among which are all columns of the table that the text reads; None = it may be any."""
