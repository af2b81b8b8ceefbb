"""What a publish needs beside its record, and how it ends or goes on."""

from collections.abc import Callable
from dataclasses import dataclass, field

from wfgov_dagster.domain.flow import Again
from wfgov_dagster.ports.engine import Engine
from wfgov_dagster.ports.publishing import RegisteredEngine
from wfgov_dagster.ports.store import Store

__all__ = ["Again", "Done", "Limits", "Publisher"]


@dataclass(frozen=True, slots=True)
class Limits:
    """`lease_seconds` has to be longer than any call to an engine. `settle_seconds`: how long after it was sent a
    request without a reply may still be applied."""

    lease_seconds: float = 60.0
    settle_seconds: float = 0.0
    attempts: int = 8
    first_wait_seconds: float = 1.0
    longest_wait_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Publisher:
    """One driving loop. `holder` names it and no other; `chance` gives 0 … 1 and spreads waits (full jitter)."""

    store: Store
    engine_of: Callable[[RegisteredEngine], Engine]
    holder: str
    chance: Callable[[], float]
    limits: Limits = field(default_factory=Limits)

    def wait(self, attempts: int) -> float:
        """Seconds before the next try, after so many that failed."""
        longest = self.limits.first_wait_seconds * 2.0 ** min(attempts - 1, 30)
        return self.chance() * min(self.limits.longest_wait_seconds, longest)


@dataclass(frozen=True, slots=True)
class Done:
    """`status` success or failed. `steps`: writes that were sent to the engine."""

    record_id: int
    status: str
    phase: str
    version_no: int
    steps: int
    engine_workflow_code: str | None = None
    error_code: str | None = None
    message: str | None = None
