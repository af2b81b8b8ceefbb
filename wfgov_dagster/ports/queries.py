"""Read models: what commands and pages show. Field names are the keys of their JSON; lists are sorted by code.

Apart from `ports.store`, so that a use case that only reads needs no polars.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from wfgov_dagster.domain.deep import Changed

Direction = Literal["upstream", "downstream"]


@dataclass(frozen=True, slots=True)
class WorkflowRow:
    """`cron` and the counts are those of the current definition."""

    workflow_code: str
    workflow_name: str
    status: str
    publish_status: str
    current_version_no: int | None
    last_published_version_no: int | None
    task_count: int
    edge_count: int
    entry_task_count: int
    exit_task_count: int
    business_domain: str | None
    owner: str | None
    cron: str | None
    definition_error: str | None


@dataclass(frozen=True, slots=True)
class WorkflowDetail:
    """What `WorkflowRow` leaves out. `engine`: the one it names; None = the default one. `definition_json` is w1, also
    when it cannot become a version."""

    description: str | None
    origin: str
    owner_team: str | None
    pinned_reason: str | None
    pinned_by: str | None
    pinned_until: datetime | None
    created_by: str
    created_at: datetime
    updated_by: str
    updated_at: datetime
    engine: str | None
    definition_json: str | None


@dataclass(frozen=True, slots=True)
class MembershipRow:
    """`level` in the whole estate; None before the first derivation that knows the task."""

    task_code: str
    level: int | None
    workflow_inheritance_mode: str
    upstream_task_count: int
    downstream_task_count: int


@dataclass(frozen=True, slots=True)
class CrossWorkflowEdge:
    upstream_workflow_code: str
    upstream_task_code: str
    workflow_code: str
    task_code: str
    state: str
    decided_by: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class OpenFinding:
    rule: str
    message: str
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class Evidence:
    """`chain`: tables from the read to the written one; one when direct, none when declared."""

    kind: str
    table_read: str | None
    table_written: str | None
    chain: Sequence[str]


@dataclass(frozen=True, slots=True)
class Hop:
    """One dependency, walked from `near` to `far`."""

    near: str
    far: str
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class VersionFacts:
    """`published`: an engine was seen to hold it at some time. `imported_from`: the export that it was read from; such
    a version is a baseline. `above_hash`: of the workflows above it when it was made, empty = none; None = nobody
    looked."""

    version_no: int
    content_hash: str
    functional_hash: str
    above_hash: str | None
    change_summary: str
    trigger_source: str
    created_by: str
    created_at: datetime
    rollback_of: int | None
    published: bool
    imported_from: str | None


@dataclass(frozen=True, slots=True)
class VersionListRow(VersionFacts):
    """`changed`: against the version before it, see domain/deep.py."""

    changed: Changed | None = None


class Queries(Protocol):
    def workflows(self, code: str | None = None) -> Sequence[WorkflowRow]:
        """All, or the one with this code."""

    def workflow_detail(self, code: str) -> WorkflowDetail | None: ...

    def members(self, code: str) -> Sequence[MembershipRow]:
        """Tasks that are not deleted."""

    def crossing(self, code: str) -> Sequence[CrossWorkflowEdge]:
        """Into and out of the workflow."""

    def findings(self, code: str) -> Sequence[OpenFinding]:
        """Open ones about the workflow."""

    def knows_task(self, code: str) -> bool: ...

    def hops(self, codes: Collection[str], direction: Direction) -> Sequence[Hop]:
        """Dependencies of these tasks, sorted by far, then near."""

    def dependency_counts(self) -> Mapping[str, int]:
        """Kind → dependencies; kinds that do not occur are 0."""

    def versions(self, code: str) -> Sequence[VersionListRow]:
        """From V1 on."""

    def task_versions(self, code: str, version_no: int) -> Mapping[str, int]:
        """Task code → version, as the workflow's version has them; empty for an unknown version."""

    def totals(self) -> Mapping[str, int]: ...
    def open_changes(self) -> int:
        """Changes of the metadata that no derivation has taken yet."""


class QueryWork(Protocol):
    @property
    def queries(self) -> Queries: ...


class QueryStore(Protocol):
    def read(self) -> AbstractContextManager[QueryWork]: ...
