"""Which version brought each task and each edge of a version. One query each: runs are found by the database."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from wfgov_dagster.domain.definition import Edge
from wfgov_dagster.ports.version_history import Blame
from wfgov_dagster.store.schema.workflow import data_workflow, workflow_edge_log, workflow_version

_V, _W, _L = workflow_version.c, data_workflow.c, workflow_edge_log.c
_TOLD = (_V.created_by, _V.created_at, _V.change_summary, _V.trigger_source)


def blame_tasks(conn: sa.Connection, workflow_code: str, version_no: int, task: str | None) -> list[Blame]:
    """A task that left and came back was brought by the version with which it came back."""
    runs = _with_before(_task_runs(conn, workflow_code, version_no, task))
    new = sa.or_(runs.c.at_before.is_(None), runs.c.at_before != runs.c.at - 1)
    found = (
        sa.select(
            runs.c.code,
            sa.func.max(sa.case((new, runs.c.version_no))).label("brought"),
            sa.func.max(sa.case((sa.or_(new, runs.c.task_before != runs.c.task_version), runs.c.version_no))).label(
                "changed"
            ),
        )
        .group_by(runs.c.code)
        .having(sa.func.max(runs.c.version_no) == version_no)
        .subquery()
    )
    rows = _told(conn, workflow_code, found, [found.c.code])
    return [Blame("task", row[0], None, None, *row[1:]) for row in rows]


def blame_edges(conn: sa.Connection, workflow_code: str, version_no: int, edge: Edge | None) -> list[Blame]:
    """Its log has a row for each pair of task versions: rows that follow one another are one edge. It changed when one
    of its tasks did."""
    before = workflow_edge_log.alias("before")
    follows = sa.exists().where(
        before.c.workflow_code == _L.workflow_code,
        before.c.pre_task_code == _L.pre_task_code,
        before.c.post_task_code == _L.post_task_code,
        before.c.to_version == _L.from_version - 1,
    )
    of_it = [_L.workflow_code == workflow_code, _L.from_version <= version_no]
    if edge is not None:
        of_it += [_L.pre_task_code == edge[0], _L.post_task_code == edge[1]]
    ends = (_L.pre_task_code, _L.post_task_code)
    there = sa.or_(_L.to_version.is_(None), _L.to_version >= version_no)
    found = (
        sa.select(
            *ends,
            sa.func.max(sa.case((sa.not_(follows), _L.from_version))).label("brought"),
            sa.func.max(_L.from_version).label("changed"),
        )
        .where(*of_it)
        .group_by(*ends)
        .having(sa.func.max(sa.case((there, 1), else_=0)) == 1)
        .subquery()
    )
    rows = _told(conn, workflow_code, found, [found.c.pre_task_code, found.c.post_task_code])
    return [Blame("edge", None, row[0], row[1], *row[2:]) for row in rows]


def listed_tasks(conn: sa.Connection, structure: sa.ColumnElement[Any]) -> Any:
    """The pairs (code, version) of a structure snapshot, as rows with the columns `code` and `task_version`."""
    if conn.dialect.name == "sqlite":
        each = sa.func.json_each(structure, "$.tasks").table_valued("value", joins_implicitly=True)
        code, version = sa.func.json_extract(each.c.value, "$[0]"), sa.func.json_extract(each.c.value, "$[1]")
        return each, code, version
    whole = sa.cast(structure, postgresql.JSON)["tasks"]
    each = sa.func.json_array_elements(whole).table_valued(sa.column("value", postgresql.JSON), joins_implicitly=True)
    code = each.c.value[0].astext.collate("C")
    return each, code, sa.cast(each.c.value[1].astext, sa.Integer)


def _task_runs(conn: sa.Connection, workflow_code: str, version_no: int, task: str | None) -> sa.CTE:
    """Every task of every version up to this one. `at`: the version's place among those that are kept."""
    versions = (
        sa.select(_V.version_no, _V.structure_snapshot, sa.func.row_number().over(order_by=_V.version_no).label("at"))
        .join(data_workflow, _W.id == _V.workflow_id)
        .where(_W.workflow_code == workflow_code, _V.version_no <= version_no)
        .cte("versions")
    )
    each, code, version = listed_tasks(conn, versions.c.structure_snapshot)
    query = sa.select(versions.c.version_no, versions.c.at, code.label("code"), version.label("task_version"))
    query = query.select_from(versions.join(each, sa.true()))
    return (query if task is None else query.where(code == task)).cte("tasks")


def _with_before(tasks: sa.CTE) -> sa.Subquery:
    """With where, and in which version, each task was just before."""
    order: dict[str, Any] = {"partition_by": tasks.c.code, "order_by": tasks.c.at}
    at_before = sa.func.lag(tasks.c.at).over(**order).label("at_before")
    task_before = sa.func.lag(tasks.c.task_version).over(**order).label("task_before")
    return sa.select(tasks, at_before, task_before).subquery()


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
