"""Workflows, memberships, cross-workflow edges and current definitions."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import orjson
import polars as pl
import sqlalchemy as sa

from wfgov_dagster.domain.definition import Edge
from wfgov_dagster.ports.store import Ids
from wfgov_dagster.store.among import among
from wfgov_dagster.store.frames import Schema, bulk_frame, chosen, frame, insert, run_many
from wfgov_dagster.store.schema.derived import task_dependency_view, task_topology
from wfgov_dagster.store.schema.given import (
    data_lineage,
    data_table,
    data_task,
    table_task_relation,
    task_node_declaration,
    task_workflow_declaration,
    workflow_settings_declaration,
)
from wfgov_dagster.store.schema.workflow import cross_workflow_dependency, data_workflow, workflow_task_relation

I64: Final = pl.Int64
_TEXT = pl.String
_W, _R, _T, _V, _X = (
    data_workflow.c,
    workflow_task_relation.c,
    data_task.c,
    task_dependency_view.c,
    cross_workflow_dependency.c,
)
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
CROSSING_SCHEMA: Final = {"task": I64, "upstream": I64, "workflow": I64, "upstream_workflow": I64}


class SqlWorkflows:
    def __init__(self, conn: sa.Connection) -> None:
        self._conn = conn

    def all(self) -> pl.DataFrame:
        """WORKFLOW_SCHEMA, empty text for NULL."""
        texts = (_W.definition_hash, _W.definition_error, _W.business_domain, _W.owner)
        query = sa.select(
            *(_W.id, _W.workflow_code, _W.workflow_name, _or_empty(_W.description), _W.origin, _W.status),
            *(_or_empty(text) for text in texts),
        )
        return frame(self._conn, query.order_by(_W.workflow_code), WORKFLOW_SCHEMA)

    def create(self, rows: Sequence[Mapping[str, Any]]) -> None:
        run_many(self._conn, sa.insert(data_workflow), rows)

    def memberships(self, tasks: Ids) -> pl.DataFrame:
        """(task, workflow) of all tasks that were ever placed, deleted ones included."""
        query = sa.select(_R.task_id, _R.workflow_id)
        return self._chosen(query, _R.task_id, tasks, {"task": I64, "workflow": I64})

    def declarations(self, tasks: Ids) -> pl.DataFrame:
        """(task, code, by): what counts for each task. A person outranks an import; then the first by name."""
        d = task_workflow_declaration.c
        query = sa.select(d.task_id, d.workflow_code, d.declared_by)
        found = self._chosen(query, d.task_id, tasks, {"task": I64, "code": _TEXT, "by": _TEXT})
        ranked = found.with_columns(pl.col("by").str.starts_with("import:").alias("imported"))
        return ranked.sort("task", "imported", "by").unique("task", keep="first", maintain_order=True).drop("imported")

    def overruled(self, tasks: Ids) -> pl.DataFrame:
        """(task_code, code, by, kept, person), sorted: imports that want a task elsewhere than a person."""
        said, kept = task_workflow_declaration.alias("said"), task_workflow_declaration.alias("kept")
        query = (
            sa.select(_T.task_code, said.c.workflow_code, said.c.declared_by, kept.c.workflow_code, kept.c.declared_by)
            .select_from(kept)
            .join(said, (said.c.task_id == kept.c.task_id) & (said.c.workflow_code != kept.c.workflow_code))
            .join(data_task, (_T.id == kept.c.task_id) & (_T.deleted == 0))
            .where(kept.c.declared_by.not_like("import:%"), said.c.declared_by.like("import:%"))
        )
        columns = ("task_code", "code", "by", "kept", "person")
        found = self._chosen(query, kept.c.task_id, tasks, dict.fromkeys(columns, _TEXT))
        return found.sort(columns).unique(("task_code", "by"), keep="first", maintain_order=True)

    def groups(self, tasks: Ids) -> pl.DataFrame:
        """(task, business_domain, owner) of the first table, by name and id, that an active task writes; else '' and
        its own owner."""
        line, rel, tab = data_lineage.c, table_task_relation.c, data_table.c
        parts = (
            sa.select(line.task_id, line.downstream_table_id).where(
                line.deleted == 0, line.task_id.is_not(None), line.downstream_table_id.is_not(None)
            ),
            sa.select(rel.task_id, rel.table_id).where(rel.deleted == 0, rel.relation_type == "write"),
        )
        schema = {"task": I64, "table": I64}
        ends = (line.task_id, rel.task_id)
        written = pl.concat([self._chosen(q, end, tasks, schema) for q, end in zip(parts, ends, strict=True)]).unique()
        full = sa.case((tab.db_name == "", tab.table_name), else_=tab.db_name + "." + tab.table_name)
        tables = self._chosen(
            sa.select(tab.id, full, _or_empty(tab.business_domain), _or_empty(tab.owner)),
            tab.id,
            None if tasks is None else set(written["table"]),
            {"table": I64, "full_name": _TEXT, "business_domain": _TEXT, "owner": _TEXT},
        )
        owners = self._chosen(
            sa.select(_T.id, _or_empty(_T.owner)).where(_T.deleted == 0), _T.id, tasks, {"task": I64, "own": _TEXT}
        )
        named = written.join(tables, on="table").sort("task", "full_name", "table")
        first = named.unique("task", keep="first", maintain_order=True)
        return owners.join(first, on="task", how="left").select(
            "task", pl.col("business_domain").fill_null(""), pl.coalesce("owner", "own").alias("owner")
        )

    def place(self, rows: pl.DataFrame) -> None:
        """New memberships: (workflow, task, mode, by)."""
        columns = ("workflow_id", "task_id", "workflow_inheritance_mode", "placed_by")
        insert(self._conn, workflow_task_relation, columns, rows.rows())

    def move(self, rows: pl.DataFrame) -> None:
        """Changed memberships: (workflow, task, mode, by)."""
        statement = (
            sa.update(workflow_task_relation)
            .where(_R.task_id == sa.bindparam("t"))
            .values(workflow_id=sa.bindparam("w"), workflow_inheritance_mode=sa.bindparam("m"),
                    placed_by=sa.bindparam("b"), updated_at=sa.func.current_timestamp())
        )  # fmt: skip
        run_many(self._conn, statement, [{"w": w, "t": t, "m": m, "b": b} for w, t, m, b in rows.iter_rows()])

    def members(self, workflows: Ids) -> pl.DataFrame:
        """MEMBER_SCHEMA of active tasks that the topology has; '' and 0 for NULL, `cycle` -1 = in none."""
        cycle, spec = sa.func.coalesce(task_topology.c.cycle, -1), _or_empty(task_node_declaration.c.spec)
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
        query = sa.select(d.workflow_code, *(_or_empty(text) for text in texts))
        names = ("code", "name", "description", "cron", "time_zone", "settings")
        return frame(self._conn, query, dict.fromkeys(names, _TEXT))

    def crossing(self, tasks: Ids) -> pl.DataFrame:
        """CROSSING_SCHEMA: dependencies that touch these tasks and whose ends are in two workflows."""
        up = workflow_task_relation.alias("up")
        query = (
            sa.select(_V.task_id, _V.upstream_task_id, _R.workflow_id, up.c.workflow_id)
            .select_from(task_dependency_view)
            .join(workflow_task_relation, _R.task_id == _V.task_id)
            .join(up, sa.and_(up.c.task_id == _V.upstream_task_id, up.c.workflow_id != _R.workflow_id))
        )
        return self._touching(query, (_V.task_id, _V.upstream_task_id), tasks)

    def stored_crossing(self, tasks: Ids) -> pl.DataFrame:
        """CROSSING_SCHEMA: what is stored of them."""
        query = sa.select(_X.task_id, _X.upstream_task_id, _X.workflow_id, _X.upstream_workflow_id)
        return self._touching(query, (_X.task_id, _X.upstream_task_id), tasks)

    def save_crossing(self, gone: pl.DataFrame, came: pl.DataFrame) -> None:
        """Remove the pairs (task, upstream) of `gone`, then add `came` (CROSSING_SCHEMA), unconfirmed.

        An edge whose ends moved loses what was decided about it: it was decided about other workflows.
        """
        x = cross_workflow_dependency
        delete = sa.delete(x).where(_X.task_id == sa.bindparam("t"), _X.upstream_task_id == sa.bindparam("u"))
        run_many(self._conn, delete, [{"t": task, "u": up} for task, up in gone.iter_rows()])
        columns = ("task_id", "upstream_task_id", "workflow_id", "upstream_workflow_id")
        insert(self._conn, x, columns, came.sort("task", "upstream").rows())

    def confirmed_crossing(self, workflows: Ids) -> pl.DataFrame:
        """(workflow, upstream_workflow, upstream_task, task): codes of the confirmed edges into these workflows."""
        up_task, up_flow = data_task.alias("up_task"), data_workflow.alias("up_flow")
        query = (
            sa.select(_X.workflow_id, up_flow.c.workflow_code, up_task.c.task_code, _T.task_code)
            .select_from(cross_workflow_dependency)
            .join(data_task, _T.id == _X.task_id)
            .join(up_task, up_task.c.id == _X.upstream_task_id)
            .join(up_flow, up_flow.c.id == _X.upstream_workflow_id)
            .where(_X.state == "confirmed")
        )
        schema = {"workflow": I64, "upstream_workflow": _TEXT, "upstream_task": _TEXT, "task": _TEXT}
        return self._chosen(query, _X.workflow_id, workflows, schema)

    def waiting_on(self, tasks: Collection[int]) -> set[int]:
        """Workflows with a confirmed edge from one of these tasks of another workflow: their content names it."""
        query = sa.select(_X.workflow_id).distinct()
        chosen = query.where(_X.state == "confirmed", among(self._conn, _X.upstream_task_id, tasks))
        return set(self._conn.scalars(chosen))

    def waiting_for(self, workflows: Collection[int]) -> set[int]:
        """Workflows with a confirmed edge from one of these: its window hangs on their schedules."""
        query = sa.select(_X.workflow_id).distinct()
        chosen = query.where(_X.state == "confirmed", among(self._conn, _X.upstream_workflow_id, workflows))
        return set(self._conn.scalars(chosen))

    def refresh_counts(self, tasks: Ids) -> None:
        """Copy the topology's counts to the memberships where they differ; 0 for a task that is gone."""
        t, r = task_topology.c, workflow_task_relation
        present = sa.update(r).where(
            t.task_id == _R.task_id,
            sa.or_(
                _R.upstream_task_count != t.upstream_task_count, _R.downstream_task_count != t.downstream_task_count
            ),
        )
        gone = sa.update(r).where(
            _R.task_id.not_in(sa.select(t.task_id)),
            sa.or_(_R.upstream_task_count != 0, _R.downstream_task_count != 0),
        )
        chosen = sa.true() if tasks is None else among(self._conn, _R.task_id, tasks)
        self._conn.execute(
            present.where(chosen).values(
                upstream_task_count=t.upstream_task_count, downstream_task_count=t.downstream_task_count
            )
        )
        self._conn.execute(gone.where(chosen).values(upstream_task_count=0, downstream_task_count=0))

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

    def _touching(self, query: sa.Select[Any], ends: tuple[sa.Column[Any], ...], tasks: Ids) -> pl.DataFrame:
        if tasks is None:
            return bulk_frame(self._conn, query, CROSSING_SCHEMA)
        parts = [frame(self._conn, query.where(among(self._conn, end, tasks)), CROSSING_SCHEMA) for end in ends]
        return pl.concat(parts).unique()

    def _chosen(self, query: sa.Select[Any], column: sa.Column[Any], ids: Ids, schema: Schema) -> pl.DataFrame:
        return chosen(self._conn, query, (column, ids), schema)


def task_columns() -> list[sa.ColumnElement[Any]]:
    """The columns of MEMBER_SCHEMA that data_task alone has, from `task` to `cron`."""
    texts = (_T.dolphin_node_type, _T.task_sql, _T.datasource_name)
    numbers = (_T.timeout_seconds, _T.retry_times, _T.retry_interval)
    return [
        *(_T.id, _T.task_code, _T.task_name, _or_empty(_T.task_desc), _T.task_type),
        *(_or_empty(text) for text in texts),
        sa.func.coalesce(_T.priority, 3),
        *(sa.func.coalesce(number, 0) for number in numbers),
        _or_empty(_T.schedule_cron),
    ]


def _chain(kind: str, read: int, chain: str | None) -> list[int]:
    if kind == "declared":
        return []
    return [read] if chain is None else list(orjson.loads(chain))


def _or_empty(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    return sa.func.coalesce(column, "")
