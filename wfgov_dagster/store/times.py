"""Comparing times. In SQLite they are text, with six digits of a second or, where the database itself wrote them by
default, without: brought to one length they compare as times do."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

_DIGITS = len("2026-01-02 03:04:05.123456")


def at_or_before(conn: sa.Connection, column: sa.ColumnElement[Any], at: datetime) -> sa.ColumnElement[bool]:
    if conn.dialect.name != "sqlite":
        return column <= at
    return _text(column) <= _written(at)


def before(conn: sa.Connection, column: sa.ColumnElement[Any], at: datetime) -> sa.ColumnElement[bool]:
    if conn.dialect.name != "sqlite":
        return column < at
    return _text(column) < _written(at)


def _text(column: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
    whole = sa.func.substr(sa.type_coerce(column, sa.Text).concat(".000000"), 1, _DIGITS)
    return sa.type_coerce(whole, sa.Text)


def _written(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"
