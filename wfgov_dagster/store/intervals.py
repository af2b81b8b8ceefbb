"""Logs that keep what versions consist of: one row per thing and unbroken run of a workflow's versions.

A row covers the versions from `from_version` to `to_version`, both included; NULL = the newest one and those to come.
"""

from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa

from wfgov_dagster.store.among import among
from wfgov_dagster.store.writes import insert, run_many


def covers(log: sa.Table, number: Any) -> sa.ColumnElement[bool]:
    last = log.c.to_version
    return sa.and_(log.c.from_version <= number, sa.or_(last.is_(None), last >= number))


def go_on(
    conn: sa.Connection,
    log: sa.Table,
    fresh: Collection[tuple[Any, ...]],
    numbers: Mapping[Any, int],
    more: Mapping[str, str] | None = None,
) -> None:
    """Add the versions `numbers` (workflow → number) of some workflows, whole.

    `fresh`: what each consists of, in the order of the table's columns, the workflow first. What is not in the new
    version ends with the one before; what is there stays. `more`: columns of rows that begin.
    """
    more = more or {}
    columns = [one for one in log.c if one.name not in {"id", "from_version", "to_version", *more}]
    last = log.c.to_version
    query = sa.select(log.c.id, *columns).where(last.is_(None), among(conn, columns[0], numbers))
    running = {tuple(row[1:]): row[0] for row in conn.execute(query)}
    wanted = set(fresh)
    end = sa.update(log).where(log.c.id == sa.bindparam("i")).values(to_version=sa.bindparam("v"))
    ended = [{"i": row_id, "v": numbers[one[0]] - 1} for one, row_id in running.items() if one not in wanted]
    run_many(conn, end, ended)
    begun = [(*one, numbers[one[0]], *more.values()) for one in sorted(wanted - running.keys())]
    insert(conn, log, (*(one.name for one in columns), "from_version", *more), begun)
