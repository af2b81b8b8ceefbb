"""Engines, publish records, snapshots and leases, as the use cases see them. Ages are by the database's clock."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from wfgov_dagster.domain.publish import Found, Operation, Phase, Target, VersionRef


@dataclass(frozen=True, slots=True)
class RegisteredEngine:
    """`credential_ref` names a credential, it never is one: `env:NAME` or `sealed`. `time_zone` None = UTC. `family`:
    the dialect once it is known. `credential_sealed` is ciphertext."""

    id: int
    name: str
    kind: str
    url: str | None = None
    project: str = "default"
    credential_ref: str | None = None
    tenant: str | None = None
    worker_group: str | None = None
    time_zone: str | None = None
    family: str | None = None
    credential_sealed: str | None = field(default=None, repr=False)
    created_by: str | None = None


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
    """A new publish record. `snapshot_id`: None for offline. `target`: a restore's. `flow_id`: the flow
    that drives it instead of one of its own."""

    workflow_id: int
    engine: RegisteredEngine
    version: VersionRef
    snapshot_id: int | None
    operation: Operation
    operator: str
    target: Target | None = None
    flow_id: int | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """A publish record with what it takes to go on.

    `document`: the frozen w1 text; `attempts`: those that failed, `tries` of them in this round, which began
    `age_seconds` ago. `wrote`: something of it may be on the engine. `ends_as`: set while what was there before is
    brought back. `overruled`: digests of foreign edits that somebody chose to overwrite. `error`: a sentence.
    """

    record_id: int
    operation: Operation
    status: str
    phase: Phase
    attempts: int
    tries: int
    round: int
    age_seconds: float
    error_code: str | None
    error: str | None
    engine: RegisteredEngine
    workflow: GovernedWorkflow
    version: VersionRef
    snapshot_id: int | None
    flow_id: int | None
    document: str | None
    found: Found | None
    wrote: bool
    ends_as: Phase | None
    target: Target | None
    waits_on: Mapping[str, Any] | None
    overruled: Sequence[str]
    engine_workflow_code: str | None
    operator: str
    log: Sequence[Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class Note:
    """What happened beside the steps. `phase`: from then on."""

    phase: Phase
    message: str
    actor: str = "system"
    error_code: str | None = None


@dataclass(frozen=True, slots=True)
class NoteRow:
    """`after_step`: number of the last step before it, 0 = none."""

    after_step: int
    round: int
    phase: str
    error_code: str | None
    message: str
    actor: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Suspect:
    """A workflow on an engine to which a write without a reply was sent lately. `unknown_steps`: their names."""

    engine: RegisteredEngine
    workflow_id: int
    workflow_code: str
    unknown_steps: frozenset[str]


@dataclass(frozen=True, slots=True)
class Deployment:
    """What an engine was seen to hold. `version`: None leaves the version that is known (offline compares none)."""

    version: VersionRef | None
    engine_workflow_code: str
    engine_task_codes: Mapping[str, str]
    online: bool
    schedule_online: bool
    engine_version: int


class Publishing(Protocol):
    """Engines, workflows as far as publishing goes, snapshots and publish records."""

    def engines(self) -> Sequence[RegisteredEngine]:
        """By name, without those that were removed."""

    def add_engine(self, name: str, kind: str) -> bool:
        """One that needs no registration. False: the name is taken."""

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

    def newer(self, record_id: int) -> int | None:
        """A record about the same workflow and engine that was made later."""

    def unfinished(self, engine_id: int, workflow_id: int) -> Found | None:
        """What the newest record that looked at the engine had found, if something of it may be left there and it
        never succeeded."""

    def left_over(self, engine_id: int, workflow_id: int) -> bool:
        """Something of the newest record that looked at the engine may be left there, and it never succeeded."""

    def offline_left_over(self, engine_id: int, workflow_id: int) -> bool:
        """Whether that is of an offline."""

    def deployed(self, engine_id: int, workflow_id: int) -> tuple[VersionRef, Target] | None:
        """The version that was last confirmed on the engine, and how it was released then."""

    def sent(self, engine_id: int, workflow_id: int, first: Sequence[str]) -> Iterator[tuple[VersionRef, str]]:
        """Each version that was ever frozen for the engine, with its w1 text; those with the hashes `first` come
        first, in their order, then the newest."""

    def set_found(self, record_id: int, found: Found, desired: Mapping[str, object], *, took_over: bool) -> None: ...

    def go_on(self, record_id: int, phase: Phase, attempts: int) -> bool:
        """False: the record has ended meanwhile, nothing was changed."""

    def note(self, record_id: int, note: Note) -> None:
        """In the order of calls."""

    def notes(self, record_id: int) -> Sequence[NoteRow]: ...

    def failing(self, record_id: int, error: tuple[str, str]) -> None:
        """The error (code, sentence) that it will end with; it stays open."""

    def wait(self, record_id: int, phase: Phase, on: Mapping[str, object]) -> None:
        """Nobody drives it from now on. `on`: error_code and message, and what a person has to know."""

    def next_round(self, record_id: int, phase: Phase, ends_as: Phase | None) -> None:
        """Attempts and deadline anew. It is open again, and waits for nobody's choice."""

    def overrule(self, record_id: int, digests: Sequence[str]) -> None:
        """Only these, and those of before."""

    def nothing_left(self, record_id: int) -> None:
        """The engine was seen to show what is nobody's middle: the steps so far have left nothing to undo."""

    def look_anew(self, record_id: int) -> None:
        """What was found is forgotten: nothing of it is left on the engine."""

    def set_flow(self, record_id: int, flow_id: int) -> None: ...

    def end(
        self, record_id: int, phase: Phase, error: tuple[str, str] | None, log: Sequence[Mapping[str, object]]
    ) -> None:
        """`confirmed` is a success, every other phase a failure. `error`: code and sentence."""

    def parked(self, limit: int) -> Sequence[int]:
        """Parked records, those first that the sweeper looked at longest ago."""

    def suspects(self, horizon_seconds: float, limit: int) -> Sequence[Suspect]:
        """Where a write without a reply ended within the horizon and no record is open, in the same order."""

    def has_to_be_swept(self, horizon_seconds: float) -> bool:
        """A record is parked, or a write without a reply ended within the horizon."""

    def swept(self, engine_id: int, workflow_code: str) -> None:
        """The sweeper has just looked."""

    def snapshot_draft(self, snapshot_id: int) -> None:
        """What failed is tried again."""

    def snapshot_failed(self, snapshot_id: int, error: str) -> None:
        """A draft has failed; what was published once stays published."""

    def snapshot_published(self, snapshot_id: int) -> None: ...

    def confirm(self, job: Job, seen: Deployment, *, publishes: bool) -> None:
        """Write down what the engine was seen to hold. `publishes`: that version is the last published one now."""
