"""Importers' rows → the metadata tables: what a row of each kind becomes, and in which order they are merged."""

from collections.abc import Collection, Mapping
from dataclasses import fields

import orjson
import sqlalchemy as sa

from wfgov_dagster.ports.metadata import ImportBatch, TableRow, TaskRow
from wfgov_dagster.store.among import among
from wfgov_dagster.store.import_ledger import GONE, Kind, Merging, Values
from wfgov_dagster.store.schema.given import (
    data_lineage,
    data_table,
    data_task,
    metadata_import,
    table_task_relation,
    task_dependency_declaration,
    task_node_declaration,
    task_workflow_declaration,
    workflow_settings_declaration,
)

_TABLES = Kind(data_table, ("db_name", "table_name"))
_TASKS = Kind(data_task, ("task_code",))
_LINEAGE = Kind(data_lineage)
_RELATIONS = Kind(table_task_relation)
_MEMBERSHIPS = Kind(task_workflow_declaration, soft=False)
_DEPENDENCIES = Kind(task_dependency_declaration, soft=False)
_SETTINGS = Kind(workflow_settings_declaration, ("workflow_code",), soft=False)
_NODES = Kind(task_node_declaration, ("task_id",), soft=False)
_KINDS = (_TABLES, _TASKS, _LINEAGE, _RELATIONS, _MEMBERSHIPS, _DEPENDENCIES, _SETTINGS, _NODES)


class SqlImports:
    def __init__(self, conn: sa.Connection) -> None:
        self._conn = conn

    def task_owners(self, codes: Collection[str]) -> dict[str, str]:
        ledger = metadata_import.c
        query = (
            sa.select(data_task.c.task_code, ledger.source)
            .join(metadata_import, sa.and_(ledger.row_id == data_task.c.id, ledger.table_name == "data_task"))
            .where(ledger.row_hash != GONE, among(self._conn, data_task.c.task_code, codes))
        )
        return {row[0]: row[1] for row in self._conn.execute(query)}

    def merge(
        self, source: str, batch: ImportBatch, *, without: Collection[str], removing: bool = True
    ) -> dict[str, tuple[int, int, int]]:
        self._lock()
        merging = Merging(self._conn, source, removing=removing)
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
        used = self._used() if removing else set(unlisted.values())
        merging.remove(_TABLES, {key: table_id for key, table_id in unlisted.items() if table_id not in used})
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
        self, merging: Merging, batch: ImportBatch, task: Mapping[str, int], without: Collection[str]
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
                    "settings": row.settings,
                    "declared_by": by,
                }
                for row in batch.workflows
            },
        )
        merging.rows(
            _NODES,
            {
                row.task_code: {"task_id": task[row.task_code], "spec": row.spec, "declared_by": by}
                for row in batch.nodes
                if row.task_code not in without
            },
        )


def _key(*parts: str | None) -> str:
    return orjson.dumps(parts).decode()


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
