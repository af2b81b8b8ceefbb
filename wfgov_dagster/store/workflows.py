"""Workflows and their current definitions; which tasks are in them is in `placement`."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import orjson
import polars as pl
import sqlalchemy as sa

from wfgov_dagster.domain.definition import Edge
from wfgov_dagster.ports.store import Ids
from wfgov_dagster.store.among import among
from wfgov_dagster.store.frames import frame
from wfgov_dagster.store.placement import SqlPlacement, or_empty
from wfgov_dagster.store.schema.derived import task_dependency_view, task_topology
from wfgov_dagster.store.schema.given import (
    data_table,
    data_task,
    task_node_declaration,
    workflow_settings_declaration,
)
from wfgov_dagster.store.schema.workflow import data_workflow, workflow_task_relation
from wfgov_dagster.store.writes import run_many

I64: Final = pl.Int64
_TEXT = pl.String
_W, _R, _T, _V = data_workflow.c, workflow_task_relation.c, data_task.c, task_dependency_view.c
WORKFLOW_SCHEMA: Final = {
    "workflow": I64,
    "code": _TEXT,
    "name": _TEXT,
    "description": _TEXT,
    "origin": _TEXT,
    "status": _TEXT,
    "hash": _TEXT,
    "error": _TEXT,
    "business_domain": _TEXT,
    "owner": _TEXT,
}
MEMBER_SCHEMA: Final = {
    "workflow": I64,
    "task": I64,
    "code": _TEXT,
    "name": _TEXT,
    "description": _TEXT,
    "type": _TEXT,
    "node_type": _TEXT,
    "text": _TEXT,
    "datasource": _TEXT,
    "priority": I64,
    "timeout": I64,
    "retries": I64,
    "retry_interval": I64,
    "cron": _TEXT,
    "cycle": I64,
    "spec": _TEXT,
}


class SqlWorkflows(SqlPlacement):
    def all(self) -> pl.DataFrame:
        """WORKFLOW_SCHEMA, empty text for NULL."""
        texts = (_W.definition_hash, _W.definition_error, _W.business_domain, _W.owner)
        query = sa.select(
            *(_W.id, _W.workflow_code, _W.workflow_name, or_empty(_W.description), _W.origin, _W.status),
            *(or_empty(text) for text in texts),
        )
        return frame(self._conn, query.order_by(_W.workflow_code), WORKFLOW_SCHEMA)

    def create(self, rows: Sequence[Mapping[str, Any]]) -> None:
        run_many(self._conn, sa.insert(data_workflow), rows)

    def members(self, workflows: Ids) -> pl.DataFrame:
        """MEMBER_SCHEMA of active tasks that the topology has; '' and 0 for NULL, `cycle` -1 = in none."""
        cycle, spec = sa.func.coalesce(task_topology.c.cycle, -1), or_empty(task_node_declaration.c.spec)
        query = (
            sa.select(_R.workflow_id, *task_columns(), cycle, spec)
            .select_from(workflow_task_relation)
            .join(data_task, sa.and_(_T.id == _R.task_id, _T.deleted == 0))
            .join(task_topology, task_topology.c.task_id == _R.task_id)
            .outerjoin(task_node_declaration, task_node_declaration.c.task_id == _R.task_id)
        )
        return self._chosen(query, _R.workflow_id, workflows, MEMBER_SCHEMA)

    def inner_edges(self, workflows: Ids) -> pl.DataFrame:
        """(workflow, pre, post): task ids of the dependencies inside each workflow."""
        up = workflow_task_relation.alias("up")
        query = (
            sa.select(_R.workflow_id, _V.upstream_task_id, _V.task_id)
            .select_from(workflow_task_relation)
            .join(task_dependency_view, _V.task_id == _R.task_id)
            .join(up, sa.and_(up.c.task_id == _V.upstream_task_id, up.c.workflow_id == _R.workflow_id))
        )
        return self._chosen(query, _R.workflow_id, workflows, {"workflow": I64, "pre": I64, "post": I64})

    def settings(self) -> pl.DataFrame:
        """(code, name, description, cron, time_zone, settings) of declared workflows, empty text for NULL."""
        d = workflow_settings_declaration.c
        texts = (d.workflow_name, d.description, d.schedule_cron, d.time_zone, d.settings)
        query = sa.select(d.workflow_code, *(or_empty(text) for text in texts))
        names = ("code", "name", "description", "cron", "time_zone", "settings")
        return frame(self._conn, query, dict.fromkeys(names, _TEXT))

    def save_definitions(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Current definitions: keys `w` (id) and the columns of data_workflow that are set.

        The database decides whether the state may be written: somebody may have put the workflow online meanwhile.
        """
        if not rows:
            return
        names = [name for name in rows[0] if name != "w"]
        values: dict[str, Any] = {name: sa.bindparam(f"b_{name}") for name in names}
        values["status"] = sa.case(
            (sa.or_(_W.status == "draft", _W.status == "ready"), values["status"]), else_=_W.status
        )
        values["updated_at"] = sa.func.current_timestamp()
        update = sa.update(data_workflow).where(_W.id == sa.bindparam("w")).values(values)
        run_many(self._conn, update, [{"w": row["w"], **{f"b_{n}": row[n] for n in names}} for row in rows])

    def change_status(self, code: str, before: str, after: str, actor: str) -> bool:
        change = sa.update(data_workflow).where(_W.workflow_code == code, _W.status == before)
        changed = change.values(status=after, updated_by=actor, updated_at=sa.func.current_timestamp())
        return bool(self._conn.execute(changed).rowcount)

    def evidence(self, pairs: Collection[Edge]) -> dict[Edge, str]:
        """Why (upstream code, downstream code) is a dependency, for people: `reads a.b`, with views `reads v ← a.b`."""
        up, down, v = data_task.alias("up"), data_task.alias("down"), task_dependency_view.c
        query = (
            sa.select(up.c.task_code, down.c.task_code, v.kind, v.table_read_id, v.table_written_id, v.chain)
            .select_from(task_dependency_view)
            .join(up, up.c.id == v.upstream_task_id)
            .join(down, down.c.id == v.task_id)
            .where(among(self._conn, down.c.task_code, {post for _, post in pairs}))
        )
        wanted = set(pairs)
        rows = [row for row in self._conn.execute(query) if (row[0], row[1]) in wanted]
        chains = {(row[0], row[1]): _chain(row[2], row[3], row[5]) for row in rows}
        names = self._table_names({table for chain in chains.values() for table in chain})
        return {
            pair: "reads " + " ← ".join(names[table] for table in chain) if chain else "declared"
            for pair, chain in chains.items()
        }

    def _table_names(self, tables: Collection[int]) -> dict[int, str]:
        tab = data_table.c
        full = sa.case((tab.db_name == "", tab.table_name), else_=tab.db_name + "." + tab.table_name)
        found = self._conn.execute(sa.select(tab.id, full).where(among(self._conn, tab.id, tables)))
        return {table: f"#{table}" for table in tables} | {row[0]: row[1] for row in found}


def task_columns() -> list[sa.ColumnElement[Any]]:
    """The columns of MEMBER_SCHEMA that data_task alone has, from `task` to `cron`."""
    texts = (_T.dolphin_node_type, _T.task_sql, _T.datasource_name)
    numbers = (_T.timeout_seconds, _T.retry_times, _T.retry_interval)
    return [
        *(_T.id, _T.task_code, _T.task_name, or_empty(_T.task_desc), _T.task_type),
        *(or_empty(text) for text in texts),
        sa.func.coalesce(_T.priority, 3),
        *(sa.func.coalesce(number, 0) for number in numbers),
        or_empty(_T.schedule_cron),
    ]


def _chain(kind: str, read: int, chain: str | None) -> list[int]:
    if kind == "declared":
        return []
    return [read] if chain is None else list(orjson.loads(chain))
