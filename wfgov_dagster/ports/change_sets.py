"""Change sets as the use cases see them, and the pace of writes to an engine."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from wfgov_dagster.domain.change_set import Former, MemberState, OnFailure, SetState
from wfgov_dagster.domain.publish import Operation
from wfgov_dagster.ports.publishing import RegisteredEngine


@dataclass(frozen=True, slots=True)
class NewSet:
    """`restores`: the set whose members it brings back."""

    engine_id: int
    operation: Operation
    on_failure: OnFailure
    parallel: int
    writes_per_second: float
    operator: str
    restores: int | None = None


@dataclass(frozen=True, slots=True)
class NewMember:
    """`before`: what was confirmed on the engine; `target`: what a set that restores brings back, and
    `after_record`: only while no newer record than this one is there. With a `reason` it is skipped from the first."""

    workflow_id: int
    wave: int
    version_no: int | None
    before: Former | None = None
    target: Former | None = None
    after_record: int | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """`counts`: members by state."""

    id: int
    engine: RegisteredEngine
    operation: Operation
    on_failure: OnFailure
    state: SetState
    parallel: int
    writes_per_second: float
    restores: int | None
    flow_id: int | None
    operator: str
    canceled_by: str | None
    cancel_reason: str | None
    created_at: datetime
    finished_at: datetime | None
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Member:
    """`phase`, `steps` and `error` are those of its publish record."""

    id: int
    workflow_id: int
    workflow_code: str
    wave: int
    state: MemberState
    version_no: int | None
    before: Former | None
    target: Former | None
    after_record: int | None
    record_id: int | None
    reason: str | None
    status: str | None
    phase: str | None
    error: str | None
    steps: int


class ChangeSets(Protocol):
    def add(self, new: NewSet, members: Sequence[NewMember]) -> int: ...

    def get(self, change_set_id: int, *, lock: bool = False) -> ChangeSet:
        """Raises NotFound. `lock`: nobody else changes it or its members until the transaction ends."""

    def newest(self, limit: int) -> Sequence[ChangeSet]:
        """The newest first."""

    def members(self, change_set_id: int) -> Sequence[Member]:
        """By wave, then code."""

    def member(self, member_id: int) -> Member: ...

    def restoring(self, change_set_id: int) -> int | None:
        """The newest set that brings its members back."""

    def elsewhere(self, engine_id: int, workflow_ids: Collection[int]) -> Mapping[str, int]:
        """Workflow → change set on this engine in which it has not ended yet."""

    def crossing(self, workflow_ids: Collection[int]) -> Sequence[tuple[str, str]]:
        """(upstream, downstream) workflows of the edges between them that nobody rejected."""

    def changed(self, engine_id: int, *, is_default: bool) -> Sequence[str]:
        """Workflows of the engine whose current version is not the one confirmed there, by code; archived ones apart.

        Those that name no engine are its own if it is the default one, else if they were deployed there.
        """

    def set_flow(self, change_set_id: int, flow_id: int) -> None: ...

    def set_state(self, change_set_id: int, state: SetState) -> None:
        """With the time, if it is an end."""

    def cancel(self, change_set_id: int, actor: str, reason: str) -> bool:
        """False: it has been canceled already."""

    def begin(self, member_id: int, record_id: int) -> None:
        """It is open. Only a waiting one may be begun: hold the lock on its set."""

    def end(self, member_id: int, state: MemberState, reason: str | None) -> None: ...


class Paces(Protocol):
    def take(self, engine_id: int, writes_per_second: float) -> float:
        """0 = one write may be sent now, and the next one an interval later; else the seconds to wait, nothing
        taken. By the database's clock, for whoever writes."""
