"""What the embedded engine remembers. Each method is one transaction; what two may do at once, one of them does."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from wfgov_dagster.domain.definition import Schedule
from wfgov_dagster.domain.firing import Firing
from wfgov_dagster.ports.engine import EngineVersion, Instance, Marker, TaskInstance


@dataclass(frozen=True, slots=True)
class HeldWorkflow:
    """`document` is w1 without its schedule; `marker` is None for a definition that is not ours."""

    workflow_code: str
    version: int
    document: str
    marker: Marker | None
    online: bool
    schedule: Schedule | None
    schedule_online: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """Who runs an instance: the Dagster run (or process) that got it."""

    instance_id: int
    run_id: str


@dataclass(frozen=True, slots=True)
class TaskEnd:
    """How a try ended. `state` is the task's from now on: `waiting` when another try follows."""

    state: str
    exit_code: int | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class DueWorkflow:
    """Its schedule has come due: `next_fire_at` is not after `now`, by the clock that was asked for."""

    engine: str
    workflow_code: str
    schedule: Schedule
    next_fire_at: datetime
    now: datetime


@dataclass(frozen=True, slots=True)
class Fired:
    """`skipped`: due times before it that were left out."""

    engine: str
    workflow_code: str
    scheduled_at: datetime
    instance_id: int
    skipped: int


@dataclass(frozen=True, slots=True)
class FireRow:
    """A fire as it is kept. `skipped`: due times before it that were left out; `state`: of its instance now."""

    workflow_code: str
    scheduled_at: datetime
    fired_at: datetime
    skipped: int
    instance_id: int
    state: str


@dataclass(frozen=True, slots=True)
class FireReport:
    """`refused`: schedules that cannot be read any more (a zone that is gone …), a line for each; they stay due."""

    fired: Sequence[Fired]
    refused: Sequence[str]


class EmbeddedStore(Protocol):
    """`engine` is the name of an embedded engine: one database may hold several."""

    def workflow(self, engine: str, code: str) -> HeldWorkflow | None: ...

    def workflows(self, engine: str) -> Sequence[HeldWorkflow]:
        """All of them, by code."""

    def hold(self, engine: str, code: str, document: str, marker: Marker) -> bool:
        """A new document makes a new version, the same one only takes the marker. False: it is online, nothing done."""

    def set_online(self, engine: str, code: str, *, online: bool) -> bool:
        """Offline takes the schedule offline too. False: no such workflow."""

    def put_schedule(self, engine: str, code: str, schedule: Schedule | None) -> bool:
        """The schedule is offline afterwards. False: the workflow is unknown or offline."""

    def set_schedule_online(self, engine: str, code: str, *, online: bool) -> bool:
        """False: no schedule, or (for online) the workflow is not online.

        It counts from now on, by the database's clock. Online said again, it goes on as it was.
        """

    def versions(self, engine: str, code: str) -> Sequence[EngineVersion]:
        """The newest first."""

    def forget_version(self, engine: str, code: str, version: int) -> bool:
        """True also if it was gone already. False: it is the current one, an instance runs it, or no such workflow."""

    def submit(self, engine: str, code: str, request_key: str, started_by: str) -> int | None:
        """A new instance with its tasks, or the one that has this key already. None: the workflow is not online."""

    def due(self, now: datetime | None, limit: int) -> Sequence[DueWorkflow]:
        """Of any engine, the longest due first. `now`: None = the database's clock."""

    def fire(self, due: DueWorkflow, firing: Firing) -> int | None:
        """The instance of this fire, made with it. None: it was fired already, or the schedule is another one now."""

    def fires(self, engine: str, code: str | None, page: int, size: int) -> Sequence[FireRow]:
        """The newest first; pages count from 1."""

    def count_fires(self, engine: str, code: str | None) -> int: ...

    def submitted(self, engine: str) -> Sequence[int]:
        """Instances that nobody has claimed, the oldest first."""

    def instances(self, engine: str, code: str | None, limit: int) -> Sequence[Instance]:
        """The newest first."""

    def instance(self, engine: str, instance_id: int) -> Instance | None: ...

    def task_instances(self, instance_id: int) -> Sequence[TaskInstance]:
        """By task code."""

    def log_path(self, instance_id: int, task_code: str) -> str | None:
        """Relative to the engine's log folder; None before the task has begun."""

    def request_stop(self, instance_id: int) -> None:
        """A submitted instance is stopped at once, a running one is asked to; on any other no effect."""

    def claim(self, claim: Claim) -> str | None:
        """The document to run if this call made it running; None if somebody else has it, or it has ended."""

    def beat(self, claim: Claim) -> bool:
        """A sign of life. True: a stop is requested. Raises Conflict when the instance is not the claim's any more."""

    def begin_task(self, claim: Claim, task_code: str, attempt: int, log_path: str) -> None:
        """Raises Conflict as `beat`."""

    def end_task(self, claim: Claim, task_code: str, end: TaskEnd) -> None:
        """Raises Conflict as `beat`."""

    def skip_tasks(self, claim: Claim, task_codes: Collection[str]) -> None:
        """Raises Conflict as `beat`."""

    def finish(self, claim: Claim, state: str, error: str | None) -> None:
        """Tasks that had not ended are stopped or skipped with it. Raises Conflict as `beat`."""

    def fail_silent(self, older_than_seconds: float) -> Sequence[int]:
        """Fail running instances of any engine whose last sign of life is older, by the database's clock. Their ids."""
