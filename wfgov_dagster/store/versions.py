"""Versions of workflows, tasks and edges: written by usecases/save.py alone."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from typing import Any

import sqlalchemy as sa

from wfgov_dagster.domain.deep import Seen
from wfgov_dagster.domain.definition import Definition
from wfgov_dagster.domain.version import Rebuilt, TaskVersion, waits_for
from wfgov_dagster.errors import NotFound
from wfgov_dagster.ports.store import EdgeRow, NewestVersion, VersionRow
from wfgov_dagster.store.among import among
from wfgov_dagster.store.contents import rebuilt
from wfgov_dagster.store.intervals import go_on
from wfgov_dagster.store.schema.given import data_task
from wfgov_dagster.store.schema.types import UtcDateTime
from wfgov_dagster.store.schema.workflow import (
    canonical_document,
    cross_workflow_dependency,
    data_workflow,
    task_definition,
    task_definition_log,
    workflow_edge,
    workflow_edge_log,
    workflow_task_log,
    workflow_task_relation,
    workflow_version,
)
from wfgov_dagster.store.writes import insert, run_many

_W, _D, _L, _VER = data_workflow.c, task_definition.c, task_definition_log.c, workflow_version.c
_EDGE = ("workflow_code", "pre_task_code", "post_task_code", "pre_task_version", "post_task_version")


class SqlVersions:
    def __init__(self, conn: sa.Connection) -> None:
        self._conn = conn

    # tasks

    def tasks(self, codes: Collection[str]) -> dict[str, TaskVersion]:
        """Current task definitions by code."""
        query = sa.select(_D.task_code, _D.version, _D.body_hash).where(among(self._conn, _D.task_code, codes))
        return {row[0]: TaskVersion(*row) for row in self._conn.execute(query)}

    def newest_tasks(self, codes: Collection[str]) -> dict[str, TaskVersion]:
        top = sa.select(_L.task_code, sa.func.max(_L.version).label("version"))
        top_of = top.where(among(self._conn, _L.task_code, codes)).group_by(_L.task_code).subquery()
        query = sa.select(_L.task_code, _L.version, _L.body_hash).join(
            top_of, (top_of.c.task_code == _L.task_code) & (top_of.c.version == _L.version)
        )
        return {row[0]: TaskVersion(*row) for row in self._conn.execute(query)}

    def free_codes(self, count: int) -> list[str]:
        """Numbers go on from the highest; two saves at once that take the same one: the second is a Conflict."""
        if not count:
            return []
        known = [sa.select(column).where(column.like("task-%")) for column in (_L.task_code, data_task.c.task_code)]
        ends = (code.removeprefix("task-") for code in self._conn.scalars(sa.union(*known)))
        last = max((int(end) for end in ends if end.isascii() and end.isdigit()), default=0)
        return [f"task-{last + at}" for at in range(1, count + 1)]

    def keep(self, texts: Mapping[str, str]) -> None:
        """Canonical texts by hash; what is there already stays, and no clean-up takes it before this is committed."""
        h = canonical_document.c.hash
        found = sa.select(h).where(among(self._conn, h, texts)).with_for_update(read=True, key_share=True)
        there = set(self._conn.scalars(found))
        insert(self._conn, canonical_document, ("hash", "body"), [row for row in texts.items() if row[0] not in there])

    def add_tasks(self, actor: str, new: Sequence[TaskVersion], *, sync: bool) -> None:
        """Log new task versions; creator and time of version 1 are carried on."""
        lowest = sa.select(_L.task_code, sa.func.min(_L.version).label("version")).where(
            among(self._conn, _L.task_code, [one.code for one in new])
        )  # not always version 1: clean-ups take old ones
        low = lowest.group_by(_L.task_code).subquery()
        query = sa.select(_L.task_code, _L.created_by, _L.created_at).join(
            low, (low.c.task_code == _L.task_code) & (low.c.version == _L.version)
        )
        first = {code: (by, at) for code, by, at in self._conn.execute(query)}
        at_once = self._conn.scalar(sa.select(sa.type_coerce(sa.func.current_timestamp(), UtcDateTime)))
        rows = [
            {
                "task_code": one.code,
                "version": one.version,
                "body_hash": one.body_hash,
                "operator": actor,
                "created_by": first.get(one.code, (actor, None))[0],
                "created_at": first.get(one.code, (None, at_once))[1],
            }
            for one in new
        ]
        run_many(self._conn, sa.insert(task_definition_log), rows)
        if sync:
            self._make_current(rows)

    def _make_current(self, rows: Sequence[Mapping[str, Any]]) -> None:
        codes = [row["task_code"] for row in rows]
        known = set(self._conn.scalars(sa.select(_D.task_code).where(among(self._conn, _D.task_code, codes))))
        columns = ("task_code", "version", "body_hash", "created_by", "created_at")
        fresh = [{name: row[name] for name in columns} for row in rows if row["task_code"] not in known]
        run_many(self._conn, sa.insert(task_definition), fresh)
        update = (
            sa.update(task_definition)
            .where(_D.task_code == sa.bindparam("c"))
            .values(version=sa.bindparam("v"), body_hash=sa.bindparam("h"), updated_at=sa.func.current_timestamp())
        )
        changed = [row for row in rows if row["task_code"] in known]
        run_many(self._conn, update, [{"c": r["task_code"], "v": r["version"], "h": r["body_hash"]} for r in changed])

    # workflows

    def newest(self, workflow_ids: Collection[int]) -> dict[int, NewestVersion]:
        top = sa.select(_VER.workflow_id, sa.func.max(_VER.version_no).label("version_no"))
        top_of = top.where(among(self._conn, _VER.workflow_id, workflow_ids)).group_by(_VER.workflow_id).subquery()
        query = (
            sa.select(_VER.workflow_id, _VER.version_no, _VER.content_hash, _VER.id == _W.current_version_id)
            .join(top_of, (top_of.c.workflow_id == _VER.workflow_id) & (top_of.c.version_no == _VER.version_no))
            .join(data_workflow, _W.id == _VER.workflow_id)
        )
        return {row[0]: NewestVersion(row[1], row[2], bool(row[3])) for row in self._conn.execute(query)}

    def add(self, actor: str, rows: Sequence[VersionRow], *, sync: bool) -> None:
        """New versions; with `sync` each becomes its workflow's current one."""
        columns = [one.name for one in fields(VersionRow) if one.name != "tasks"]
        told = [{name: getattr(row, name) for name in columns} | {"created_by": actor} for row in rows]
        run_many(self._conn, sa.insert(workflow_version), told)
        listed = [(row.workflow_id, *task) for row in rows for task in row.tasks.items()]
        go_on(self._conn, workflow_task_log, listed, {row.workflow_id: row.version_no for row in rows})
        if not sync:
            return
        ids = [row.workflow_id for row in rows]
        newest = (
            sa.select(sa.func.max(_VER.id)).where(_VER.workflow_id == _W.id).correlate(data_workflow).scalar_subquery()
        )
        self._conn.execute(
            sa.update(data_workflow)
            .where(among(self._conn, _W.id, ids))
            .values(current_version_id=newest, updated_by=actor, updated_at=sa.func.current_timestamp())
        )

    def touch_members(self, workflow_ids: Collection[int], codes: Collection[str]) -> None:
        """The current versions of these workflows are those in which these tasks of theirs last changed."""
        r = workflow_task_relation.c
        tasks = sa.select(data_task.c.id).where(among(self._conn, data_task.c.task_code, codes))
        current = sa.select(_W.current_version_id).where(_W.id == r.workflow_id).scalar_subquery()
        self._conn.execute(
            sa.update(workflow_task_relation)
            .where(among(self._conn, r.workflow_id, workflow_ids), r.task_id.in_(tasks))
            .values(version_id=current, updated_at=sa.func.current_timestamp())
        )

    def waiting(self, codes: Collection[str] | None) -> list[tuple[int, str]]:
        """(id, code) of workflows whose current definition is good and is not their current version, by code."""
        query = (
            sa.select(_W.id, _W.workflow_code)
            .outerjoin(workflow_version, _VER.id == _W.current_version_id)
            .where(
                _W.definition_error.is_(None),
                _W.definition_hash.is_not(None),
                sa.or_(_VER.id.is_(None), _VER.content_hash != _W.definition_hash),
            )
            .order_by(_W.workflow_code)
        )
        if codes is not None:
            query = query.where(among(self._conn, _W.workflow_code, codes))
        return [(row[0], row[1]) for row in self._conn.execute(query)]

    def current_documents(self, workflow_ids: Collection[int]) -> dict[int, str]:
        """Current definitions, w1, by workflow id."""
        query = sa.select(_W.id, _W.definition_json).where(among(self._conn, _W.id, workflow_ids))
        return {row[0]: row[1] for row in self._conn.execute(query)}

    def latest_definitions(self, workflow_ids: Collection[int]) -> dict[int, Rebuilt]:
        """Content of the current versions, rebuilt from the logs; none before V1."""
        query = sa.select(_VER.id).join(data_workflow, _VER.id == _W.current_version_id)
        return rebuilt(self._conn, query.where(among(self._conn, _W.id, workflow_ids)))

    def seen(self, workflow_codes: Collection[str]) -> dict[str, Seen]:
        query = (
            sa.select(_W.workflow_code, _VER.content_hash, _VER.structure_snapshot)
            .join(workflow_version, _VER.id == _W.current_version_id)
            .where(among(self._conn, _W.workflow_code, workflow_codes))
        )
        return {code: Seen(content_hash, waits_for(text)) for code, content_hash, text in self._conn.execute(query)}

    def definition(self, workflow_code: str, version_no: int) -> Definition:
        """Content of any version, rebuilt from the logs. Raises NotFound."""
        this = (_W.workflow_code == workflow_code, _VER.version_no == version_no)
        joined = sa.select(_W.id, _VER.id, _VER.removed_at).join(data_workflow, _W.id == _VER.workflow_id)
        found = self._conn.execute(joined.where(*this)).first()
        where, hint = f"workflow {workflow_code}", f"wfgov version list {workflow_code}"
        if found is None:
            raise NotFound(f"no version V{version_no}", where=where, hint=hint)
        workflow, version, removed_at = found
        if removed_at is not None:
            hint = f"{hint} has those that are kept"
            raise NotFound(f"V{version_no} was removed by a clean-up", where=where, hint=hint)
        return rebuilt(self._conn, sa.select(_VER.id).where(_VER.id == version))[workflow].definition

    def inter_workflow_edges(self, workflow_ids: Collection[int]) -> dict[int, list[tuple[str, str, str, str]]]:
        """(upstream workflow, upstream task, task, state) of the cross-workflow edges into each, sorted."""
        x, up, down = cross_workflow_dependency.c, data_task.alias("up"), data_task.alias("down")
        query = (
            sa.select(x.workflow_id, _W.workflow_code, up.c.task_code, down.c.task_code, x.state)
            .select_from(cross_workflow_dependency)
            .join(up, up.c.id == x.upstream_task_id)
            .join(down, down.c.id == x.task_id)
            .join(data_workflow, _W.id == x.upstream_workflow_id)
            .where(among(self._conn, x.workflow_id, workflow_ids))
            .order_by(_W.workflow_code, up.c.task_code, down.c.task_code)
        )
        found: dict[int, list[tuple[str, str, str, str]]] = {}
        for workflow, *edge in self._conn.execute(query):
            found.setdefault(workflow, []).append((edge[0], edge[1], edge[2], edge[3]))
        return found

    # edges

    def relate(self, actor: str, rows: Sequence[EdgeRow], numbers: Mapping[str, int], *, sync: bool) -> None:
        """`rows`: all edges of the versions in `numbers` (workflow code → version number).

        The log keeps an interval for each edge: those that are not in the new version end with the one before.
        """
        fresh = {(code, *edge): number for code, number, *edge in rows}
        go_on(self._conn, workflow_edge_log, fresh, numbers, {"operator": actor})
        if sync:
            self._make_edges_current(fresh, numbers)

    def _make_edges_current(self, fresh: Mapping[tuple[Any, ...], int], numbers: Mapping[str, int]) -> None:
        """Rows of edges that are as before stay: all that becomes of them is the number of the version."""
        edge = workflow_edge.c
        query = sa.select(edge.id, edge.workflow_version, *(edge[name] for name in _EDGE))
        found = self._conn.execute(query.where(among(self._conn, edge.workflow_code, numbers)))
        there = {tuple(row[2:]): (row[0], row[1]) for row in found}
        gone = [identity for key, (identity, _) in there.items() if key not in fresh]
        if gone:
            self._conn.execute(sa.delete(workflow_edge).where(among(self._conn, edge.id, gone)))
        stayed: dict[int, list[int]] = {}
        for key in there.keys() & fresh.keys():
            if there[key][1] != fresh[key]:
                stayed.setdefault(fresh[key], []).append(there[key][0])
        for number, ids in sorted(stayed.items()):
            these = sa.update(workflow_edge).where(among(self._conn, edge.id, ids))
            self._conn.execute(these.values(workflow_version=number))
        new = [(*key, fresh[key]) for key in sorted(fresh.keys() - there.keys())]
        insert(self._conn, workflow_edge, (*_EDGE, "workflow_version"), new)
