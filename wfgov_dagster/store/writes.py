"""Bulk writes. Apart from frames.py, because a command that only reads a version does without its libraries."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

_WRITE_ROWS = 20_000  # rows of one executemany: enough to be quick, few enough to stay small in memory


def insert(conn: sa.Connection, table: sa.Table, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Rows in the order of `columns`, by the driver itself: no dictionary a row, COPY on PostgreSQL."""
    listed = rows if isinstance(rows, list) else list(rows)
    if not listed:
        return
    names = ", ".join(columns)
    if conn.dialect.name == "sqlite":
        marks = ", ".join("?" * len(columns))
        conn.exec_driver_sql(f"INSERT INTO {table.name} ({names}) VALUES ({marks})", listed)
        return
    driver: Any = conn.connection.dbapi_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY {table.name} ({names}) FROM STDIN") as copy:
        for row in listed:
            copy.write_row(row)


def run_many(conn: sa.Connection, statement: sa.Executable, rows: Sequence[Mapping[str, Any]]) -> None:
    """One statement for many parameter sets; nothing for none."""
    for start in range(0, len(rows), _WRITE_ROWS):
        conn.execute(statement, [dict(row) for row in rows[start : start + _WRITE_ROWS]])
