"""What an adoption asks of the metadata, and the rows that only it writes."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

import orjson
import sqlalchemy as sa

from wfgov_dagster.domain.publish import VersionRef
from wfgov_dagster.ports.adoption import NewWorkflow, TaskFacts
from wfgov_dagster.ports.publishing import Deployment
from wfgov_dagster.store.among import among
from wfgov_dagster.store.clock import db_now
from wfgov_dagster.store.schema.given import (
    data_lineage,
    data_table,
    data_task,
    table_task_relation,
    task_workflow_declaration,
)
from wfgov_dagster.store.schema.instances import engine_deployment_version
from wfgov_dagster.store.schema.publish import engine_deployment, workflow_definition_snapshot
from wfgov_dagster.store.schema.workflow import data_workflow, workflow_task_relation, workflow_version

_T, _TAB, _W, _R = data_task.c, data_table.c, data_workflow.c, workflow_task_relation.c
_FULL_NAME = sa.case((_TAB.db_name == "", _TAB.table_name), else_=_TAB.db_name + "." + _TAB.table_name)


class SqlAdoption:
    def __init__(self, conn: sa.Connection) -> None:
        self._conn = conn

    def lock(self) -> None:
        if self._conn.dialect.name != "sqlite":
            self._conn.exec_driver_sql(f"LOCK TABLE {data_workflow.name} IN SHARE ROW EXCLUSIVE MODE")

    def tasks(self, codes: Collection[str], names: Collection[str]) -> Sequence[TaskFacts]:
        either = sa.or_(among(self._conn, _T.task_code, codes), among(self._conn, _T.task_name, names))
        query = sa.select(_T.task_code, _T.task_name, sa.func.coalesce(_T.task_sql, ""))
        rows = self._conn.execute(query.where(_T.deleted == 0, either).order_by(_T.task_code)).all()
        found = [row[0] for row in rows]
        writes, places = self.writes(found), self._places(found)
        return [
            TaskFacts(code, name, text, writes.get(code, frozenset()), places.get(code)) for code, name, text in rows
        ]

    def taken(self, codes: Collection[str]) -> frozenset[str]:
        return frozenset(self._conn.scalars(sa.select(_T.task_code).where(among(self._conn, _T.task_code, codes))))

    def known_tables(self, names: Collection[str]) -> frozenset[str]:
        query = sa.select(_FULL_NAME).where(_TAB.deleted == 0, among(self._conn, _FULL_NAME, names))
        return frozenset(self._conn.scalars(query))

    def reads(self, codes: Collection[str]) -> Mapping[str, frozenset[str]]:
        return self._tables(codes, data_lineage.c.upstream_table_id, "read")

    def writes(self, codes: Collection[str]) -> Mapping[str, frozenset[str]]:
        return self._tables(codes, data_lineage.c.downstream_table_id, "write")

    def create(self, actor: str, workflow: NewWorkflow, task_codes: Collection[str], placed_by: str) -> int:
        row = {
            "workflow_code": workflow.code,
            "workflow_name": workflow.name,
            "description": workflow.description or None,
            "origin": "manual",
            "created_by": actor,
            "updated_by": actor,
        }
        identity = int(self._conn.execute(sa.insert(data_workflow).values(row).returning(_W.id)).scalar_one())
        members = sa.select(sa.literal(identity), _T.id, sa.literal("manual_select"), sa.literal(placed_by)).where(
            among(self._conn, _T.task_code, task_codes)
        )
        columns = ["workflow_id", "task_id", "workflow_inheritance_mode", "placed_by"]
        self._conn.execute(sa.insert(workflow_task_relation).from_select(columns, members.order_by(_T.id)))
        return identity

    def confirm(self, snapshot_id: int, workflow_id: int, engine_id: int, held: Deployment) -> None:
        assert held.version is not None, "an adopted workflow has V1"
        snapshot, flow = workflow_definition_snapshot, data_workflow
        marked = sa.update(snapshot).where(snapshot.c.id == snapshot_id)
        self._conn.execute(marked.values(is_baseline=1, status="published", updated_at=db_now()))
        deployment = {
            "engine_id": engine_id,
            "workflow_id": workflow_id,
            "version_id": held.version.id,
            "content_hash": held.version.content_hash,
            "engine_workflow_code": held.engine_workflow_code,
            "engine_task_codes": orjson.dumps(dict(held.engine_task_codes), option=orjson.OPT_SORT_KEYS).decode(),
            "online": int(held.online),
            "schedule_online": int(held.schedule_online),
        }
        self._conn.execute(sa.insert(engine_deployment).values(confirmed_at=db_now(), **deployment))
        known = {"engine_id": engine_id, "workflow_id": workflow_id, "engine_version": held.engine_version}
        self._conn.execute(
            sa.insert(engine_deployment_version).values(version_id=held.version.id, confirmed_at=db_now(), **known)
        )
        published = {"last_published_version_id": held.version.id, "publish_status": "published"}
        self._conn.execute(sa.update(flow).where(_W.id == workflow_id).values(published))

    def version(self, workflow_id: int) -> VersionRef:
        v = workflow_version.c
        query = sa.select(v.id, v.version_no, v.content_hash).where(v.workflow_id == workflow_id)
        return VersionRef(*self._conn.execute(query.order_by(v.id.desc()).limit(1)).one())

    def _places(self, codes: Collection[str]) -> dict[str, str]:
        """Declared workflows, a person's word first, under those where the tasks are."""
        d = task_workflow_declaration.c
        declared = (
            sa.select(_T.task_code, d.workflow_code)
            .join(data_task, _T.id == d.task_id)
            .where(among(self._conn, _T.task_code, codes))
            .order_by(d.declared_by.like("import:%").desc(), d.declared_by.desc())
        )
        placed = (
            sa.select(_T.task_code, _W.workflow_code)
            .select_from(workflow_task_relation)
            .join(data_task, _T.id == _R.task_id)
            .join(data_workflow, _W.id == _R.workflow_id)
            .where(among(self._conn, _T.task_code, codes))
        )
        return {row[0]: row[1] for query in (declared, placed) for row in self._conn.execute(query)}

    def _tables(self, codes: Collection[str], end: sa.Column[int], relation: str) -> dict[str, frozenset[str]]:
        line, rel = data_lineage.c, table_task_relation.c
        chosen = among(self._conn, _T.task_code, codes)
        of_lineage = (
            sa.select(_T.task_code, _FULL_NAME)
            .select_from(data_lineage)
            .join(data_task, _T.id == line.task_id)
            .join(data_table, _TAB.id == end)
            .where(line.deleted == 0, chosen)
        )
        of_relation = (
            sa.select(_T.task_code, _FULL_NAME)
            .select_from(table_task_relation)
            .join(data_task, _T.id == rel.task_id)
            .join(data_table, _TAB.id == rel.table_id)
            .where(rel.deleted == 0, rel.relation_type == relation, chosen)
        )
        found: defaultdict[str, set[str]] = defaultdict(set)
        for query in (of_lineage, of_relation):
            for code, name in self._conn.execute(query):
                found[code].add(name)
        return {code: frozenset(names) for code, names in found.items()}
