"""When an engine may be written to again: one row an engine, taken by one statement."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from wfgov_dagster.store.clock import db_now
from wfgov_dagster.store.schema.change_set import engine_pace

_P = engine_pace.c


class SqlPaces:
    def __init__(self, conn: sa.Connection) -> None:
        self._conn = conn

    def take(self, engine_id: int, writes_per_second: float) -> float:
        next_one = db_now(1.0 / writes_per_second)
        insert = sqlite.insert if self._conn.dialect.name == "sqlite" else postgresql.insert
        taken = (
            insert(engine_pace)
            .values(engine_id=engine_id, free_at=next_one)
            .on_conflict_do_update(
                index_elements=["engine_id"], set_={"free_at": next_one}, where=_P.free_at <= db_now()
            )
            .returning(_P.engine_id)
        )
        if self._conn.execute(taken).first() is not None:
            return 0.0
        free_at, now = self._conn.execute(sa.select(_P.free_at, db_now()).where(_P.engine_id == engine_id)).one()
        return max(0.001, float((free_at - now).total_seconds()))
