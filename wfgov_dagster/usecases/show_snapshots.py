"""Snapshots: which there are, and what came of one."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from wfgov_dagster.errors import InvalidInput, NotFound
from wfgov_dagster.ports.queries import Queries
from wfgov_dagster.ports.snapshots import SnapshotFilter, SnapshotRow, Snapshots
from wfgov_dagster.ports.version_history import PublishOf
from wfgov_dagster.usecases.show_workflows import unknown_workflow

_LARGEST_PAGE = 1000


class _Work(Protocol):
    @property
    def queries(self) -> Queries: ...
    @property
    def snapshots(self) -> Snapshots: ...


class SnapshotStore(Protocol):
    """The part of the store that is needed here; all of it would need polars."""

    def read(self) -> AbstractContextManager[_Work]: ...


@dataclass(frozen=True, slots=True)
class SnapshotPage:
    """`total`: of all pages."""

    snapshots: Sequence[SnapshotRow]
    page: int
    size: int
    total: int


@dataclass(frozen=True, slots=True)
class SnapshotShown:
    """`document`: w1, as it was signed."""

    row: SnapshotRow
    publishes: Sequence[PublishOf]
    document: str


def list_snapshots(store: SnapshotStore, wanted: SnapshotFilter, page: int = 1, size: int = 20) -> SnapshotPage:
    """The newest first. Raises InvalidInput, and NotFound for an unknown workflow."""
    if page < 1 or not 1 <= size <= _LARGEST_PAGE:
        raise InvalidInput(f"page {page} of {size}", where="snapshots", hint=f"pages from 1, of 1 to {_LARGEST_PAGE}")
    with store.read() as work:
        if wanted.workflow_code is not None and not work.queries.workflows(wanted.workflow_code):
            raise unknown_workflow(wanted.workflow_code)
        return SnapshotPage(work.snapshots.page(wanted, page, size), page, size, work.snapshots.count(wanted))


def show_snapshot(store: SnapshotStore, snapshot_id: int) -> SnapshotShown:
    """Raises NotFound."""
    with store.read() as work:
        row = work.snapshots.get(snapshot_id)
        if row is None:
            raise NotFound(f"no snapshot {snapshot_id}", where="snapshots", hint="wfgov snapshot list")
        return SnapshotShown(row, work.snapshots.publishes(snapshot_id), work.snapshots.body(snapshot_id))
