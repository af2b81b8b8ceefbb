"""Importers' rows → the metadata tables, by the ledger `metadata_import`.

Each row has a natural key in its source and a hash of what the source says of it. Equal hash: nothing is written, so
the change feed stays empty. A row that is gone is soft-deleted and keeps its id, so that it can come back as itself.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import orjson
import sqlalchemy as sa

from wfgov_dagster.ports.metadata import ImportBatch, TableRow, TaskRow
from wfgov_dagster.store.among import among
from wfgov_dagster.store.frames import run_many
from wfgov_dagster.store.schema.given import (
    data_lineage,
    data_table,
    data_task,
    metadata_import,
    table_task_relation,
    task_dependency_declaration,
    task_workflow_declaration,
    workflow_settings_declaration,
)

_GONE = ""  # row_hash of a row that its source no longer has
Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Kind:
    """A metadata table. `own`: columns that find a row nobody imported; `soft`: rows are marked, not removed."""

    table: sa.Table
    own: tuple[str, ...] = ()
    soft: bool = True


_TABLES = _Kind(data_table, ("db_name", "table_name"))
_TASKS = _Kind(data_task, ("task_code",))
_LINEAGE = _Kind(data_lineage)
_RELATIONS = _Kind(table_task_relation)
_MEMBERSHIPS = _Kind(task_workflow_declaration, soft=False)
_DEPENDENCIES = _Kind(task_dependency_declaration, soft=False)
_SETTINGS = _Kind(workflow_settings_declaration, ("workflow_code",), soft=False)
_KINDS = (_TABLES, _TASKS, _LINEAGE, _RELATIONS, _MEMBERSHIPS, _DEPENDENCIES, _SETTINGS)


class SqlImports:
    def __init__(self, conn: sa.Connection) -> None:
        self._conn = conn

    def task_owners(self, codes: Collection[str]) -> dict[str, str]:
        ledger = metadata_import.c
        query = (
            sa.select(data_task.c.task_code, ledger.source)
            .join(metadata_import, sa.and_(ledger.row_id == data_task.c.id, ledger.table_name == "data_task"))
            .where(ledger.row_hash != _GONE, among(self._conn, data_task.c.task_code, codes))
        )
        return {row[0]: row[1] for row in self._conn.execute(query)}

    def merge(self, source: str, batch: ImportBatch, *, without: Collection[str]) -> dict[str, tuple[int, int, int]]:
        self._lock()
        merging = _Merging(self._conn, source)
        tasks = [task for task in batch.tasks if task.code not in without]
        unlisted = merging.rows(_TABLES, {row.name: _table(row) for row in batch.tables}, removing=False)
        merging.rows(_TASKS, {row.code: _task(row) for row in tasks})
        table, task = merging.ids(_TABLES, _full_name()), merging.ids(_TASKS, data_task.c.task_code)
        merging.rows(
            _LINEAGE,
            {
                _key(row.task_code, row.upstream, row.downstream): {
                    "task_id": None if row.task_code is None else task[row.task_code],
                    "upstream_table_id": None if row.upstream is None else table[row.upstream],
                    "downstream_table_id": None if row.downstream is None else table[row.downstream],
                }
                for row in batch.lineage
                if row.task_code not in without
            },
        )
        merging.rows(
            _RELATIONS,
            {
                _key(row.task_code, row.table, row.relation): {
                    "table_id": table[row.table],
                    "task_id": task[row.task_code],
                    "relation_type": row.relation,
                }
                for row in batch.relations
                if row.task_code not in without
            },
        )
        self._declarations(merging, batch, task, without)
        merging.remove(_TABLES, {key: table_id for key, table_id in unlisted.items() if table_id not in self._used()})
        return merging.counted

    def _lock(self) -> None:
        """One import at a time, and nobody else's rows between ours: new ids are told by their order."""
        if self._conn.dialect.name != "sqlite":
            names = ", ".join(kind.table.name for kind in _KINDS)
            self._conn.exec_driver_sql(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE")

    def _used(self) -> set[int]:
        """Tables that lineage still names, whoever brought it: they stay."""
        line, rel = data_lineage.c, table_task_relation.c
        ends = (
            sa.select(line.upstream_table_id).where(line.deleted == 0, line.upstream_table_id.is_not(None)),
            sa.select(line.downstream_table_id).where(line.deleted == 0, line.downstream_table_id.is_not(None)),
            sa.select(rel.table_id).where(rel.deleted == 0),
        )
        return set(self._conn.scalars(sa.union(*ends)))

    def _declarations(
        self, merging: "_Merging", batch: ImportBatch, task: Mapping[str, int], without: Collection[str]
    ) -> None:
        by = f"import:{merging.source}"
        merging.rows(
            _MEMBERSHIPS,
            {
                row.task_code: {
                    "task_id": task[row.task_code],
                    "workflow_code": row.workflow_code,
                    "declared_by": by,
                }
                for row in batch.memberships
                if row.task_code not in without
            },
        )
        merging.rows(
            _DEPENDENCIES,
            {
                _key(row.task_code, row.upstream_code): {
                    "task_id": task[row.task_code],
                    "upstream_task_id": task[row.upstream_code],
                    "reason": row.reason,
                    "declared_by": by,
                }
                for row in batch.dependencies
                if row.task_code not in without and row.upstream_code in task
            },
        )
        merging.rows(
            _SETTINGS,
            {
                row.workflow_code: {
                    "workflow_code": row.workflow_code,
                    "workflow_name": row.name,
                    "description": row.description,
                    "schedule_cron": row.schedule_cron,
                    "time_zone": row.time_zone,
                    "declared_by": by,
                }
                for row in batch.workflows
            },
        )


class _Merging:
    """One import. Rows that others brought are found by their own columns and are used, not changed."""

    def __init__(self, conn: sa.Connection, source: str) -> None:
        self._conn = conn
        self.source = source
        self.counted: dict[str, tuple[int, int, int]] = {}

    def ids(self, kind: _Kind, name: sa.ColumnElement[str]) -> dict[str, int]:
        query = sa.select(name, kind.table.c.id)
        return {row[0]: row[1] for row in self._conn.execute(query)}

    def rows(self, kind: _Kind, wanted: Mapping[str, Values], *, removing: bool = True) -> dict[str, int]:
        """Make the source's rows of this table be `wanted` (natural key → columns).

        Returns the rows (natural key → id) that it has no longer; without `removing` they are still there.
        """
        ledger = self._ledger(kind)
        hashes = {key: _hash(values) for key, values in wanted.items()}
        new = [key for key in wanted if key not in ledger]
        strangers = self._strangers(kind, [wanted[key] for key in new])
        added = [key for key in new if _own(kind, wanted[key]) not in strangers]
        changed = [key for key, old in ledger.items() if key in wanted and old[1] != hashes[key]]
        unlisted = {key: old[0] for key, old in ledger.items() if key not in wanted and old[1] != _GONE}
        self._insert(kind, {key: wanted[key] for key in added}, hashes)
        self._update(kind, {ledger[key][0]: wanted[key] for key in changed})
        self._note(kind, {key: hashes[key] for key in changed})
        back = sum(1 for key in changed if ledger[key][1] == _GONE)
        self.counted[kind.table.name] = (len(added) + back, len(changed) - back, 0)
        if removing:
            self.remove(kind, unlisted)
        return unlisted

    def remove(self, kind: _Kind, rows: Mapping[str, int]) -> None:
        """Rows (natural key → id) that the source has no longer."""
        self._remove(kind, list(rows.values()))
        if kind.soft:
            self._note(kind, dict.fromkeys(rows, _GONE))
        else:
            self._forget(kind, list(rows.values()))
        added, changed, _ = self.counted[kind.table.name]
        self.counted[kind.table.name] = (added, changed, len(rows))

    def _ledger(self, kind: _Kind) -> dict[str, tuple[int, str]]:
        """Natural key → id and hash of the row; what somebody else deleted counts as gone, or is forgotten for good."""
        ledger, table = metadata_import.c, kind.table.c
        deleted = table.deleted if kind.soft else sa.literal_column("0")
        query = (
            sa.select(ledger.natural_key, ledger.row_id, ledger.row_hash, table.id, deleted)
            .select_from(metadata_import)
            .outerjoin(kind.table, table.id == ledger.row_id)
            .where(self._mine(kind))
        )
        found = self._conn.execute(query).all()
        self._forget(kind, [row[1] for row in found if row[3] is None])
        return {row[0]: (row[1], _GONE if row[4] else row[2]) for row in found if row[3] is not None}

    def _strangers(self, kind: _Kind, rows: Iterable[Values]) -> set[tuple[Any, ...]]:
        """Rows that are there although this source did not bring them."""
        if not kind.own:
            return set()
        columns = [kind.table.c[name] for name in kind.own]
        wanted = {row[kind.own[-1]] for row in rows}
        query = sa.select(*columns).where(among(self._conn, columns[-1], wanted))
        return {tuple(row) for row in self._conn.execute(query)}

    def _insert(self, kind: _Kind, rows: Mapping[str, Values], hashes: Mapping[str, str]) -> None:
        highest = sa.select(sa.func.coalesce(sa.func.max(kind.table.c.id), 0))
        before = int(self._conn.scalar(highest) or 0)
        run_many(self._conn, sa.insert(kind.table), list(rows.values()))
        query = sa.select(kind.table.c.id).where(kind.table.c.id > before).order_by(kind.table.c.id)
        ids = list(self._conn.scalars(query))
        run_many(
            self._conn,
            sa.insert(metadata_import),
            [
                {
                    "source": self.source,
                    "table_name": kind.table.name,
                    "row_id": row_id,
                    "natural_key": key,
                    "row_hash": hashes[key],
                }
                for row_id, key in zip(ids, rows, strict=True)
            ],
        )

    def _update(self, kind: _Kind, rows: Mapping[int, Values]) -> None:
        if not rows:
            return
        names = list(next(iter(rows.values())))
        extra = {"deleted": 0, "updated_at": sa.func.current_timestamp()} if kind.soft else {}
        statement = (
            sa.update(kind.table)
            .where(kind.table.c.id == sa.bindparam("row"))
            .values({name: sa.bindparam(f"v_{name}") for name in names} | extra)
        )
        run_many(
            self._conn,
            statement,
            [{"row": row, **{f"v_{name}": values[name] for name in names}} for row, values in rows.items()],
        )

    def _remove(self, kind: _Kind, ids: Collection[int]) -> None:
        if not ids:
            return
        chosen = among(self._conn, kind.table.c.id, ids)
        if kind.soft:
            mark = sa.update(kind.table).where(chosen, kind.table.c.deleted == 0)
            self._conn.execute(mark.values(deleted=1, updated_at=sa.func.current_timestamp()))
        else:
            self._conn.execute(sa.delete(kind.table).where(chosen))

    def _note(self, kind: _Kind, hashes: Mapping[str, str]) -> None:
        ledger = metadata_import.c
        mine = sa.and_(self._mine(kind), ledger.natural_key == sa.bindparam("k"))
        update = sa.update(metadata_import).where(mine).values(row_hash=sa.bindparam("h"))
        run_many(self._conn, update, [{"k": key, "h": row_hash} for key, row_hash in hashes.items()])

    def _forget(self, kind: _Kind, ids: Collection[int]) -> None:
        if ids:
            chosen = among(self._conn, metadata_import.c.row_id, ids)
            self._conn.execute(sa.delete(metadata_import).where(self._mine(kind), chosen))

    def _mine(self, kind: _Kind) -> sa.ColumnElement[bool]:
        ledger = metadata_import.c
        return sa.and_(ledger.source == self.source, ledger.table_name == kind.table.name)


def _own(kind: _Kind, row: Values) -> tuple[Any, ...]:
    return tuple(row[name] for name in kind.own)


def _key(*parts: str | None) -> str:
    return orjson.dumps(parts).decode()


def _hash(values: Values) -> str:
    return hashlib.sha256(orjson.dumps(values, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _full_name() -> sa.ColumnElement[str]:
    t = data_table.c
    return sa.case((t.db_name == "", t.table_name), else_=t.db_name + "." + t.table_name)


def _table(row: TableRow) -> Values:
    """The name is split at its last dot."""
    db_name, _, table_name = row.name.rpartition(".")
    rest = {field.name: getattr(row, field.name) for field in fields(row) if field.name != "name"}
    return {"db_name": db_name, "table_name": table_name, **rest}


def _task(row: TaskRow) -> Values:
    return {
        "task_code": row.code,
        "task_name": row.name,
        "task_type": row.task_type,
        "dolphin_node_type": row.node_type,
        "task_sql": row.text,
        "task_desc": row.description,
        "datasource_name": row.datasource,
        "datasource_type": row.datasource_type,
        "schedule_cron": row.schedule_cron,
        "priority": row.priority,
        "timeout_seconds": row.timeout_seconds,
        "retry_times": row.retry_times,
        "retry_interval": row.retry_interval,
        "owner": row.owner,
    }
