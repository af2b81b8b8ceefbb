"""Which version brought each task and each edge of a version. One query each, on the log of its intervals."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from wfgov_dagster.domain.definition import Edge
from wfgov_dagster.ports.version_history import Blame
from wfgov_dagster.store.intervals import covers
from wfgov_dagster.store.schema.workflow import data_workflow, workflow_edge_log, workflow_task_log, workflow_version

_V, _W, _L, _T = workflow_version.c, data_workflow.c, workflow_edge_log.c, workflow_task_log.c
_TOLD = (_V.created_by, _V.created_at, _V.change_summary, _V.trigger_source)


def blame_tasks(conn: sa.Connection, workflow_code: str, version_no: int, task: str | None) -> list[Blame]:
    """A task that left and came back was brought by the version with which it came back."""
    workflow = sa.select(_W.id).where(_W.workflow_code == workflow_code).scalar_subquery()
    of_it = [_T.workflow_id == workflow] + ([] if task is None else [_T.task_code == task])
    found = _runs(workflow_task_log, ["workflow_id", "task_code"], of_it, version_no)
    rows = _told(conn, workflow_code, found, [found.c.task_code])
    return [Blame("task", row[0], None, None, *row[1:]) for row in rows]


def blame_edges(conn: sa.Connection, workflow_code: str, version_no: int, edge: Edge | None) -> list[Blame]:
    """It changed when one of its tasks did."""
    of_it = [_L.workflow_code == workflow_code]
    if edge is not None:
        of_it += [_L.pre_task_code == edge[0], _L.post_task_code == edge[1]]
    found = _runs(workflow_edge_log, ["workflow_code", "pre_task_code", "post_task_code"], of_it, version_no)
    rows = _told(conn, workflow_code, found, [found.c.pre_task_code, found.c.post_task_code])
    return [Blame("edge", None, row[0], row[1], *row[2:]) for row in rows]


def _runs(log: sa.Table, names: Sequence[str], of_it: list[sa.ColumnElement[bool]], version_no: int) -> sa.Subquery:
    """A log has a row for each version of the tasks: rows that follow one another are one run of the same thing."""
    before, columns = log.alias("before"), [log.c[name] for name in names]
    same = (before.c[name] == log.c[name] for name in names)
    follows = sa.exists().where(*same, before.c.to_version == log.c.from_version - 1)
    return (
        sa.select(
            *columns[1:],
            sa.func.max(sa.case((sa.not_(follows), log.c.from_version))).label("brought"),
            sa.func.max(log.c.from_version).label("changed"),
        )
        .where(*of_it, log.c.from_version <= version_no)
        .group_by(*columns[1:])
        .having(sa.func.max(sa.case((covers(log, version_no), 1), else_=0)) == 1)
        .subquery()
    )


def _told(
    conn: sa.Connection, workflow_code: str, found: sa.Subquery, names: Sequence[sa.ColumnElement[Any]]
) -> list[tuple[Any, ...]]:
    """With person, time, change and trigger of both versions; of one that was thrown away, nothing."""
    own = sa.select(_W.id).where(_W.workflow_code == workflow_code).scalar_subquery()
    brought, changed = workflow_version.alias("brought"), workflow_version.alias("changed")
    query = (
        sa.select(
            *names,
            found.c.brought, *(brought.c[one.name] for one in _TOLD),
            found.c.changed, *(changed.c[one.name] for one in _TOLD),
        )
        .select_from(found)
        .outerjoin(brought, sa.and_(brought.c.workflow_id == own, brought.c.version_no == found.c.brought))
        .outerjoin(changed, sa.and_(changed.c.workflow_id == own, changed.c.version_no == found.c.changed))
        .order_by(*names)
    )  # fmt: skip
    return [tuple(row) for row in conn.execute(query)]
