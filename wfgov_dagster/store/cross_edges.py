"""Cross-workflow edges, as people decide about them."""

from collections.abc import Collection, Sequence

import sqlalchemy as sa

from wfgov_dagster.ports.cross_edges import Decision
from wfgov_dagster.ports.queries import CrossWorkflowEdge
from wfgov_dagster.store.among import among
from wfgov_dagster.store.schema.derived import task_dependency_view
from wfgov_dagster.store.schema.given import data_task
from wfgov_dagster.store.schema.workflow import cross_workflow_dependency, data_workflow, workflow_task_relation

_X, _V = cross_workflow_dependency.c, task_dependency_view.c
_FLOW, _UP_FLOW = data_workflow.alias("flow"), data_workflow.alias("up_flow")
_TASK, _UP_TASK = data_task.alias("task"), data_task.alias("up_task")
_ENDS = (_UP_FLOW.c.workflow_code, _UP_TASK.c.task_code, _FLOW.c.workflow_code, _TASK.c.task_code)
_EDGE = (
    sa.select(*_ENDS, _X.state, _X.decided_by, _X.reason)
    .select_from(cross_workflow_dependency)
    .join(_FLOW, _FLOW.c.id == _X.workflow_id)
    .join(_UP_FLOW, _UP_FLOW.c.id == _X.upstream_workflow_id)
    .join(_TASK, _TASK.c.id == _X.task_id)
    .join(_UP_TASK, _UP_TASK.c.id == _X.upstream_task_id)
    .order_by(*_ENDS)
)


class SqlCrossEdges:
    def __init__(self, conn: sa.Connection) -> None:
        self._conn = conn

    def all(self, workflow_code: str | None, state: str | None) -> Sequence[CrossWorkflowEdge]:
        query = _EDGE if state is None else _EDGE.where(_X.state == state)
        if workflow_code is not None:
            ends = (_FLOW.c.workflow_code, _UP_FLOW.c.workflow_code)
            query = query.where(sa.or_(*(end == workflow_code for end in ends)))
        return [CrossWorkflowEdge(*row) for row in self._conn.execute(query)]

    def find(self, upstream_task_code: str, task_code: str) -> CrossWorkflowEdge | None:
        query = _EDGE.where(_UP_TASK.c.task_code == upstream_task_code, _TASK.c.task_code == task_code)
        row = self._conn.execute(query).one_or_none()
        return None if row is None else CrossWorkflowEdge(*row)

    def decide(self, actor: str, decision: Decision) -> bool:
        change = (
            sa.update(cross_workflow_dependency)
            .where(
                _X.task_id == _id(decision.task_code),
                _X.upstream_task_id == _id(decision.upstream_task_code),
                _X.state == decision.before,
            )
            .values(
                state=decision.state,
                decided_by=actor,
                reason=decision.reason,
                decided_at=sa.func.current_timestamp(),
            )
        )
        return bool(self._conn.execute(change).rowcount)

    def followed_by(self, task_codes: Collection[str]) -> Sequence[tuple[str, str]]:
        own, upstream = workflow_task_relation.alias("own"), workflow_task_relation.alias("upstream")
        same_edge = (_X.task_id == _V.task_id) & (_X.upstream_task_id == _V.upstream_task_id)
        query = (
            sa.select(_UP_TASK.c.task_code, _TASK.c.task_code)
            .select_from(task_dependency_view)
            .join(_UP_TASK, _UP_TASK.c.id == _V.upstream_task_id)
            .join(_TASK, _TASK.c.id == _V.task_id)
            .join(own, own.c.task_id == _V.task_id)
            .join(upstream, upstream.c.task_id == _V.upstream_task_id)
            .outerjoin(cross_workflow_dependency, same_edge)
            .where(
                sa.or_(own.c.workflow_id == upstream.c.workflow_id, _X.state == "confirmed"),
                among(self._conn, _UP_TASK.c.task_code, task_codes),
            )
            .order_by(_UP_TASK.c.task_code, _TASK.c.task_code)
        )
        return [(row[0], row[1]) for row in self._conn.execute(query)]


def _id(task_code: str) -> sa.ScalarSelect[int]:
    return sa.select(data_task.c.id).where(data_task.c.task_code == task_code).scalar_subquery()
