"""Engines, publish records, snapshots and leases, as the use cases see them. Ages are by the database's clock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from wfgov_dagster.domain.publish import Found, Operation, Phase, VersionRef


@dataclass(frozen=True, slots=True)
class RegisteredEngine:
    """`credential_ref` names a credential, it never is one."""

    id: int
    name: str
    kind: str
    url: str | None = None
    project: str = "default"
    credential_ref: str | None = None


@dataclass(frozen=True, slots=True)
class GovernedWorkflow:
    """`status`: platform state. `error`: why the current definition cannot become a version."""

    id: int
    code: str
    status: str
    publish_status: str
    current: VersionRef | None
    last_published: VersionRef | None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Frozen:
    """A version frozen for one engine; its text is kept by its hash."""

    workflow_key: str
    workflow_id: int
    engine_id: int
    version: VersionRef
    publisher: str
    trigger_source: str


@dataclass(frozen=True, slots=True)
class Intent:
    """A new publish record. `snapshot_id`: None for offline."""

    workflow_id: int
    engine: RegisteredEngine
    version: VersionRef
    snapshot_id: int | None
    operation: Operation
    operator: str


@dataclass(frozen=True, slots=True)
class Job:
    """A publish record with what it takes to go on. `document`: the frozen w1 text; `attempts`: those that failed."""

    record_id: int
    operation: Operation
    status: str
    phase: Phase
    attempts: int
    error_code: str | None
    engine: RegisteredEngine
    workflow: GovernedWorkflow
    version: VersionRef
    snapshot_id: int | None
    document: str | None
    found: Found | None
    engine_workflow_code: str | None
    log: Sequence[Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class NewStep:
    """`attempt` from 1."""

    record_id: int
    attempt: int
    step: str
    request_digest: str


@dataclass(frozen=True, slots=True)
class StepRow:
    """`outcome`: ok, rejected, unknown; None = begun, not known to have ended."""

    no: int
    attempt: int
    step: str
    request_digest: str
    outcome: str | None
    message: str | None


@dataclass(frozen=True, slots=True)
class Deployment:
    """What an engine was seen to hold. `version`: None leaves the version that is known (offline compares none)."""

    version: VersionRef | None
    engine_workflow_code: str
    engine_task_codes: Mapping[str, str]
    online: bool
    schedule_online: bool


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write to an engine about one workflow. Who took it later has a higher `epoch`."""

    engine_id: int
    workflow_code: str
    holder: str
    epoch: int


class Publishing(Protocol):
    """Engines, workflows as far as publishing goes, snapshots and publish records."""

    def engines(self) -> Sequence[RegisteredEngine]:
        """By name."""

    def add_engine(self, name: str, kind: str) -> bool:
        """False: the name is taken."""

    def workflow(self, code: str, *, lock: bool = False) -> GovernedWorkflow | None:
        """`lock`: nobody else publishes or changes it until the transaction ends."""

    def version(self, workflow_id: int, version_no: int) -> VersionRef | None: ...

    def held(self, engine_id: int, workflow_id: int) -> VersionRef | None:
        """The version last confirmed on the engine, else the one last sent to it; None if it was never deployed."""

    def set_publish_status(self, workflow_id: int, status: str) -> None: ...

    def freeze(self, frozen: Frozen) -> int:
        """The snapshot of this version on this engine; one that failed is a draft again."""

    def add_record(self, intent: Intent) -> int: ...

    def lock_workflow(self, record_id: int) -> None:
        """Nobody else publishes or changes the record's workflow until the transaction ends."""

    def job(self, record_id: int) -> Job:
        """Raises NotFound."""

    def open_records(self, engine_id: int, workflow_id: int) -> Sequence[int]:
        """Pending ones, the oldest first."""

    def unfinished(self, engine_id: int, workflow_id: int) -> Found | None:
        """What the newest record that looked at the engine had found, if it may have written and never succeeded."""

    def set_found(self, record_id: int, found: Found, desired: Mapping[str, object]) -> None: ...

    def go_on(self, record_id: int, phase: Phase, attempts: int) -> bool:
        """False: the record has ended meanwhile, nothing was changed."""

    def end(self, record_id: int, phase: Phase, error_code: str | None, log: Sequence[Mapping[str, object]]) -> None:
        """`confirmed` is a success, every other phase a failure."""

    def snapshot_failed(self, snapshot_id: int, error: str) -> None:
        """A draft has failed; what was published once stays published."""

    def snapshot_published(self, snapshot_id: int) -> None: ...

    def confirm(self, job: Job, seen: Deployment) -> None:
        """Write down what the engine was seen to hold; a deploy's version becomes the last published one."""


class Leases(Protocol):
    """Who may write to an engine about a workflow, and the steps that were written down before each call."""

    def take(self, engine_id: int, workflow_code: str, holder: str, seconds: float) -> Lease | None:
        """The lease with a new epoch, also if the holder has it already. None: another one holds it."""

    def keep(self, lease: Lease, seconds: float) -> bool:
        """Hold it from now on for `seconds`. False: it has lapsed or somebody took it."""

    def release(self, lease: Lease) -> None:
        """No effect on a lease that somebody else took."""

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
