"""The platform's own database, as the use cases see it. Frames are polars; ids never leave them.

`store.read()` is one consistent view; `store.write()` commits at its end and rolls back on an error. No transaction
is open while another component is called. Raises StoreError and its kinds, Conflict for a broken constraint.
"""

from __future__ import annotations  # frames are named in types only: to know the words nobody has to load polars

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from wfgov_dagster.domain.deep import Seen
from wfgov_dagster.domain.definition import Definition, Edge
from wfgov_dagster.domain.version import Rebuilt, TaskVersion
from wfgov_dagster.ports.adoption import Adoption
from wfgov_dagster.ports.alerts import Alerts
from wfgov_dagster.ports.calls import Calls
from wfgov_dagster.ports.candidates import Candidates
from wfgov_dagster.ports.catalogue import Catalogue
from wfgov_dagster.ports.change_sets import ChangeSets, Paces
from wfgov_dagster.ports.checks import Checks
from wfgov_dagster.ports.cross_edges import CrossEdges
from wfgov_dagster.ports.engines import Engines
from wfgov_dagster.ports.flows import Flows
from wfgov_dagster.ports.inspection import Inspections
from wfgov_dagster.ports.instances import InstanceCache
from wfgov_dagster.ports.leases import Breakers, Leases
from wfgov_dagster.ports.looks import Looks
from wfgov_dagster.ports.memberships import Memberships
from wfgov_dagster.ports.metadata import ImportBatch
from wfgov_dagster.ports.pins import Pins
from wfgov_dagster.ports.publish_history import PublishHistory
from wfgov_dagster.ports.publishing import Publishing
from wfgov_dagster.ports.queries import Queries
from wfgov_dagster.ports.retention import Retention
from wfgov_dagster.ports.snapshots import Snapshots
from wfgov_dagster.ports.table_use import TableUse
from wfgov_dagster.ports.version_history import VersionHistory

if TYPE_CHECKING:
    import polars as pl

    from wfgov_dagster.domain.lineage import Lineage

Ids = Collection[int] | None  # None: all


@dataclass(frozen=True, slots=True)
class Changes:
    """What the open rows of the feed name, former values included; `first_seq` 0 if there are none.

    lineage (task or None, upstream, downstream), relations (table, task), dependencies (task, upstream).
    """

    first_seq: int = 0
    tasks: frozenset[int] = frozenset()
    tables: frozenset[int] = frozenset()
    lineage: frozenset[tuple[int | None, int | None, int | None]] = frozenset()
    relations: frozenset[tuple[int, int]] = frozenset()
    dependencies: frozenset[tuple[int, int]] = frozenset()
    declarations: frozenset[int] = frozenset()
    settings: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Todo:
    key: str
    first_seq: int
    reason: str


class LineageReader(Protocol):
    def everything(self) -> Lineage: ...
    def reads(self, tasks: Collection[int]) -> pl.DataFrame: ...
    def writes(self, tables: Collection[int]) -> pl.DataFrame: ...
    def written_by(self, tasks: Collection[int]) -> pl.DataFrame: ...
    def readers(self, tables: Collection[int]) -> pl.DataFrame: ...
    def view_sources(self, views: Collection[int]) -> pl.DataFrame: ...
    def views_on(self, sources: Collection[int]) -> pl.DataFrame: ...
    def declared(self, tasks: Ids) -> pl.DataFrame: ...
    def declaring(self, upstreams: Collection[int]) -> list[int]: ...
    def names(self, tables: Collection[int]) -> pl.DataFrame: ...
    def active_tasks(self, tasks: Ids) -> pl.DataFrame: ...


