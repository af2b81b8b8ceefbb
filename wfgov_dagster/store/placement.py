"""Where tasks are placed, and what that makes of dependencies: inside a workflow, or across two of them."""

from collections.abc import Collection
from typing import Any, Final

import polars as pl
import sqlalchemy as sa

from wfgov_dagster.ports.store import Ids
from wfgov_dagster.store.among import among
from wfgov_dagster.store.frames import Schema, bulk_frame, chosen, frame
from wfgov_dagster.store.schema.derived import task_dependency_view, task_topology
from wfgov_dagster.store.schema.given import (
    data_lineage,
    data_table,
    data_task,
    table_task_relation,
    task_workflow_declaration,
)
from wfgov_dagster.store.schema.workflow import cross_workflow_dependency, data_workflow, workflow_task_relation
from wfgov_dagster.store.writes import insert, run_many

_I64: Final = pl.Int64
_TEXT = pl.String
_R, _T, _V, _X = workflow_task_relation.c, data_task.c, task_dependency_view.c, cross_workflow_dependency.c
CROSSING_SCHEMA: Final = {"task": _I64, "upstream": _I64, "workflow": _I64, "upstream_workflow": _I64}


class SqlPlacement:
    def __init__(self, conn: sa.Connection) -> None:
        self._conn = conn

    def memberships(self, tasks: Ids) -> pl.DataFrame:
        """(task, workflow) of all tasks that were ever placed, deleted ones included."""
        query = sa.select(_R.task_id, _R.workflow_id)
        return self._chosen(query, _R.task_id, tasks, {"task": _I64, "workflow": _I64})

    def declarations(self, tasks: Ids) -> pl.DataFrame:
        """(task, code, by): what counts for each task. A person outranks an import; then the first by name."""
        d = task_workflow_declaration.c
        query = sa.select(d.task_id, d.workflow_code, d.declared_by)
        found = self._chosen(query, d.task_id, tasks, {"task": _I64, "code": _TEXT, "by": _TEXT})
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
        schema = {"task": _I64, "table": _I64}
        ends = (line.task_id, rel.task_id)
        written = pl.concat([self._chosen(q, end, tasks, schema) for q, end in zip(parts, ends, strict=True)]).unique()
        full = sa.case((tab.db_name == "", tab.table_name), else_=tab.db_name + "." + tab.table_name)
        tables = self._chosen(
            sa.select(tab.id, full, or_empty(tab.business_domain), or_empty(tab.owner)),
            tab.id,
            None if tasks is None else set(written["table"]),
            {"table": _I64, "full_name": _TEXT, "business_domain": _TEXT, "owner": _TEXT},
        )
        owners = self._chosen(
            sa.select(_T.id, or_empty(_T.owner)).where(_T.deleted == 0), _T.id, tasks, {"task": _I64, "own": _TEXT}
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
        schema = {"workflow": _I64, "upstream_workflow": _TEXT, "upstream_task": _TEXT, "task": _TEXT}
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

    def _touching(self, query: sa.Select[Any], ends: tuple[sa.Column[Any], ...], tasks: Ids) -> pl.DataFrame:
        if tasks is None:
            return bulk_frame(self._conn, query, CROSSING_SCHEMA)
        parts = [frame(self._conn, query.where(among(self._conn, end, tasks)), CROSSING_SCHEMA) for end in ends]
        return pl.concat(parts).unique()

    def _chosen(self, query: sa.Select[Any], column: sa.Column[Any], ids: Ids, schema: Schema) -> pl.DataFrame:
        return chosen(self._conn, query, (column, ids), schema)


def or_empty(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    return sa.func.coalesce(column, "")
