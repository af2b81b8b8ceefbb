"""How often each verb of flows was called, how often in vain, and how long it took: in memory, and kept by day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Measured:
    """`seconds`: of all calls together."""

    calls: int = 0
    failures: int = 0
    seconds: float = 0.0
    longest_seconds: float = 0.0

    def plus(self, more: "Measured") -> "Measured":
        return Measured(
            self.calls + more.calls,
            self.failures + more.failures,
            self.seconds + more.seconds,
            max(self.longest_seconds, more.longest_seconds),
        )


@dataclass(frozen=True, slots=True)
class CallRow:
    """`day`: in UTC, when it was written down; `seconds`: of all calls together."""

    day: date
    verb: str
    calls: int
    failures: int
    seconds: float


class UnkeptCalls(Protocol):
    """What this process counted and nobody has written down yet."""

    def take(self) -> Mapping[str, Measured]:
        """It counts as written down from now on."""

    def give_back(self, taken: Mapping[str, Measured]) -> None:
        """It was not."""


class Calls(Protocol):
    def add(self, measured: Mapping[str, Measured]) -> None:
        """To what other processes counted on this day, by the database's clock."""

    def of_days(self, days: int) -> Sequence[CallRow]:
        """Today and the days before, so many in all; the newest day first, then by verb."""