class Derivation(Protocol):
    """The change feed, what was derived of it, and what the next step has to do."""

    def lock(self) -> None:
        """One deriver at a time, until the transaction ends; it sees one moment of everything.

        Call it first. Raises DatabaseBusy later when it writes what somebody else wrote meanwhile.
        """

    def open_changes(self) -> int: ...

    def take_changes(self, actor: str, mode: str) -> Changes:
        """Mark all open rows as taken by a new batch. `full` does not read what they name."""

    def dependencies(self, tasks: Ids) -> pl.DataFrame: ...
    def edges(self) -> pl.DataFrame: ...
    def downstream(self, upstreams: Collection[int]) -> pl.DataFrame: ...
    def topology(self, tasks: Ids) -> pl.DataFrame: ...
    def counts(self, tasks: Collection[int]) -> pl.DataFrame: ...
    def save_dependencies(self, gone: pl.DataFrame, came: pl.DataFrame) -> None: ...
    def save_topology(self, gone: Collection[int], came: pl.DataFrame) -> None: ...
    def add_todo(self, step: str, todo: Iterable[Todo]) -> None: ...
    def take_todo(self, step: str) -> Sequence[Todo]: ...
    def waiting(self, step: str) -> int: ...


class Workflows(Protocol):
    """Workflows, memberships, cross-workflow edges and current definitions."""

    def all(self) -> pl.DataFrame: ...
    def create(self, rows: Sequence[Mapping[str, Any]]) -> None: ...
    def memberships(self, tasks: Ids) -> pl.DataFrame: ...
    def declarations(self, tasks: Ids) -> pl.DataFrame: ...
    def overruled(self, tasks: Ids) -> pl.DataFrame: ...
    def groups(self, tasks: Ids) -> pl.DataFrame: ...
    def place(self, rows: pl.DataFrame) -> None: ...
    def move(self, rows: pl.DataFrame) -> None: ...
    def members(self, workflows: Ids) -> pl.DataFrame: ...
    def inner_edges(self, workflows: Ids) -> pl.DataFrame: ...
    def settings(self) -> pl.DataFrame: ...
    def crossing(self, tasks: Ids) -> pl.DataFrame: ...
    def stored_crossing(self, tasks: Ids) -> pl.DataFrame: ...
    def save_crossing(self, gone: pl.DataFrame, came: pl.DataFrame) -> None: ...
    def confirmed_crossing(self, workflows: Ids) -> pl.DataFrame: ...
    def waiting_on(self, tasks: Collection[int]) -> set[int]: ...
    def waiting_for(self, workflows: Collection[int]) -> set[int]: ...
    def refresh_counts(self, tasks: Ids) -> None: ...
    def save_definitions(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Of the platform state only draft and ready are written (design rule 7)."""

    def change_status(self, code: str, before: str, after: str, actor: str) -> bool:
        """False: it was not in state `before`, nothing done."""

    def evidence(self, pairs: Collection[Edge]) -> Mapping[Edge, str]: ...


@dataclass(frozen=True, slots=True)
class VersionRow:
    """`tasks`: all of it, code → version. Its edges come with `relate`."""

    workflow_id: int
    version_no: int
    structure_snapshot: str
    content_hash: str
    functional_hash: str
    change_summary: str
    trigger_source: str
    rollback_of: int | None
    above_hash: str
    tasks: Mapping[str, int]
    imported_from: str | None = None


@dataclass(frozen=True, slots=True)
class NewestVersion:
    version_no: int
    content_hash: str
    is_current: bool


EdgeRow = tuple[str, int, str, str, int, int]  # workflow code, version number, pre task, post task, their versions


class Versions(Protocol):
    """Versions of workflows, tasks and edges; `usecases/save.py` alone writes through it."""

    def tasks(self, codes: Collection[str]) -> Mapping[str, TaskVersion]: ...
    def newest_tasks(self, codes: Collection[str]) -> Mapping[str, TaskVersion]:
        """Those with the highest number ever, by code: also what was only kept."""

    def free_codes(self, count: int) -> Sequence[str]:
        """Of tasks to come."""

    def keep(self, texts: Mapping[str, str]) -> None: ...
    def add_tasks(self, actor: str, new: Sequence[TaskVersion], *, sync: bool) -> None: ...
    def newest(self, workflow_ids: Collection[int]) -> Mapping[int, NewestVersion]:
        """Those with the highest number ever, by workflow id: also what was only kept."""

    def add(self, actor: str, rows: Sequence[VersionRow], *, sync: bool) -> None: ...
    def touch_members(self, workflow_ids: Collection[int], codes: Collection[str]) -> None: ...
    def waiting(self, codes: Collection[str] | None) -> Sequence[tuple[int, str]]: ...
    def current_documents(self, workflow_ids: Collection[int]) -> Mapping[int, str]: ...
    def seen(self, workflow_codes: Collection[str]) -> Mapping[str, Seen]:
        """Of those that have a version: what the current one is, and which workflows it waits for."""

    def latest_definitions(self, workflow_ids: Collection[int]) -> Mapping[int, Rebuilt]: ...
    def definition(self, workflow_code: str, version_no: int) -> Definition: ...
    def inter_workflow_edges(
        self, workflow_ids: Collection[int]
    ) -> Mapping[int, Sequence[tuple[str, str, str, str]]]: ...
    def relate(self, actor: str, rows: Sequence[EdgeRow], numbers: Mapping[str, int], *, sync: bool) -> None: ...


@dataclass(frozen=True, slots=True)
class Finding:
    rule: str
    object_type: str
    object_code: str
    message: str


class Findings(Protocol):
    def settle(
        self, rules: Collection[str], object_type: str, codes: Sequence[str] | None, found: Sequence[Finding]
    ) -> None: ...
    def open(self, rule: str | None = None) -> Sequence[Finding]: ...


class Imports(Protocol):
    """The metadata as importers write it, with the ledger of who brought what."""

    def task_owners(self, codes: Collection[str]) -> Mapping[str, str]:
        """Source of each task that a source brought."""

    def merge(
        self, source: str, batch: ImportBatch, *, without: Collection[str], removing: bool = True
    ) -> Mapping[str, tuple[int, int, int]]:
        """Metadata table → rows (added, changed, removed); the tasks `without` and what hangs on them are left out.

        Not `removing`: rows of the source that the batch does not name stay.
        """


class Audit(Protocol):
    def add(
        self, actor: str, action: str, subject: tuple[str, str], detail: Mapping[str, object], *, refused: bool = False
    ) -> None:
        """One entry a use case that changes something. `subject`: (type, code). No secret in `detail`."""


class Work(Protocol):
    """One transaction."""

    @property
    def lineage(self) -> LineageReader: ...
    @property
    def derivation(self) -> Derivation: ...
    @property
    def workflows(self) -> Workflows: ...
    @property
    def versions(self) -> Versions: ...
    @property
    def version_history(self) -> VersionHistory: ...
    @property
    def snapshots(self) -> Snapshots: ...
    @property
    def table_use(self) -> TableUse: ...
    @property
    def findings(self) -> Findings: ...
    @property
    def imports(self) -> Imports: ...
    @property
    def audit(self) -> Audit: ...
    @property
    def alerts(self) -> Alerts: ...
    @property
    def checks(self) -> Checks: ...
    @property
    def catalogue(self) -> Catalogue: ...
    @property
    def queries(self) -> Queries: ...
    @property
    def publishing(self) -> Publishing: ...
    @property
    def engines(self) -> Engines: ...
    @property
    def leases(self) -> Leases: ...
    @property
    def history(self) -> PublishHistory: ...
    @property
    def instances(self) -> InstanceCache: ...
    @property
    def inspections(self) -> Inspections: ...
    @property
    def flows(self) -> Flows: ...
    @property
    def breakers(self) -> Breakers: ...
    @property
    def calls(self) -> Calls: ...
    @property
    def change_sets(self) -> ChangeSets: ...
    @property
    def paces(self) -> Paces: ...
    @property
    def looks(self) -> Looks: ...
    @property
    def cross_edges(self) -> CrossEdges: ...
    @property
    def adoption(self) -> Adoption: ...
    @property
    def retention(self) -> Retention: ...
    @property
    def pins(self) -> Pins: ...
    @property
    def candidates(self) -> Candidates: ...
    @property
    def memberships(self) -> Memberships: ...


class Store(Protocol):
    def read(self) -> AbstractContextManager[Work]: ...
    def write(self) -> AbstractContextManager[Work]: ...
