"""Calls by day: each writer adds to what is there, in one statement, so that none overwrites another's."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from wfgov_dagster.ports.calls import CallRow, Measured
from wfgov_dagster.store.clock import db_now
from wfgov_dagster.store.schema.flow import flow_call

_C = flow_call.c
_ADDED = ("calls", "failures", "seconds")


class SqlCalls:
    def __init__(self, conn: sa.Connection) -> None:
        self._conn = conn

    def add(self, measured: Mapping[str, Measured]) -> None:
        """In one order of verbs: two writers that took them in different ones would wait for each other."""
        today = self._conn.execute(sa.select(db_now())).scalar_one().date()
        insert = sqlite.insert if self._conn.dialect.name == "sqlite" else postgresql.insert
        for verb, one in sorted(measured.items()):
            row = insert(flow_call).values(
                day=today, verb=verb, calls=one.calls, failures=one.failures, seconds=one.seconds
            )
            more = {name: _C[name] + row.excluded[name] for name in _ADDED}
            self._conn.execute(row.on_conflict_do_update(index_elements=["day", "verb"], set_=more))

    def of_days(self, days: int) -> Sequence[CallRow]:
        today = self._conn.execute(sa.select(db_now())).scalar_one().date()
        columns = (_C.day, _C.verb, _C.calls, _C.failures, _C.seconds)
        query = sa.select(*columns).where(_C.day > today - timedelta(days=days)).order_by(_C.day.desc(), _C.verb)
        return [CallRow(*row) for row in self._conn.execute(query)]
