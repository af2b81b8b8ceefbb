"""What Dagster shows: governed tables, current definitions and versions."""

from collections.abc import Collection, Mapping, Sequence

import sqlalchemy as sa

from wfgov_dagster.ports.catalogue import CurrentDefinition, GovernedTable, Revision
from wfgov_dagster.store.among import among
from wfgov_dagster.store.schema.derived import derivation_batch
from wfgov_dagster.store.schema.given import data_lineage, data_table, data_task, table_task_relation
from wfgov_dagster.store.schema.workflow import data_workflow, workflow_version

_TAB, _LINE, _REL, _T = data_table.c, data_lineage.c, table_task_relation.c, data_task.c
_W, _VER = data_workflow.c, workflow_version.c


class SqlCatalogue:
    def __init__(self, conn: sa.Connection) -> None:
        self._conn = conn

    def revision(self) -> Revision:
        numbers = (
            sa.select(sa.func.max(derivation_batch.c.id)),
            sa.select(sa.func.max(_VER.id)),
            sa.select(sa.func.count()).select_from(data_workflow),
        )
        row = self._conn.execute(sa.select(*(number.scalar_subquery() for number in numbers))).one()
        return Revision(*(number or 0 for number in row))

    def current(self) -> Sequence[CurrentDefinition]:
        columns = (_W.workflow_code, _W.definition_hash, _W.definition_error, _VER.version_no, _VER.content_hash)
        query = sa.select(*columns).select_from(data_workflow)
        query = query.outerjoin(workflow_version, _VER.id == _W.current_version_id).order_by(_W.workflow_code)
        return [CurrentDefinition(*row) for row in self._conn.execute(query)]

    def change_summaries(self, workflow_codes: Collection[str]) -> Mapping[str, str]:
        query = sa.select(_W.workflow_code, _VER.change_summary).join(
            workflow_version, _VER.id == _W.current_version_id
        )
        rows = self._conn.execute(query.where(among(self._conn, _W.workflow_code, workflow_codes)))
        return {row[0]: row[1] for row in rows}

    def tables(self, limit: int) -> Sequence[GovernedTable]:
        made = sa.or_(
            sa.exists().where(_LINE.downstream_table_id == _TAB.id, _LINE.deleted == 0),
            sa.exists().where(_REL.table_id == _TAB.id, _REL.relation_type == "write", _REL.deleted == 0),
        )
        texts = (_TAB.layer, _TAB.business_domain, _TAB.owner, _TAB.table_type)
        query = (
            sa.select(_TAB.id, _TAB.db_name, _TAB.table_name, *(sa.func.coalesce(text, "") for text in texts))
            .where(_TAB.deleted == 0)
            .order_by(sa.case((made, 0), else_=1), _TAB.db_name, _TAB.table_name)
            .limit(limit)
        )
        return [GovernedTable(*row) for row in self._conn.execute(query)]

    def count(self) -> int:
        return int(self._conn.scalar(sa.select(sa.func.count()).where(_TAB.deleted == 0)) or 0)

    def written_by(self, task_codes: Collection[str]) -> Sequence[tuple[str, str]]:
        named = among(self._conn, _T.task_code, task_codes)
        name = (_TAB.db_name, _TAB.table_name)
        by_lineage = (
            sa.select(*name)
            .join(data_lineage, sa.and_(_LINE.downstream_table_id == _TAB.id, _LINE.deleted == 0))
            .join(data_task, _T.id == _LINE.task_id)
            .where(named)
        )
        writes = sa.and_(_REL.table_id == _TAB.id, _REL.relation_type == "write", _REL.deleted == 0)
        by_relation = (
            sa.select(*name)
            .join(table_task_relation, writes)
            .join(data_task, _T.id == _REL.task_id)
            .where(named)
        )  # fmt: skip
        return sorted((row[0], row[1]) for row in self._conn.execute(sa.union(by_lineage, by_relation)))
