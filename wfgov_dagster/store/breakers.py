"""Breakers: engines that do not answer are left alone for a while, by everybody."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from wfgov_dagster.store.clock import db_now
from wfgov_dagster.store.prepared import prepared
from wfgov_dagster.store.schema.publish import engine_breaker

_B = engine_breaker.c


class SqlBreakers:
    def __init__(self, conn: sa.Connection) -> None:
        self._conn = conn

    def rest(self, engine_id: int, prober: str, probing_seconds: float) -> float:
        _, closed_for = self.state(engine_id)
        if closed_for is None:
            return 0.0
        if closed_for > 0:
            return closed_for
        free = sa.or_(_B.prober.is_(None), _B.prober == prober, _B.probing_until <= db_now())
        probed = (
            sa.update(engine_breaker)
            .where(_B.engine_id == engine_id, _B.open_until <= db_now(), free)
            .values(prober=prober, probing_until=db_now(probing_seconds))
        )
        if self._conn.execute(probed).rowcount:
            return 0.0
        return max(0.1, self._left(engine_id, _B.probing_until) or 0.0)

    def failed(self, engine_id: int, threshold: int, rest_seconds: float) -> None:
        insert = sqlite.insert if self._conn.dialect.name == "sqlite" else postgresql.insert
        opens = sa.case((_B.failures + 1 >= threshold, db_now(rest_seconds)), else_=sa.null())
        first = db_now(rest_seconds) if threshold <= 1 else sa.null()
        counted = insert(engine_breaker).values(engine_id=engine_id, failures=1, open_until=first)
        again = {"failures": _B.failures + 1, "open_until": opens, "prober": None, "probing_until": None}
        self._conn.execute(counted.on_conflict_do_update(index_elements=["engine_id"], set_=again))

    def answered(self, engine_id: int) -> None:
        self._conn.execute(*_answered(engine_id))

    def state(self, engine_id: int) -> tuple[int, float | None]:
        row = self._conn.execute(*_state(engine_id)).one_or_none()
        return (0, None) if row is None else (row[0], _seconds(row[1], row[2]))

    def _left(self, engine_id: int, column: sa.Column[Any]) -> float | None:
        row = self._conn.execute(sa.select(column, db_now()).where(_B.engine_id == engine_id)).one_or_none()
        return None if row is None else _seconds(row[0], row[1])


def _seconds(until: datetime | None, now: datetime) -> float | None:
    return None if until is None else max(0.0, (until - now).total_seconds())


@prepared
def _state(engine_id: int) -> sa.Executable:
    return sa.select(_B.failures, _B.open_until, db_now()).where(_B.engine_id == engine_id)


@prepared
def _answered(engine_id: int) -> sa.Executable:
    closed = {"failures": 0, "open_until": None, "prober": None, "probing_until": None}
    return sa.update(engine_breaker).where(_B.engine_id == engine_id, _B.failures > 0).values(closed)
