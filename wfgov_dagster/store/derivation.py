"""The change feed, the dependency view, the topology, and what the next step has to do."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import orjson
import polars as pl
import sqlalchemy as sa

from wfgov_dagster.domain.lineage import DEPENDENCY_SCHEMA
from wfgov_dagster.ports.store import Changes, Ids, Todo
from wfgov_dagster.store.among import among
from wfgov_dagster.store.frames import bulk_frame, frame
from wfgov_dagster.store.schema.derived import derivation_batch, derivation_todo, task_dependency_view, task_topology
from wfgov_dagster.store.schema.given import (
    data_lineage,
    metadata_change,
    table_task_relation,
    task_dependency_declaration,
    task_node_declaration,
    task_workflow_declaration,
    workflow_settings_declaration,
)
from wfgov_dagster.store.writes import insert, run_many

I64: Final = pl.Int64
TOPOLOGY_SCHEMA: Final = {"task": I64, "level": I64, "cycle": I64, "upstream_count": I64, "downstream_count": I64}
_INDEX_LATER_ROWS: Final = 100_000
_KEYS: Final = {
    "data_lineage": (data_lineage, ("task_id", "upstream_table_id", "downstream_table_id")),
    "table_task_relation": (table_task_relation, ("table_id", "task_id")),
    "task_workflow_declaration": (task_workflow_declaration, ("task_id",)),
    "task_dependency_declaration": (task_dependency_declaration, ("task_id", "upstream_task_id")),
    "task_node_declaration": (task_node_declaration, ("task_id",)),
    "workflow_settings_declaration": (workflow_settings_declaration, ("workflow_code",)),
}


class SqlDerivation:
    def __init__(self, conn: sa.Connection) -> None:
        self._conn = conn

    def lock(self) -> None:
        """SQLite: the write transaction is the lock.

        PostgreSQL: metadata is edited meanwhile, so the step has to see one moment of it, the one after it got the
        lock. Only LOCK TABLE can be waited for without fixing that moment before.
        """
        if self._conn.dialect.name != "sqlite":
            self._conn.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            self._conn.exec_driver_sql(f"LOCK TABLE {derivation_batch.name} IN SHARE UPDATE EXCLUSIVE MODE")

    def open_changes(self) -> int:
        open_rows = sa.select(sa.func.count()).where(metadata_change.c.batch_id.is_(None))
        return int(self._conn.scalar(open_rows) or 0)

    def take_changes(self, actor: str, mode: str) -> Changes:
        feed = metadata_change.c
        batch = self._conn.execute(
            sa.insert(derivation_batch).values(actor=actor, mode=mode, changes=0)
        ).inserted_primary_key
        assert batch is not None
        taken = self._conn.execute(sa.update(metadata_change).where(feed.batch_id.is_(None)).values(batch_id=batch[0]))
        self._conn.execute(
            sa.update(derivation_batch).where(derivation_batch.c.id == batch[0]).values(changes=taken.rowcount)
        )
        if mode == "full":
            first = self._conn.scalar(sa.select(sa.func.min(feed.seq)).where(feed.batch_id == batch[0]))
            return Changes(first_seq=first or 0)
        rows = self._conn.execute(
            sa.select(feed.seq, feed.table_name, feed.row_id, feed.before).where(feed.batch_id == batch[0])
        ).all()
        return self._named(rows)

    def _named(self, rows: Sequence[Any]) -> Changes:
        """Former keys come from the feed, present ones from the rows: together every end of every changed edge."""
        ids: dict[str, set[int]] = {}
        keys: dict[str, set[tuple[Any, ...]]] = {table: set() for table in _KEYS}
        for _, table, row_id, before in rows:
            ids.setdefault(table, set()).add(row_id)
            if before is not None:
                keys[table].add(tuple(orjson.loads(before)))
        for table, found in keys.items():
            source, columns = _KEYS[table]
            query = sa.select(*(source.c[name] for name in columns))
            present = self._conn.execute(query.where(among(self._conn, source.c.id, ids.get(table, ()))))
            found.update(tuple(row) for row in present)
        return Changes(
            first_seq=min((row[0] for row in rows), default=0),
            tasks=frozenset(ids.get("data_task", ())),
            tables=frozenset(ids.get("data_table", ())),
            lineage=frozenset((task, up, down) for task, up, down in keys["data_lineage"]),
            relations=frozenset((table, task) for table, task in keys["table_task_relation"]),
            dependencies=frozenset((task, up) for task, up in keys["task_dependency_declaration"]),
            declarations=frozenset(
                task for table in ("task_workflow_declaration", "task_node_declaration") for (task,) in keys[table]
            ),
            settings=frozenset(code for (code,) in keys["workflow_settings_declaration"]),
        )

    def dependencies(self, tasks: Ids) -> pl.DataFrame:
        """Stored rows of these downstream tasks, in DEPENDENCY_SCHEMA."""
        v = task_dependency_view.c
        if tasks is not None:
            query = sa.select(v.task_id, v.upstream_task_id, v.kind, v.table_read_id, v.table_written_id, v.chain)
            return frame(self._conn, query.where(among(self._conn, v.task_id, tasks)), DEPENDENCY_SCHEMA)
        nothing: sa.ColumnElement[int] = sa.literal_column("-1")
        query = sa.select(
            v.task_id,
            v.upstream_task_id,
            v.kind,
            sa.func.coalesce(v.table_read_id, nothing),
            sa.func.coalesce(v.table_written_id, nothing),
            sa.func.coalesce(v.chain, ""),
        )
        return bulk_frame(self._conn, query, DEPENDENCY_SCHEMA).with_columns(
            pl.col("table_read").replace(-1, None),
            pl.col("table_written").replace(-1, None),
            pl.when(pl.col("chain") != "").then(pl.col("chain")).alias("chain"),
        )

    def edges(self) -> pl.DataFrame:
        """(task, upstream) of all stored rows."""
        v = task_dependency_view.c
        return bulk_frame(self._conn, sa.select(v.task_id, v.upstream_task_id), {"task": I64, "upstream": I64})

    def downstream(self, upstreams: Collection[int]) -> pl.DataFrame:
        """(task, upstream) of the stored rows on these upstream tasks."""
        v = task_dependency_view.c
        query = sa.select(v.task_id, v.upstream_task_id).where(among(self._conn, v.upstream_task_id, upstreams))
        return frame(self._conn, query, {"task": I64, "upstream": I64})

    def topology(self, tasks: Ids) -> pl.DataFrame:
        """TOPOLOGY_SCHEMA; `cycle` -1 = in none."""
        t = task_topology.c
        query = sa.select(
            t.task_id, t.level, sa.func.coalesce(t.cycle, -1), t.upstream_task_count, t.downstream_task_count
        )
        if tasks is None:
            return bulk_frame(self._conn, query, TOPOLOGY_SCHEMA)
        return frame(self._conn, query.where(among(self._conn, t.task_id, tasks)), TOPOLOGY_SCHEMA)

    def counts(self, tasks: Collection[int]) -> pl.DataFrame:
        """(task, upstream_count, downstream_count) from the dependency view as it is in this transaction."""
        v = task_dependency_view.c
        parts = []
        for column, name in ((v.task_id, "upstream_count"), (v.upstream_task_id, "downstream_count")):
            query = sa.select(column, sa.func.count()).where(among(self._conn, column, tasks)).group_by(column)
            parts.append(frame(self._conn, query, {"task": I64, name: I64}))
        every = pl.DataFrame({"task": list(tasks)}, schema={"task": I64})
        return every.join(parts[0], on="task", how="left").join(parts[1], on="task", how="left").fill_null(0)

    def save_dependencies(self, gone: pl.DataFrame, came: pl.DataFrame) -> None:
        """Remove the pairs (task, upstream) of `gone`, then add `came`; a changed row is in both."""
        v = task_dependency_view
        delete = sa.delete(v).where(v.c.task_id == sa.bindparam("t"), v.c.upstream_task_id == sa.bindparam("u"))
        run_many(self._conn, delete, [{"t": task, "u": up} for task, up in gone.iter_rows()])
        columns = ("task_id", "upstream_task_id", "kind", "table_read_id", "table_written_id", "chain")
        with self._index_later(came.height):
            insert(self._conn, v, columns, came.sort("task", "upstream").rows())

    @contextmanager
    def _index_later(self, rows: int) -> Iterator[None]:
        """Very many rows into an empty table: sorting an index once is quicker than keeping it sorted."""
        later = (
            rows > _INDEX_LATER_ROWS and self._conn.scalar(sa.select(task_dependency_view.c.task_id).limit(1)) is None
        )
        for index in task_dependency_view.indexes if later else ():
            index.drop(self._conn)
        yield
        for index in task_dependency_view.indexes if later else ():
            index.create(self._conn)

    def save_topology(self, gone: Collection[int], came: pl.DataFrame) -> None:
        """Remove the rows of `gone`, then add `came` (TOPOLOGY_SCHEMA); a changed row is in both."""
        if gone:
            self._conn.execute(sa.delete(task_topology).where(among(self._conn, task_topology.c.task_id, gone)))
        columns = ("task_id", "level", "cycle", "upstream_task_count", "downstream_task_count")
        rows = came.with_columns(pl.col("cycle").replace(-1, None)).sort("task")
        insert(self._conn, task_topology, columns, rows.select(list(TOPOLOGY_SCHEMA)).rows())

    def add_todo(self, step: str, todo: Iterable[Todo]) -> None:
        """A key that waits already keeps its first change; lineage_update wins over other reasons."""
        rows = {one.key: one for one in todo}
        t = derivation_todo
        waiting = self._conn.execute(
            sa.select(t.c.key, t.c.first_seq, t.c.reason).where(t.c.step == step, among(self._conn, t.c.key, rows))
        ).all()
        for key, first_seq, reason in waiting:
            wins = reason if reason == "lineage_update" else rows[key].reason
            rows[key] = Todo(key, min(first_seq, rows[key].first_seq), wins)
        self._conn.execute(sa.delete(t).where(t.c.step == step, among(self._conn, t.c.key, rows)))
        listed = [(step, one.key, one.first_seq, one.reason) for _, one in sorted(rows.items())]
        insert(self._conn, t, ("step", "key", "first_seq", "reason"), listed)

    def waiting(self, step: str) -> int:
        count = sa.select(sa.func.count()).where(derivation_todo.c.step == step)
        return int(self._conn.scalar(count) or 0)

    def take_todo(self, step: str) -> Sequence[Todo]:
        """All that waits for this step, by key; it is removed."""
        t = derivation_todo
        query = sa.select(t.c.key, t.c.first_seq, t.c.reason).where(t.c.step == step).order_by(t.c.key)
        found = [Todo(*row) for row in self._conn.execute(query)]
        self._conn.execute(sa.delete(t).where(t.c.step == step))
        return found
