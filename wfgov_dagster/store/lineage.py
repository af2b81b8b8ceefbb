"""Reads of the metadata for a derivation. `None` where ids are asked for means: all."""

from collections.abc import Collection
from typing import Any, Final

import polars as pl
import sqlalchemy as sa

from wfgov_dagster.domain.lineage import Lineage
from wfgov_dagster.store.among import among
from wfgov_dagster.store.frames import Schema, bulk_frame, chosen
from wfgov_dagster.store.schema.given import (
    data_lineage,
    data_table,
    data_task,
    table_task_relation,
    task_dependency_declaration,
)

Ids = Collection[int] | None
I64: Final = pl.Int64


class SqlLineage:
    def __init__(self, conn: sa.Connection) -> None:
        self._conn = conn

    def everything(self) -> Lineage:
        """The whole lineage, each table scanned once."""
        line, rel = data_lineage.c, table_task_relation.c
        nothing: sa.ColumnElement[int] = sa.literal_column("-1")
        rows = bulk_frame(
            self._conn,
            sa.select(
                *(sa.func.coalesce(end, nothing) for end in (line.task_id, line.upstream_table_id)),
                sa.func.coalesce(line.downstream_table_id, nothing),
            ).where(line.deleted == 0),
            {"task": I64, "upstream": I64, "downstream": I64},
        )
        relations = bulk_frame(
            self._conn,
            sa.select(rel.task_id, rel.table_id, sa.case((rel.relation_type == "read", 1), else_=0)).where(
                rel.deleted == 0
            ),
            {"task": I64, "table": I64, "reads": I64},
        )
        active = self.active_tasks(None)
        of_task = rows.join(active, on="task", how="semi")
        of_relation = relations.join(active, on="task", how="semi")
        ends = [
            _ends(of_task, "upstream", of_relation.filter(pl.col("reads") == 1)),
            _thinned(_ends(of_task, "downstream", of_relation.filter(pl.col("reads") == 0))),
        ]
        views = rows.filter((pl.col("task") == -1) & (pl.col("upstream") != -1) & (pl.col("downstream") != -1)).select(
            pl.col("downstream").alias("view"), pl.col("upstream").alias("source")
        )
        named = pl.concat(
            [*(end["table"] for end in ends), views["view"].alias("table"), views["source"].alias("table")]
        )
        return Lineage(
            ends[0], ends[1], views, self.declared(None), self._ranked(named.unique().to_frame("table"), None)
        )

    def reads(self, tasks: Collection[int]) -> pl.DataFrame:
        """(task, table) of active tasks."""
        return self._both("upstream_table_id", "read", tasks, None)

    def writes(self, tables: Collection[int]) -> pl.DataFrame:
        """(table, task) of active tasks."""
        return self._both("downstream_table_id", "write", None, tables).select("table", "task")

    def written_by(self, tasks: Collection[int]) -> pl.DataFrame:
        """(table, task), deleted tasks included: what they wrote may have lost its writer."""
        return self._both("downstream_table_id", "write", tasks, None, active=False).select("table", "task")

    def readers(self, tables: Collection[int]) -> pl.DataFrame:
        """(task, table) of active tasks."""
        return self._both("upstream_table_id", "read", None, tables)

    def view_sources(self, views: Collection[int]) -> pl.DataFrame:
        """(view, source): what these views are made of."""
        return self._views(data_lineage.c.downstream_table_id, views)

    def views_on(self, sources: Collection[int]) -> pl.DataFrame:
        """(view, source): which views are made of these."""
        return self._views(data_lineage.c.upstream_table_id, sources)

    def declared(self, tasks: Ids) -> pl.DataFrame:
        """(task, upstream), both active."""
        d, down, up = task_dependency_declaration, data_task.alias("down"), data_task.alias("up")
        query = (
            sa.select(d.c.task_id, d.c.upstream_task_id)
            .join(down, sa.and_(down.c.id == d.c.task_id, down.c.deleted == 0))
            .join(up, sa.and_(up.c.id == d.c.upstream_task_id, up.c.deleted == 0))
        )
        return self._frame(query, d.c.task_id, tasks, {"task": I64, "upstream": I64})

    def declaring(self, upstreams: Collection[int]) -> list[int]:
        """Tasks that declare one of these as upstream."""
        d = task_dependency_declaration
        query = sa.select(d.c.task_id).distinct().where(among(self._conn, d.c.upstream_task_id, upstreams))
        return list(self._conn.scalars(query))

    def names(self, tables: Collection[int]) -> pl.DataFrame:
        """(table, rank): position by full name in byte order. A table that only lineage rows name is `#<id>`."""
        return self._ranked(pl.DataFrame({"table": list(tables)}, schema={"table": I64}), tables)

    def _ranked(self, wanted: pl.DataFrame, tables: Ids) -> pl.DataFrame:
        t = data_table
        full = sa.case((t.c.db_name == "", t.c.table_name), else_=t.c.db_name + "." + t.c.table_name)
        found = self._frame(sa.select(t.c.id, full), t.c.id, tables, {"table": I64, "name": pl.String})
        return (
            wanted.join(found, on="table", how="left")
            .with_columns(pl.col("name").fill_null(pl.format("#{}", "table")))
            .sort("name", "table")
            .select("table", pl.int_range(pl.len(), dtype=I64).alias("rank"))
        )

    def active_tasks(self, tasks: Ids) -> pl.DataFrame:
        """(task), sorted."""
        query = sa.select(data_task.c.id).where(data_task.c.deleted == 0)
        return self._frame(query, data_task.c.id, tasks, {"task": I64}).sort("task")

    def _both(self, end: str, relation: str, tasks: Ids, tables: Ids, *, active: bool = True) -> pl.DataFrame:
        """Lineage rows and relation rows say the same thing in two tables; their union counts."""
        line, rel = data_lineage, table_task_relation
        of_lineage = sa.select(line.c.task_id, line.c[end]).where(
            line.c.deleted == 0, line.c.task_id.is_not(None), line.c[end].is_not(None)
        )
        of_relation = sa.select(rel.c.task_id, rel.c.table_id).where(
            rel.c.deleted == 0, rel.c.relation_type == relation
        )
        parts = []
        for query, task, table in (
            (of_lineage, line.c.task_id, line.c[end]),
            (of_relation, rel.c.task_id, rel.c.table_id),
        ):
            chosen = query
            if active:
                chosen = chosen.join(data_task, sa.and_(data_task.c.id == task, data_task.c.deleted == 0))
            if tasks is not None:
                chosen = chosen.where(among(self._conn, task, tasks))
            parts.append(self._frame(chosen, table, tables, {"task": I64, "table": I64}))
        return pl.concat(parts).unique()

    def _views(self, end: sa.Column[Any], tables: Collection[int]) -> pl.DataFrame:
        line = data_lineage.c
        query = sa.select(line.downstream_table_id, line.upstream_table_id).where(
            line.deleted == 0,
            line.task_id.is_(None),
            line.upstream_table_id.is_not(None),
            line.downstream_table_id.is_not(None),
        )
        return self._frame(query, end, tables, {"view": I64, "source": I64}).unique()

    def _frame(self, query: sa.Select[Any], column: sa.Column[Any], ids: Ids, schema: Schema) -> pl.DataFrame:
        return chosen(self._conn, query, (column, ids), schema)


def _ends(rows: pl.DataFrame, end: str, relations: pl.DataFrame) -> pl.DataFrame:
    """(task, table) of one end of the lineage rows and of the relation rows that say the same."""
    of_rows = rows.filter(pl.col(end) != -1).select("task", pl.col(end).alias("table"))
    return pl.concat([of_rows, relations.select("task", "table")]) if relations.height else of_rows


def _thinned(writes: pl.DataFrame) -> pl.DataFrame:
    """Without the rows that repeat the one before. What a task writes stands in each of its lineage rows, and every
    repetition would meet every reader of the table; those that stand apart cost time and change nothing."""
    return writes.filter(pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift()) for name in writes.columns))
