"""Conditions over many values. Apart from `frames`, so that a command that only reads needs no polars."""

from collections.abc import Collection
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

# Of json_each. A table-valued function says the same and takes three times as long to compile.
_VALUE: sa.ColumnClause[Any] = sa.column("value")


def among(conn: sa.Connection, column: sa.ColumnElement[Any], values: Collection[Any]) -> sa.ColumnElement[bool]:
    """`column IN values` for any number of values: one bound parameter, whatever the database's limit."""
    if conn.dialect.name == "sqlite":
        each = sa.func.json_each(orjson.dumps(list(values)).decode())
        return column.in_(sa.select(_VALUE).select_from(each))
    kind = postgresql.ARRAY(sa.Text if isinstance(column.type, sa.String) else sa.BigInteger)
    return column == sa.any_(sa.cast(list(values), kind))
