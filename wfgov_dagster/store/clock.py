"""The database's clock, for whatever several machines compare: theirs differ, the database has one.

In SQLite the text has six digits of a second, as every time that SQLAlchemy writes there: texts of one length compare
as times do. In PostgreSQL it is the moment of the call: a transaction that began earlier may have waited for a lock.
"""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from wfgov_dagster.store.db import Database
from wfgov_dagster.store.schema.types import UtcDateTime


class db_now(FunctionElement[datetime]):  # noqa: N801 - it is used like a function of the database
    """Now; `db_now(-30)` is 30 seconds ago."""

    type = UtcDateTime()
    inherit_cache = True

    def __init__(self, shift_seconds: float = 0.0) -> None:
        super().__init__(sa.literal(float(shift_seconds)))


@compiles(db_now, "sqlite")
def _sqlite(element: db_now, compiler: Any, **options: Any) -> str:
    shift = compiler.process(element.clauses, **options)
    return f"(strftime('%Y-%m-%d %H:%M:%f', 'now', {shift} || ' seconds') || '000')"


@compiles(db_now, "postgresql")
def _postgresql(element: db_now, compiler: Any, **options: Any) -> str:
    shift = compiler.process(element.clauses, **options)
    return f"(clock_timestamp() + {shift} * interval '1 second')"


def read_clock(database: Database) -> datetime:
    """The database's clock, now."""
    with database.read() as conn:
        return conn.execute(sa.select(db_now())).scalar_one()
