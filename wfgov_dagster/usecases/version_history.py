"""The history of versions: pages of it, which one an engine held when, and who brought what."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from wfgov_dagster.domain.definition import Edge
from wfgov_dagster.errors import InvalidInput, NotFound
from wfgov_dagster.ports.queries import Queries
from wfgov_dagster.ports.version_history import Blame, HistoryRow, LiveVersion, VersionFilter, VersionHistory
from wfgov_dagster.usecases.show_versions import unknown_version
from wfgov_dagster.usecases.show_workflows import unknown_workflow

_LARGEST_PAGE = 1000


class _Work(Protocol):
    @property
    def queries(self) -> Queries: ...
    @property
    def version_history(self) -> VersionHistory: ...


class HistoryStore(Protocol):
    """The part of the store that is needed here; all of it would need polars."""

    def read(self) -> AbstractContextManager[_Work]: ...


@dataclass(frozen=True, slots=True)
class VersionPage:
    """`total`: of all pages."""

    versions: Sequence[HistoryRow]
    page: int
    size: int
    total: int


def page_versions(store: HistoryStore, wanted: VersionFilter, page: int = 1, size: int = 20) -> VersionPage:
    """The newest first. Raises InvalidInput, and NotFound for an unknown workflow."""
    if page < 1 or not 1 <= size <= _LARGEST_PAGE:
        raise InvalidInput(f"page {page} of {size}", where="versions", hint=f"pages from 1, of 1 to {_LARGEST_PAGE}")
    with store.read() as work:
        if wanted.workflow_code is not None:
            _check(work, wanted.workflow_code)
        found = work.version_history
        return VersionPage(found.page(wanted, page, size), page, size, found.count(wanted))


def live_version(store: HistoryStore, workflow_code: str, engine: str, at: datetime) -> LiveVersion:
    """What the engine held then. Raises NotFound; an engine that was removed has its past still."""
    with store.read() as work:
        _check(work, workflow_code)
        if not work.version_history.knows_engine(engine):
            raise NotFound(f"no engine {engine!r}", where="engines", hint="wfgov engine list")
        return work.version_history.live(workflow_code, engine, at)


def blame(
    store: HistoryStore,
    workflow_code: str,
    version_no: int | None = None,
    *,
    task: str | None = None,
    edge: Edge | None = None,
) -> Sequence[Blame]:
    """Every task and edge of the version (None = the newest), or the one that is named: tasks first, by code. Raises
    NotFound."""
    with store.read() as work:
        _check(work, workflow_code)
        found = work.version_history
        numbers = [row.version_no for row in found.page(VersionFilter(workflow_code), 1, 1)]
        number = numbers[0] if version_no is None and numbers else version_no
        if number is None or not found.has(workflow_code, number):
            raise unknown_version(workflow_code, number or 1)
        tasks = [] if edge is not None else found.tasks(workflow_code, number, task)
        edges = [] if task is not None else found.edges(workflow_code, number, edge)
    if (task, edge) != (None, None) and not (tasks or edges):
        what = f"task {task}" if edge is None else f"edge {edge[0]} → {edge[1]}"
        where, hint = f"workflow {workflow_code}", f"wfgov version show {workflow_code} {number}"
        raise NotFound(f"V{number} has no {what}", where=where, hint=hint)
    return [*tasks, *edges]


def _check(work: _Work, workflow_code: str) -> None:
    if not work.queries.workflows(workflow_code):
        raise unknown_workflow(workflow_code)
