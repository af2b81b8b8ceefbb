"""Registered engines: adding and removing them, and which of them a workflow names."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class NewEngine:
    """The row of an engine. `credential_sealed` is ciphertext."""

    name: str
    kind: str
    created_by: str
    url: str | None = None
    project: str = "default"
    tenant: str | None = None
    worker_group: str | None = None
    time_zone: str | None = None
    family: str | None = None
    credential_ref: str | None = None
    credential_sealed: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class EngineUse:
    """What hangs on an engine. `online`: workflows that were last confirmed online there, or with their schedule so.
    `change_sets`: those that have not ended. `has_history`: something was published to it once."""

    named_by: Sequence[str] = ()
    deployed: Sequence[str] = ()
    online: Sequence[str] = ()
    open_records: Sequence[int] = ()
    change_sets: Sequence[int] = ()
    has_history: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """What an engine was last confirmed to hold of a workflow."""

    engine: str
    version_no: int
    online: bool
    schedule_online: bool


@dataclass(frozen=True, slots=True)
class WorkflowEngine:
    """`engine`: the one it names; None = the default one. `open_records`: publishes that have not ended, on whichever
    engine; `change_sets` likewise."""

    workflow_id: int
    engine: str | None
    held: Sequence[Held]
    open_records: Sequence[int]
    change_sets: Sequence[int]


class Engines(Protocol):
    def add(self, new: NewEngine) -> bool:
        """False: the name is taken, perhaps by one that was removed."""

    def use(self, engine_id: int) -> EngineUse:
        """Lists are sorted by code or id."""

    def set_credential(self, engine_id: int, ref: str, sealed: str | None) -> None: ...

    def set_family(self, engine_id: int, family: str) -> None: ...

    def remove(self, engine_id: int, *, keep: bool) -> None:
        """`keep`: the row stays without its credential, for what its history says of it; its name stays taken."""

    def of_workflow(self, code: str, *, lock: bool = False) -> WorkflowEngine | None:
        """`lock`: nobody else publishes or changes it until the transaction ends."""

    def named(self, codes: Collection[str]) -> Mapping[str, str]:
        """Workflow → engine, of those that name one."""

    def name(self, workflow_id: int, engine_id: int | None, actor: str) -> None:
        """The engine of a workflow from now on."""
