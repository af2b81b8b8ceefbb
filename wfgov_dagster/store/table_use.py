"""Who writes and reads which table, as today's metadata says."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from wfgov_dagster.ports.table_use import TableReader
from wfgov_dagster.store.among import among
from wfgov_dagster.store.schema.given import data_lineage, data_table, data_task, table_task_relation
from wfgov_dagster.store.schema.workflow import data_workflow, workflow_task_relation

_TAB, _LINE, _REL, _T = data_table.c, data_lineage.c, table_task_relation.c, data_task.c
_NAME = sa.case((_TAB.db_name == "", _TAB.table_name), else_=_TAB.db_name + "." + _TAB.table_name)


class SqlTableUse:
    def __init__(self, conn: sa.Connection) -> None:
        self._conn = conn

    def written_by(self, task_codes: Collection[str]) -> Mapping[str, Collection[str]]:
        named = among(self._conn, _T.task_code, task_codes)
        line = sa.and_(_LINE.task_id == _T.id, sa.or_(_LINE.deleted == 0, _T.deleted == 1))
        relation = sa.and_(_REL.task_id == _T.id, sa.or_(_REL.deleted == 0, _T.deleted == 1))
        by_lineage = (
            sa.select(_T.task_code, _NAME)
            .join(data_lineage, line)
            .join(data_table, _TAB.id == _LINE.downstream_table_id)
            .where(named)
        )
        by_relation = (
            sa.select(_T.task_code, _NAME)
            .join(table_task_relation, relation)
            .join(data_table, _TAB.id == _REL.table_id)
            .where(named, _REL.relation_type == "write")
        )
        found: dict[str, set[str]] = {}
        for code, table in self._conn.execute(sa.union(by_lineage, by_relation)):
            found.setdefault(code, set()).add(table)
        return found

    def readers(self, tables: Collection[str]) -> Sequence[TableReader]:
        if not tables:
            return []
        lower = {name.lower() for name in tables}  # databases lower ASCII only: the name as it is finds the others
        alike = sa.or_(among(self._conn, _NAME, tables), among(self._conn, sa.func.lower(_NAME, type_=sa.Text), lower))
        query = sa.select(_TAB.id, _NAME).where(alike)
        origins = {row[0]: row[1] for row in self._conn.execute(query)}  # table or view on it → the table
        found: dict[tuple[str, str], TableReader] = {}
        through_view, fresh = False, dict(origins)
        while fresh:
            for row in self._reading(list(fresh)):
                one = TableReader(fresh[row[0]], row[1], row[2], row[3], row[4], through_view)
                found.setdefault((one.table, one.task_code), one)
            views = self._conn.execute(
                sa.select(_LINE.downstream_table_id, _LINE.upstream_table_id).where(
                    _LINE.task_id.is_(None),
                    _LINE.deleted == 0,
                    among(self._conn, _LINE.upstream_table_id, list(fresh)),
                )
            )
            fresh = {view: fresh[table] for view, table in views if view is not None and view not in origins}
            origins |= fresh
            through_view = True
        return [found[key] for key in sorted(found)]

    def _reading(self, table_ids: Collection[int]) -> Sequence[Sequence[Any]]:
        """(table id, task code, workflow code, node type, text)"""
        told = (_T.task_code, data_workflow.c.workflow_code, sa.func.coalesce(_T.dolphin_node_type, ""),
                sa.func.coalesce(_T.task_sql, ""))  # fmt: skip

        def of(kind: sa.FromClause, table: Any, task: Any, *rest: sa.ColumnElement[bool]) -> sa.Select[Any]:
            joined = (
                kind.join(data_task, sa.and_(_T.id == task, _T.deleted == 0))
                .outerjoin(workflow_task_relation, workflow_task_relation.c.task_id == _T.id)
                .outerjoin(data_workflow, data_workflow.c.id == workflow_task_relation.c.workflow_id)
            )
            return sa.select(table, *told).select_from(joined).where(among(self._conn, table, table_ids), *rest)

        by_lineage = of(data_lineage, _LINE.upstream_table_id, _LINE.task_id, _LINE.deleted == 0)
        reads = (_REL.relation_type == "read", _REL.deleted == 0)
        by_relation = of(table_task_relation, _REL.table_id, _REL.task_id, *reads)
        return self._conn.execute(sa.union(by_lineage, by_relation)).all()
