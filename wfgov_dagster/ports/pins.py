"""Pins: while one is in force, orchestration makes candidates of a workflow and no versions."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Pin:
    """`until` None = until somebody unpins."""

    reason: str
    by: str
    until: datetime | None

    def sentence(self) -> str:
        return self.reason if self.until is None else f"{self.reason} (until {self.until:%Y-%m-%d %H:%M:%S}Z)"


class Pins(Protocol):
    """A pin is in force until its time has come by the database's clock; what has run out stays until it is cleared."""

    def of(self, workflow_id: int) -> Pin | None:
        """Also one that has run out."""

    def put(self, workflow_id: int, pin: Pin) -> None:
        """In place of the one before."""

    def clear(self, actor: str, workflow_ids: Collection[int]) -> None: ...
    def in_force(self, workflow_ids: Collection[int]) -> set[int]: ...

    def any_run_out(self) -> bool: ...

    def run_out(self) -> Mapping[int, str]:
        """Codes of the workflows whose pin has run out, by id."""
