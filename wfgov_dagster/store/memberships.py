"""Where tasks are, by their codes, and how a person changes that."""

from collections.abc import Collection

import sqlalchemy as sa

from wfgov_dagster.ports.memberships import TaskPlace
from wfgov_dagster.store.among import among
from wfgov_dagster.store.schema.given import data_task, task_workflow_declaration
from wfgov_dagster.store.schema.workflow import data_workflow, workflow_task_relation

_T, _R, _W, _D = data_task.c, workflow_task_relation.c, data_workflow.c, task_workflow_declaration.c
_BY_A_PERSON = "manual_select"


class SqlMemberships:
    def __init__(self, conn: sa.Connection) -> None:
        self._conn = conn

    def places(self, task_codes: Collection[str]) -> dict[str, TaskPlace]:
        query = (
            sa.select(_T.task_code, _T.id, _T.deleted, _W.workflow_code)
            .select_from(data_task)
            .outerjoin(workflow_task_relation, _R.task_id == _T.id)
            .outerjoin(data_workflow, _W.id == _R.workflow_id)
            .where(among(self._conn, _T.task_code, task_codes))
            .order_by(_T.task_code)
        )
        return {row[0]: TaskPlace(row[1], bool(row[2]), row[3]) for row in self._conn.execute(query)}

    def restore(self, actor: str, workflow_id: int, task_ids: Collection[int]) -> None:
        about = {"workflow_id": workflow_id, "workflow_inheritance_mode": _BY_A_PERSON, "placed_by": actor}
        for task in sorted(task_ids):
            self._conn.execute(sa.insert(workflow_task_relation).values(task_id=task, **about))

    def take(self, actor: str, workflow_code: str, task_ids: Collection[int], reason: str) -> None:
        people = sa.and_(among(self._conn, _D.task_id, task_ids), _D.declared_by.not_like("import:%"))
        self._conn.execute(sa.delete(task_workflow_declaration).where(people))
        told = {"workflow_code": workflow_code, "declared_by": actor, "reason": reason}
        for task in sorted(task_ids):
            self._conn.execute(sa.insert(task_workflow_declaration).values(task_id=task, **told))
        there = sa.select(_W.id).where(_W.workflow_code == workflow_code).scalar_subquery()
        moved = sa.update(workflow_task_relation).where(among(self._conn, _R.task_id, task_ids))
        self._conn.execute(
            moved.values(
                workflow_id=there,
                workflow_inheritance_mode=_BY_A_PERSON,
                placed_by=actor,
                updated_at=sa.func.current_timestamp(),
            )
        )
