"""Versions as people look for them: filtered, paged and joined by the database."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from wfgov_dagster.domain import outline as outlines
from wfgov_dagster.domain.deep import changed
from wfgov_dagster.domain.definition import Edge, Task
from wfgov_dagster.domain.snapshot import task_from
from wfgov_dagster.errors import NotFound
from wfgov_dagster.ports.version_history import Blame, HistoryRow, LiveVersion, PublishOf, VersionFilter
from wfgov_dagster.store.among import among
from wfgov_dagster.store.blame import blame_edges, blame_tasks
from wfgov_dagster.store.intervals import covers
from wfgov_dagster.store.live import live
from wfgov_dagster.store.schema.given import data_task
from wfgov_dagster.store.schema.publish import engine, workflow_definition_snapshot, workflow_publish_record
from wfgov_dagster.store.schema.workflow import (
    canonical_document,
    data_workflow,
    task_definition_log,
    workflow_edge_log,
    workflow_task_log,
    workflow_task_relation,
    workflow_version,
)
from wfgov_dagster.store.times import before

_V, _W, _S, _R, _E, _L, _T, _G = (
    workflow_version.c,
    data_workflow.c,
    workflow_definition_snapshot.c,
    workflow_publish_record.c,
    engine.c,
    task_definition_log.c,
    workflow_task_log.c,
    workflow_edge_log.c,
)
_JOINED = workflow_version.join(data_workflow, _W.id == _V.workflow_id)
_KEPT = _V.removed_at.is_(None)


def _has(status: str) -> sa.Exists:
    return sa.exists().where(_S.version_id == _V.id, _S.status == status).correlate(workflow_version)


_STATE = sa.case(*((_has(status), status) for status in ("published", "failed", "draft")), else_="new")
_OWN: dict[str, Any] = {"workflow_code": _W.workflow_code, "published": _has("published"), "state": _STATE}
_COLUMNS = [
    (_OWN[one.name] if one.name in _OWN else _V[one.name]).label(one.name)
    for one in fields(HistoryRow)
    if one.name != "changed"
]
_BEFORE, _PREVIOUS = workflow_version.alias("before"), workflow_version.alias("previous")
_EARLIER = (
    sa.select(sa.func.max(_BEFORE.c.version_no))
    .where(_BEFORE.c.workflow_id == _V.workflow_id, _BEFORE.c.removed_at.is_(None))
    .where(_BEFORE.c.version_no < _V.version_no)
    .correlate(workflow_version)
    .scalar_subquery()
)
_WITH_PREVIOUS = _JOINED.outerjoin(
    _PREVIOUS, (_PREVIOUS.c.workflow_id == _V.workflow_id) & (_PREVIOUS.c.version_no == _EARLIER)
)
_NEAR = 2  # versions of another workflow that can be the last one with a task that has just left it


class SqlVersionHistory:
    def __init__(self, conn: sa.Connection) -> None:
        self._conn = conn

    # which there are

    def page(self, wanted: VersionFilter, page: int, size: int) -> Sequence[HistoryRow]:
        before = (_PREVIOUS.c.content_hash, _PREVIOUS.c.above_hash)
        query = sa.select(*before, *_COLUMNS).select_from(_WITH_PREVIOUS).where(*self._is(wanted))
        rows = self._conn.execute(query.order_by(_V.id.desc()).limit(size).offset((page - 1) * size))
        return [_row(content, above, told) for content, above, *told in rows]

    def count(self, wanted: VersionFilter) -> int:
        query = sa.select(sa.func.count()).select_from(_JOINED).where(*self._is(wanted))
        return self._conn.scalar(query) or 0

    def has(self, workflow_code: str, version_no: int) -> bool:
        this = sa.select(_V.id).select_from(_JOINED)
        this = this.where(_W.workflow_code == workflow_code, _V.version_no == version_no, _KEPT)
        return self._conn.execute(this).first() is not None

    def knows_engine(self, name: str) -> bool:
        return self._conn.execute(sa.select(_E.id).where(_E.name == name)).first() is not None

    def last_published(self, workflow_code: str) -> int | None:
        newest = sa.select(sa.func.max(_V.version_no)).select_from(_JOINED)
        found: int | None = self._conn.scalar(newest.where(_W.workflow_code == workflow_code, _KEPT, _has("published")))
        return found

    def previous(self, workflow_code: str, version_no: int) -> int | None:
        newest = sa.select(sa.func.max(_V.version_no)).select_from(_JOINED)
        earlier = (_W.workflow_code == workflow_code, _V.version_no < version_no, _KEPT)
        found: int | None = self._conn.scalar(newest.where(*earlier))
        return found

    def publishes(self, workflow_code: str, version_no: int) -> Sequence[PublishOf]:
        own: dict[str, Any] = {"record_id": _R.id, "engine": _E.name}
        columns = [own[one.name] if one.name in own else _R[one.name] for one in fields(PublishOf)]
        joined = workflow_publish_record.join(engine, _E.id == _R.engine_id).join(
            workflow_version, _V.id == _R.version_id
        )
        query = sa.select(*columns).select_from(joined.join(data_workflow, _W.id == _V.workflow_id))
        this = (_W.workflow_code == workflow_code, _V.version_no == version_no)
        return [PublishOf(*row) for row in self._conn.execute(query.where(*this).order_by(_R.id.desc()))]

    def live(self, workflow_code: str, engine: str, at: datetime) -> LiveVersion:
        return live(self._conn, workflow_code, engine, at)

    # who brought what

    def tasks(self, workflow_code: str, version_no: int, task: str | None = None) -> Sequence[Blame]:
        return blame_tasks(self._conn, workflow_code, version_no, task)

    def edges(self, workflow_code: str, version_no: int, edge: Edge | None = None) -> Sequence[Blame]:
        return blame_edges(self._conn, workflow_code, version_no, edge)

    # what is compared

    def hashes(self, workflow_code: str, version_no: int) -> tuple[str, str | None]:
        query = sa.select(_V.content_hash, _V.above_hash).select_from(_JOINED)
        found = self._conn.execute(query.where(_W.workflow_code == workflow_code, _V.version_no == version_no)).first()
        if found is None:
            raise _unknown(workflow_code, version_no)
        return found[0], found[1]

    def outlines(self, workflow_code: str, one: int, other: int) -> tuple[outlines.Outline, outlines.Outline]:
        """The logs' rows that cover one of the two and not the other: what they have in common is not read."""
        pair = (one, other)
        query = sa.select(_V.workflow_id, _V.version_no, _V.structure_snapshot).select_from(_JOINED)
        found = self._conn.execute(query.where(_W.workflow_code == workflow_code, _V.version_no.in_(pair), _KEPT)).all()
        texts = {number: text for _, number, text in found}
        for number in pair:
            if number not in texts:
                raise _unknown(workflow_code, number)
        tasks = self._apart(workflow_task_log, _T.workflow_id == found[0][0], pair, [_T.task_code, _T.task_version])
        ends = [_G.pre_task_code, _G.post_task_code]
        edges = self._apart(workflow_edge_log, _G.workflow_code == workflow_code, pair, ends)
        first, second = (outlines.outline(texts[number], dict(tasks[at]), edges[at]) for at, number in enumerate(pair))
        return first, second

    def _apart(
        self, log: sa.Table, own: sa.ColumnElement[bool], pair: tuple[int, int], columns: Sequence[sa.Column[Any]]
    ) -> tuple[list[Any], list[Any]]:
        """What only one of the two versions has, of each, sorted."""
        in_one, in_other = (covers(log, number) for number in pair)
        query = sa.select(in_one, *columns).where(own, in_one != in_other)
        sides: tuple[list[Any], list[Any]] = ([], [])
        for first, *row in self._conn.execute(query):
            sides[0 if first else 1].append(tuple(row))
        return sorted(sides[0]), sorted(sides[1])

    def bodies(self, task_versions: Mapping[str, int]) -> Sequence[Task]:
        """Only the wanted rows of the log: a task may have had a thousand versions."""
        wanted = [f"{version} {code}" for code, version in task_versions.items()]
        named = sa.cast(_L.version, sa.Text).concat(" ").concat(_L.task_code)
        query = (
            sa.select(canonical_document.c.body)
            .join(task_definition_log, _L.body_hash == canonical_document.c.hash)
            .where(among(self._conn, _L.task_code, task_versions), among(self._conn, named, wanted))
        )
        return [task_from(orjson.loads(body)) for body in self._conn.scalars(query)]

    # where tasks are and were

    def now_in(self, task_codes: Collection[str], workflow_code: str) -> Mapping[str, str]:
        t, r = data_task.c, workflow_task_relation.c
        query = (
            sa.select(t.task_code, _W.workflow_code)
            .join(workflow_task_relation, r.task_id == t.id)
            .join(data_workflow, _W.id == r.workflow_id)
            .where(among(self._conn, t.task_code, task_codes), t.deleted == 0, _W.workflow_code != workflow_code)
        )
        return {row[0]: row[1] for row in self._conn.execute(query)}

    def came_from(self, workflow_code: str, version_no: int | None, task_codes: Collection[str]) -> Mapping[str, str]:
        """A task is in one workflow: its last version before this one, or the one before that, still had it."""
        this = sa.select(_V.id).select_from(_JOINED)
        this = this.where(_W.workflow_code == workflow_code, _V.version_no == version_no)
        earlier = sa.true() if version_no is None else _V.id < this.scalar_subquery()
        place = sa.func.row_number().over(partition_by=_V.workflow_id, order_by=_V.id.desc())
        near = (
            sa.select(_V.id, _V.workflow_id, _V.version_no, _W.workflow_code, place.label("place"))
            .select_from(_JOINED)
            .where(earlier, _KEPT, _W.workflow_code != workflow_code)
            .subquery()
        )
        had = (_T.workflow_id == near.c.workflow_id) & covers(workflow_task_log, near.c.version_no)
        query = (
            sa.select(_T.task_code, near.c.workflow_code)
            .select_from(near.join(workflow_task_log, had))
            .where(near.c.place <= _NEAR, among(self._conn, _T.task_code, task_codes))
            .order_by(near.c.id)
        )
        return {row[0]: row[1] for row in self._conn.execute(query)}

    def _is(self, wanted: VersionFilter) -> list[sa.ColumnElement[bool]]:
        asked: list[tuple[Any, object]] = [
            (_W.workflow_code, wanted.workflow_code),
            (_STATE, wanted.state),
            (_V.created_by, wanted.author),
            (_V.trigger_source, wanted.trigger),
        ]
        found = [_KEPT, *(column == value for column, value in asked if value is not None)]
        if wanted.since is not None:
            found.append(sa.not_(before(self._conn, _V.created_at, wanted.since)))
        if wanted.until is not None:
            found.append(before(self._conn, _V.created_at, wanted.until))
        if wanted.published is not None:
            found.append(_has("published") if wanted.published else sa.not_(_has("published")))
        return found


def _row(content: str | None, above: str | None, told: Sequence[Any]) -> HistoryRow:
    row = HistoryRow(*[*told, None])
    since = None if content is None else changed((content, above), (row.content_hash, row.above_hash))
    return replace(row, published=bool(row.published), changed=since)


def _unknown(workflow_code: str, version_no: int) -> NotFound:
    hint = f"wfgov version list {workflow_code}"
    return NotFound(f"no version V{version_no}", where=f"workflow {workflow_code}", hint=hint)
