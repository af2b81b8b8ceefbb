"""What a publish needs beside its record, and how it ends or goes on."""

from collections.abc import Callable
from dataclasses import dataclass, field

from wfgov_dagster.domain.flow import Again
from wfgov_dagster.domain.publish import Phase
from wfgov_dagster.ports.engine import Engine
from wfgov_dagster.ports.publishing import RegisteredEngine
from wfgov_dagster.ports.store import Store
from wfgov_dagster.usecases.engines import EMBEDDED

__all__ = ["Again", "Done", "Limits", "Publisher"]


@dataclass(frozen=True, slots=True)
class Limits:
    """`call_seconds`: longest call to an engine with a margin; a lease has to last longer, and no write begins with
    less of it left. `settle_seconds`: how long after it was sent a request without a reply may still be applied;
    `network_settle_seconds`: the same for an engine that is reached over a network, None = no other.
    `attempts` and `deadline_seconds` are those of one round: the way there, each retry, the way back.

    After `breaker_failures` calls in a row without an answer an engine is left alone for `breaker_rest_seconds`.
    The sweeper looks every `sweep_seconds` where such a write ended less than `horizon_seconds` ago.
    `writes_per_second` to one engine, whoever writes; 0 = no limit.
    """

    lease_seconds: float = 60.0
    settle_seconds: float = 0.0
    network_settle_seconds: float | None = None
    attempts: int = 8
    first_wait_seconds: float = 1.0
    longest_wait_seconds: float = 60.0
    deadline_seconds: float = 1800.0
    call_seconds: float = 20.0
    breaker_failures: int = 5
    breaker_rest_seconds: float = 30.0
    horizon_seconds: float = 3600.0
    sweep_seconds: float = 60.0
    writes_per_second: float = 0.0

    def settle_of(self, engine: RegisteredEngine) -> float:
        """An embedded engine's requests are transactions of our own database."""
        if engine.kind == EMBEDDED or self.network_settle_seconds is None:
            return self.settle_seconds
        return self.network_settle_seconds


@dataclass(frozen=True, slots=True)
class Publisher:
    """One driving loop. `holder` names it and no other; `chance` gives 0 … 1 and spreads waits (full jitter).
    `is_dead`: whether the holder of that name is known to be gone, so that nobody has to wait for its lease."""

    store: Store
    engine_of: Callable[[RegisteredEngine], Engine]
    holder: str
    chance: Callable[[], float]
    limits: Limits = field(default_factory=Limits)
    is_dead: Callable[[str], bool] = lambda _: False

    def wait(self, tries: int) -> float:
        """Seconds before the next try, after so many that failed."""
        longest = self.limits.first_wait_seconds * 2.0 ** min(max(0, tries - 1), 30)
        return self.chance() * min(self.limits.longest_wait_seconds, longest)


@dataclass(frozen=True, slots=True)
class Done:
    """How it stands where nobody drives it any more. `status` success, failed, or pending: it is paused or parked and
    waits for a person, or for the sweeper. `steps`: writes that were sent to the engine; `step`: the last of them.
    `message` has the engine's own word in it."""

    record_id: int
    status: str
    phase: str
    version_no: int
    steps: int
    engine_workflow_code: str | None = None
    error_code: str | None = None
    message: str | None = None
    snapshot_id: int | None = None
    step: str | None = None

    @property
    def retryable(self) -> bool:
        """Whether the same record may be tried again, as far as it alone can tell."""
        return self.phase in {Phase.PARKED, Phase.FAILED, Phase.REJECTED}
