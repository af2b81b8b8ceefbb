"""Versions of a workflow: their list, one of them whole, and which engines were sent it."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Protocol

from wfgov_dagster.domain.deep import Changed, changed, deep_hash
from wfgov_dagster.domain.definition import Definition
from wfgov_dagster.errors import NotFound
from wfgov_dagster.ports.queries import Queries, QueryStore, VersionListRow
from wfgov_dagster.ports.version_history import PublishOf, VersionHistory
from wfgov_dagster.usecases.look_above import Versions, above_now
from wfgov_dagster.usecases.show_workflows import unknown_workflow


class _Definitions(Versions, Protocol):
    def definition(self, workflow_code: str, version_no: int) -> Definition: ...


class _Work(Protocol):
    @property
    def queries(self) -> Queries: ...
    @property
    def versions(self) -> _Definitions: ...
    @property
    def version_history(self) -> VersionHistory: ...


class VersionStore(Protocol):
    """The part of the store that is needed here; all of it would need polars."""

    def read(self) -> AbstractContextManager[_Work]: ...


@dataclass(frozen=True, slots=True)
class VersionShown:
    """`deep_hash`: of it and what was above it; None = nobody looked. `changed_since`: against what it would be now."""

    row: VersionListRow
    task_versions: Mapping[str, int]
    definition: Definition
    publishes: Sequence[PublishOf]
    deep_hash: str | None
    changed_since: Changed | None


def list_versions(store: QueryStore, workflow_code: str) -> Sequence[VersionListRow]:
    """From V1 on. Raises NotFound for an unknown workflow."""
    with store.read() as work:
        if not work.queries.workflows(workflow_code):
            raise unknown_workflow(workflow_code)
        return _with_changes(work.queries.versions(workflow_code))


def _with_changes(rows: Sequence[VersionListRow]) -> list[VersionListRow]:
    hashes = [(row.content_hash, row.above_hash) for row in rows]
    told = [None, *(changed(*pair) for pair in pairwise(hashes))]
    return [replace(row, changed=one) for row, one in zip(rows, told, strict=False)]


def show_version(store: VersionStore, workflow_code: str, version_no: int | None) -> VersionShown:
    """`version_no` None: the one that was published last. Raises NotFound."""
    rows = {row.version_no: row for row in list_versions(store, workflow_code)}
    if version_no is None:
        version_no = _last_published(store, workflow_code)
    if version_no not in rows:
        raise unknown_version(workflow_code, version_no)
    row = rows[version_no]
    with store.read() as work:
        definition = work.versions.definition(workflow_code, version_no)
        now = above_now(work.versions, definition, row.content_hash)
        return VersionShown(
            row,
            work.queries.task_versions(workflow_code, version_no),
            definition,
            work.version_history.publishes(workflow_code, version_no),
            None if row.above_hash is None else deep_hash(row.content_hash, row.above_hash),
            changed((row.content_hash, row.above_hash), (row.content_hash, now)),
        )


def _last_published(store: VersionStore, workflow_code: str) -> int:
    with store.read() as work:
        found = work.version_history.last_published(workflow_code)
    if found is None:
        hint = f"wfgov publish {workflow_code} --operation deploy"
        raise NotFound("no version of it was ever published", where=f"workflow {workflow_code}", hint=hint)
    return found


def unknown_version(workflow_code: str, version_no: int) -> NotFound:
    hint = f"wfgov version list {workflow_code}"
    return NotFound(f"no version V{version_no}", where=f"workflow {workflow_code}", hint=hint)
