"""Versions of a workflow: their list, one of them whole, and what differs between two."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from wfgov_dagster.domain.definition import Definition
from wfgov_dagster.domain.diff import Diff, diff
from wfgov_dagster.errors import NotFound
from wfgov_dagster.ports.queries import Queries, QueryStore, VersionListRow
from wfgov_dagster.usecases.show_workflows import unknown_workflow


class _Definitions(Protocol):
    def definition(self, workflow_code: str, version_no: int) -> Definition: ...


class _Work(Protocol):
    @property
    def queries(self) -> Queries: ...
    @property
    def versions(self) -> _Definitions: ...


class VersionStore(Protocol):
    """The part of the store that is needed here; all of it would need polars."""

    def read(self) -> AbstractContextManager[_Work]: ...


@dataclass(frozen=True, slots=True)
class VersionShown:
    row: VersionListRow
    task_versions: Mapping[str, int]
    definition: Definition


@dataclass(frozen=True, slots=True)
class Comparison:
    """What it takes to come from `before` to `after`."""

    workflow_code: str
    before: int
    after: int
    diff: Diff


def list_versions(store: QueryStore, workflow_code: str) -> Sequence[VersionListRow]:
    """From V1 on. Raises NotFound for an unknown workflow."""
    with store.read() as work:
        if not work.queries.workflows(workflow_code):
            raise unknown_workflow(workflow_code)
        return work.queries.versions(workflow_code)


def show_version(store: VersionStore, workflow_code: str, version_no: int) -> VersionShown:
    """Raises NotFound."""
    rows = {row.version_no: row for row in list_versions(store, workflow_code)}
    if version_no not in rows:
        raise _unknown_version(workflow_code, version_no)
    with store.read() as work:
        return VersionShown(
            rows[version_no],
            work.queries.task_versions(workflow_code, version_no),
            work.versions.definition(workflow_code, version_no),
        )


def compare_versions(store: VersionStore, workflow_code: str, before: int, after: int) -> Comparison:
    """Raises NotFound."""
    known = {row.version_no for row in list_versions(store, workflow_code)}
    for version_no in (before, after):
        if version_no not in known:
            raise _unknown_version(workflow_code, version_no)
    with store.read() as work:
        old = work.versions.definition(workflow_code, before)
        new = work.versions.definition(workflow_code, after)
    return Comparison(workflow_code, before, after, diff(old, new))


def _unknown_version(workflow_code: str, version_no: int) -> NotFound:
    hint = f"wfgov version list {workflow_code}"
    return NotFound(f"no version V{version_no}", where=f"workflow {workflow_code}", hint=hint)
