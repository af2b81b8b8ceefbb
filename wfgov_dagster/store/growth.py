"""How large what is kept of versions is, and by the month in which it was made."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from wfgov_dagster.domain.retention import Month
from wfgov_dagster.ports.retention import Size
from wfgov_dagster.store.schema.types import UtcDateTime
from wfgov_dagster.store.schema.workflow import (
    canonical_document,
    data_workflow,
    task_definition_log,
    workflow_edge_log,
    workflow_task_log,
    workflow_version,
)

_NUMBER_BYTES = 8
_W, _V, _L, _G = data_workflow.c, workflow_version.c, task_definition_log.c, workflow_edge_log.c
_M = workflow_task_log.c


def bytes_of(conn: sa.Connection, table: sa.Table) -> sa.ColumnElement[int]:
    """Of one row's content: octets of its texts, eight for every other value."""
    texts = [column for column in table.c if isinstance(column.type, sa.String)]
    others = (len(table.c) - len(texts)) * _NUMBER_BYTES
    size: sa.ColumnElement[Any] = sa.literal(others)
    for column in texts:
        octets = sa.func.length(sa.cast(column, sa.LargeBinary)) if _is_sqlite(conn) else sa.func.octet_length(column)
        size += sa.func.coalesce(octets, 0)
    return size


def sizes(conn: sa.Connection) -> Mapping[str, Size]:
    """An edge, or a member, is of the month of the version that brought it, a text of that of the first task definition
    with it; what nothing names any more counts in the totals alone."""
    brought = workflow_edge_log.join(data_workflow, _W.workflow_code == _G.workflow_code).join(
        workflow_version, (_V.workflow_id == _W.id) & (_V.version_no == _G.from_version)
    )
    joined = workflow_task_log.join(
        workflow_version, (_V.workflow_id == _M.workflow_id) & (_V.version_no == _M.from_version)
    )
    body = canonical_document.c
    first = sa.select(_L.body_hash, sa.func.min(_L.operated_at).label("at")).group_by(_L.body_hash).subquery()
    there = _V.removed_at.is_(None)
    return {
        "versions": _size(conn, workflow_version, sa.select(_V.created_at, workflow_version).where(there), there),
        "members": _size(conn, workflow_task_log, sa.select(_V.created_at, workflow_task_log).select_from(joined)),
        "tasks": _size(conn, task_definition_log, sa.select(_L.operated_at, task_definition_log)),
        "edges": _size(conn, workflow_edge_log, sa.select(_V.created_at, workflow_edge_log).select_from(brought)),
        "bodies": _size(
            conn,
            canonical_document,
            sa.select(first.c.at, canonical_document).join(first, first.c.body_hash == body.hash),
        ),
    }


def _size(conn: sa.Connection, table: sa.Table, dated: sa.Select[Any], which: Any = None) -> Size:
    size = bytes_of(conn, table)
    counted = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(size), 0)).select_from(table)
    rows, total = conn.execute(counted if which is None else counted.where(which)).one()
    month = _month(conn, dated.selected_columns[0])
    by_month = dated.with_only_columns(month, sa.func.count(), sa.func.sum(size), maintain_column_froms=True)
    found = conn.execute(by_month.group_by(month).order_by(month))
    return Size(int(rows), int(total), [Month(name, int(count), int(octets)) for name, count, octets in found])


def _month(conn: sa.Connection, at: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
    if _is_sqlite(conn):
        return sa.func.substr(sa.cast(at, sa.String), 1, 7)
    return sa.func.to_char(sa.func.timezone("UTC", sa.cast(at, UtcDateTime)), "YYYY-MM")


def _is_sqlite(conn: sa.Connection) -> bool:
    return conn.dialect.name == "sqlite"
