"""Rows of the database as columns: bulk reads."""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import orjson
import polars as pl
import sqlalchemy as sa

from wfgov_dagster.store.among import among

Schema = Mapping[str, pl.DataType | type[pl.DataType]]
_MANY = 2_000  # ids from which whole columns are quicker than rows


def frame(conn: sa.Connection, query: sa.Select[Any], schema: Schema) -> pl.DataFrame:
    """The rows of a query as columns, in its own column order."""
    return pl.DataFrame(conn.execute(query).fetchall(), schema=dict(schema), orient="row")


def chosen(
    conn: sa.Connection,
    query: sa.Select[Any],
    ids: tuple[sa.ColumnElement[Any], Collection[int] | None],
    schema: Schema,
) -> pl.DataFrame:
    """The rows whose column is one of the ids, with None all rows. No column may be NULL."""
    column, wanted = ids
    if wanted is None:
        return bulk_frame(conn, query, schema)
    narrowed = query.where(among(conn, column, wanted))
    return (bulk_frame if len(wanted) > _MANY and conn.dialect.name == "sqlite" else frame)(conn, narrowed, schema)


def bulk_frame(conn: sa.Connection, query: sa.Select[Any], schema: Schema) -> pl.DataFrame:
    """As `frame`, for very many rows, whole columns at a time; no column may be NULL (coalesce it).

    SQLite: one aggregate a column, because a tuple a row costs more than reading it. A second library that reads the
    file (ADBC has its own SQLite) is no way: closing its descriptor drops the locks of this process.
    PostgreSQL: COPY.
    """
    text = str(query.compile(dialect=conn.dialect, compile_kwargs={"literal_binds": True}))
    if conn.dialect.name != "sqlite":
        return _copied(conn, text, schema)
    found = _gathered(conn, text, schema)
    return frame(conn, query, schema) if found is None else found


def _gathered(conn: sa.Connection, text: str, schema: Schema) -> pl.DataFrame | None:
    """All aggregates of one pass see the rows in the same order. None: more text than SQLite puts into one value."""
    names = [f"c{at}" for at in range(len(schema))]
    aggregates = (
        f"{'group_concat' if type_ == pl.Int64 else 'json_group_array'}({name})"
        for name, type_ in zip(names, schema.values(), strict=True)
    )
    gathering = f"WITH q({', '.join(names)}) AS ({text}) SELECT count(*), {', '.join(aggregates)} FROM q"
    try:
        row = conn.exec_driver_sql(gathering).one()
    except sa.exc.DBAPIError as exc:
        if "too big" not in str(exc.orig):
            raise
        return None
    if row[0] == 0:
        return pl.DataFrame(schema=dict(schema))
    return pl.DataFrame(
        [
            pl.Series(name, _column(text, type_), dtype=type_)
            for (name, type_), text in zip(schema.items(), row[1:], strict=True)
        ]
    )


def _column(text: str, type_: pl.DataType | type[pl.DataType]) -> Any:
    return np.fromstring(text, dtype=np.int64, sep=",") if type_ == pl.Int64 else orjson.loads(text)


def _copied(conn: sa.Connection, text: str, schema: Schema) -> pl.DataFrame:
    driver: Any = conn.connection.dbapi_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY ({text}) TO STDOUT (FORMAT csv)") as copy:
        content = b"".join(copy)
    if not content:
        return pl.DataFrame(schema=dict(schema))
    found = pl.read_csv(content, has_header=False, schema=dict(schema), quote_char='"')
    return found.with_columns(pl.col(pl.String).fill_null(""))
