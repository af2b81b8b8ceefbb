"""Who may write to an engine, what was written, and which engines are left alone. Ages are by the database's clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class NewStep:
    """`attempt` and `round` from 1."""

    record_id: int
    round: int
    attempt: int
    step: str
    request_digest: str


@dataclass(frozen=True, slots=True)
class StepRow:
    """`outcome`: ok, rejected, unknown; None = begun, not known to have ended."""

    no: int
    round: int
    attempt: int
    step: str
    request_digest: str
    outcome: str | None
    message: str | None
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write to an engine about one workflow. Who took it later has a higher `epoch`."""

    engine_id: int
    workflow_code: str
    holder: str
    epoch: int


class Leases(Protocol):
    """Who may write to an engine about a workflow, and the steps that were written down before each call."""

    def take(self, engine_id: int, workflow_code: str, holder: str, seconds: float) -> Lease | None:
        """The lease with a new epoch, also if the holder has it already. None: another one holds it."""

    def keep(self, lease: Lease, seconds: float) -> bool:
        """Hold it from now on for `seconds`. False: it has lapsed or somebody took it."""

    def seconds_left(self, lease: Lease) -> float:
        """0 = it has lapsed or somebody took it."""

    def release(self, lease: Lease) -> None:
        """No effect on a lease that somebody else took."""

    def holder(self, engine_id: int, workflow_code: str) -> str | None:
        """Whoever has it now."""

    def evict(self, engine_id: int, workflow_code: str, holder: str) -> None:
        """The holder is known to be dead. No effect if another one has it by now."""

    def left(self, engine_id: int, workflow_code: str) -> float:
        """Seconds that a holder still has; 0 = free."""

    def begin_step(self, step: NewStep) -> int: ...

    def end_step(self, step_id: int, outcome: str, message: str | None) -> None:
        """Only the first word about an outcome counts."""

    def steps(self, record_id: int) -> Sequence[StepRow]:
        """In order."""

    def give_up_steps(self, engine_id: int, workflow_id: int) -> Sequence[int]:
        """Steps whose publisher ended without a word have an unknown outcome. Records of those that were open."""

    def since_unknown(self, engine_id: int, workflow_id: int) -> float | None:
        """Seconds since a write about the workflow ended with an unknown outcome; None = none ever did."""

    def unknown_steps(self, engine_id: int, workflow_id: int, horizon_seconds: float) -> frozenset[str]:
        """Names of the writes whose outcome became unknown within the horizon."""


class Breakers(Protocol):
    """Engines that do not answer are left alone. Every word is one conditional UPDATE; times by the database."""

    def rest(self, engine_id: int, prober: str, probing_seconds: float) -> float:
        """Seconds to wait before a call; 0 = call. After the rest exactly one prober calls, the others wait for it."""

    def failed(self, engine_id: int, threshold: int, rest_seconds: float) -> None:
        """A call without an answer; `threshold` of them in a row open it."""

    def answered(self, engine_id: int) -> None:
        """Whatever it said."""

    def state(self, engine_id: int) -> tuple[int, float | None]:
        """Failures in a row, and the seconds for which no call is made; None = closed, 0 = one may probe."""
