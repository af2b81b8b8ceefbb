"""Conditions over many values. Apart from `frames`, so that a command that only reads needs no polars."""

from collections.abc import Collection
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql


def among(conn: sa.Connection, column: sa.ColumnElement[Any], values: Collection[Any]) -> sa.ColumnElement[bool]:
    """`column IN values` for any number of values: one bound parameter, whatever the database's limit."""
    if conn.dialect.name == "sqlite":
        each = sa.func.json_each(orjson.dumps(list(values)).decode()).table_valued("value")
        return column.in_(sa.select(each.c.value))
    kind = postgresql.ARRAY(sa.Text if isinstance(column.type, sa.String) else sa.BigInteger)
    return column == sa.any_(sa.cast(list(values), kind))
