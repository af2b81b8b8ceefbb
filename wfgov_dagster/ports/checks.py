"""What the derived tables are asked when somebody wants to know whether they are sound."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

Row = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Offences:
    """`count` of all; `rows` are the first of them, by code, for people."""

    count: int
    rows: Sequence[Row] = ()


class Checks(Protocol):
    def cycles(self, limit: int) -> Offences:
        """Circles of tasks: size and task codes."""

    def memberships(self, limit: int) -> Offences:
        """Derived tasks that are not in exactly one workflow."""

    def counts(self, limit: int) -> Offences:
        """Memberships whose counts are not those of the dependency view."""

    def unconfirmed(self, limit: int) -> Offences:
        """Dependencies between two workflows that nobody has confirmed or rejected."""
