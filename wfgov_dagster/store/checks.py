"""Queries that look for contradictions between the derived tables; each counts in the database."""

from typing import Any

import sqlalchemy as sa

from wfgov_dagster.ports.checks import Offences
from wfgov_dagster.store.among import among
from wfgov_dagster.store.schema.derived import task_dependency_view, task_topology
from wfgov_dagster.store.schema.given import data_task
from wfgov_dagster.store.schema.workflow import cross_workflow_dependency, data_workflow, workflow_task_relation

_T = data_task.c
_R = workflow_task_relation.c
_V = task_dependency_view.c
_X = cross_workflow_dependency.c


class SqlChecks:
    def __init__(self, conn: sa.Connection) -> None:
        self._conn = conn

    def cycles(self, limit: int) -> Offences:
        cycle = task_topology.c.cycle
        every = sa.select(cycle, sa.func.count().label("tasks")).where(cycle.is_not(None)).group_by(cycle)
        chosen = {row.cycle: row.tasks for row in self._conn.execute(every.order_by(cycle).limit(limit))}
        named = (
            sa.select(cycle, _T.task_code)
            .join(data_task, _T.id == task_topology.c.task_id)
            .where(among(self._conn, cycle, chosen))
            .order_by(_T.task_code)
        )
        members: dict[int, list[str]] = {}
        for one, code in self._conn.execute(named):
            members.setdefault(one, []).append(code)
        rows = [{"tasks": size, "task_codes": ", ".join(members[one])} for one, size in chosen.items()]
        return Offences(self._count(every), rows)

    def memberships(self, limit: int) -> Offences:
        workflows = sa.func.count(_R.id)
        query = (
            sa.select(_T.task_code, workflows.label("workflows"))
            .select_from(task_topology)
            .join(data_task, _T.id == task_topology.c.task_id)
            .outerjoin(workflow_task_relation, _R.task_id == task_topology.c.task_id)
            .group_by(_T.task_code)
            .having(workflows != 1)
        )
        return self._offences(query, limit)

    def counts(self, limit: int) -> Offences:
        number = sa.func.count().label("number")
        up = sa.select(_V.task_id, number).group_by(_V.task_id).subquery()
        down = sa.select(_V.upstream_task_id, number).group_by(_V.upstream_task_id).subquery()
        upstream, downstream = sa.func.coalesce(up.c.number, 0), sa.func.coalesce(down.c.number, 0)
        query = (
            sa.select(
                _T.task_code,
                _R.upstream_task_count,
                upstream.label("upstream_in_view"),
                _R.downstream_task_count,
                downstream.label("downstream_in_view"),
            )
            .select_from(workflow_task_relation)
            .join(data_task, _T.id == _R.task_id)
            .outerjoin(up, up.c.task_id == _R.task_id)
            .outerjoin(down, down.c.upstream_task_id == _R.task_id)
            .where(sa.or_(_R.upstream_task_count != upstream, _R.downstream_task_count != downstream))
        )
        return self._offences(query, limit)

    def unconfirmed(self, limit: int) -> Offences:
        workflow, up_workflow = data_workflow.alias("workflow"), data_workflow.alias("up_workflow")
        up_task = data_task.alias("up_task")
        query = (
            sa.select(
                up_workflow.c.workflow_code.label("upstream_workflow"),
                up_task.c.task_code.label("upstream_task"),
                workflow.c.workflow_code.label("workflow"),
                _T.task_code.label("task"),
            )
            .select_from(cross_workflow_dependency)
            .join(workflow, workflow.c.id == _X.workflow_id)
            .join(up_workflow, up_workflow.c.id == _X.upstream_workflow_id)
            .join(data_task, _T.id == _X.task_id)
            .join(up_task, up_task.c.id == _X.upstream_task_id)
            .where(_X.state == "unconfirmed")
        )
        return self._offences(query, limit)

    def _offences(self, query: sa.Select[Any], limit: int) -> Offences:
        rows = self._conn.execute(query.order_by(*query.selected_columns).limit(limit)).mappings()
        return Offences(self._count(query), [dict(row) for row in rows])

    def _count(self, query: sa.Select[Any]) -> int:
        return int(self._conn.scalar(sa.select(sa.func.count()).select_from(query.subquery())) or 0)
