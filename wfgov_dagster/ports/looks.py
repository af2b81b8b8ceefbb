"""What a loop asks while nothing happens: one query about everything that may wait for it."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Waiting:
    """`flows`: one is due, perhaps with somebody; `chores`: a schedule of an embedded engine, or an alert."""

    flows: bool
    chores: bool


class Looks(Protocol):
    def waiting(self, known: Collection[tuple[str, int]]) -> Waiting:
        """`known`: definitions of flows, as `Flows.due` takes them."""
