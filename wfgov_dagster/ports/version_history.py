"""Versions as people look for them. Field names are the keys of their JSON."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from wfgov_dagster.domain.deep import Changed
from wfgov_dagster.domain.definition import Edge, Task
from wfgov_dagster.domain.outline import Outline
from wfgov_dagster.ports.queries import VersionFacts

VersionState = Literal["new", "draft", "failed", "published"]


@dataclass(frozen=True, slots=True)
class VersionFilter:
    """None = any. `since` included, `until` not. `published`: whether an engine was ever seen to hold it."""

    workflow_code: str | None = None
    state: VersionState | None = None
    since: datetime | None = None
    until: datetime | None = None
    author: str | None = None
    trigger: str | None = None
    published: bool | None = None


@dataclass(frozen=True, slots=True)
class HistoryRow(VersionFacts):
    """`state`: of its snapshots, the best one of all engines; new = it was never to be published. `changed`: against
    the version before it, whether that is on the page or not, see domain/deep.py."""

    workflow_code: str
    state: VersionState
    changed: Changed | None


@dataclass(frozen=True, slots=True)
class PublishOf:
    """A publish of one version."""

    record_id: int
    engine: str
    operation: str
    status: str
    phase: str
    operator: str
    created_at: datetime
    finished_at: datetime | None
    error: str | None


@dataclass(frozen=True, slots=True)
class LiveVersion:
    """What an engine held at a time, as publish records tell. `record_id` None: it was adopted. `online` as of the last
    record. `open_records`: publishes that were under way at that time, or of which nobody knows what they left."""

    workflow_code: str
    engine: str
    at: datetime
    version_no: int | None
    since: datetime | None
    record_id: int | None
    operator: str | None
    online: bool | None
    open_records: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Blame:
    """Which version brought a task or an edge, without a break since, and which changed it last. The version may have
    been thrown away: then only its number is left."""

    kind: Literal["task", "edge"]
    task_code: str | None
    upstream: str | None
    downstream: str | None
    brought_in: int
    brought_by: str | None
    brought_at: datetime | None
    brought_change: str | None
    brought_trigger: str | None
    changed_in: int
    changed_by: str | None
    changed_at: datetime | None
    changed_change: str | None
    changed_trigger: str | None


class VersionHistory(Protocol):
    """What a clean-up has emptied is no version any more."""

    def page(self, wanted: VersionFilter, page: int, size: int) -> Sequence[HistoryRow]:
        """The newest first."""

    def count(self, wanted: VersionFilter) -> int: ...

    def has(self, workflow_code: str, version_no: int) -> bool: ...

    def knows_engine(self, name: str) -> bool:
        """Also one that was removed: its name stays taken."""

    def last_published(self, workflow_code: str) -> int | None:
        """Number of the newest version that an engine was seen to hold."""

    def previous(self, workflow_code: str, version_no: int) -> int | None:
        """The one before it that is still kept."""

    def publishes(self, workflow_code: str, version_no: int) -> Sequence[PublishOf]:
        """The newest first."""

    def live(self, workflow_code: str, engine: str, at: datetime) -> LiveVersion: ...

    def tasks(self, workflow_code: str, version_no: int, task: str | None = None) -> Sequence[Blame]:
        """Of the version's tasks, by code."""

    def edges(self, workflow_code: str, version_no: int, edge: Edge | None = None) -> Sequence[Blame]:
        """Of the version's edges, sorted."""

    def hashes(self, workflow_code: str, version_no: int) -> tuple[str, str | None]:
        """(content hash, hash of what was above it); the latter None = nobody looked. Raises NotFound."""

    def outlines(self, workflow_code: str, one: int, other: int) -> tuple[Outline, Outline]:
        """Of two versions; what they have in common may be left out of both. Raises NotFound."""

    def bodies(self, task_versions: Mapping[str, int]) -> Sequence[Task]:
        """Tasks in these versions."""

    def now_in(self, task_codes: Collection[str], workflow_code: str) -> Mapping[str, str]:
        """Of tasks that are there: the other workflow that each is in now."""

    def came_from(self, workflow_code: str, version_no: int | None, task_codes: Collection[str]) -> Mapping[str, str]:
        """Of tasks that are in this version: the other workflow whose version had each before. None: in the current
        definition."""
