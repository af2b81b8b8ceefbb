"""Pins, in columns of data_workflow."""

from collections.abc import Collection, Mapping

import sqlalchemy as sa

from wfgov_dagster.ports.pins import Pin
from wfgov_dagster.store.among import among
from wfgov_dagster.store.clock import db_now
from wfgov_dagster.store.schema.workflow import data_workflow

_W = data_workflow.c
_PINNED = _W.pinned_reason.is_not(None)


class SqlPins:
    def __init__(self, conn: sa.Connection) -> None:
        self._conn = conn

    def of(self, workflow_id: int) -> Pin | None:
        query = sa.select(_W.pinned_reason, _W.pinned_by, _W.pinned_until).where(_W.id == workflow_id, _PINNED)
        row = self._conn.execute(query).one_or_none()
        return None if row is None else Pin(*row)

    def put(self, workflow_id: int, pin: Pin) -> None:
        values = {"pinned_reason": pin.reason, "pinned_by": pin.by, "pinned_until": pin.until, "updated_by": pin.by}
        self._set(_W.id == workflow_id, values)

    def clear(self, actor: str, workflow_ids: Collection[int]) -> None:
        values = {"pinned_reason": None, "pinned_by": None, "pinned_until": None, "updated_by": actor}
        self._set(among(self._conn, _W.id, workflow_ids), values)

    def in_force(self, workflow_ids: Collection[int]) -> set[int]:
        lasts = sa.or_(_W.pinned_until.is_(None), _W.pinned_until > db_now())
        query = sa.select(_W.id).where(_PINNED, lasts, among(self._conn, _W.id, workflow_ids))
        return set(self._conn.scalars(query))

    def any_run_out(self) -> bool:
        query = sa.select(_W.id).where(_PINNED, _W.pinned_until <= db_now()).limit(1)
        return self._conn.execute(query).first() is not None

    def run_out(self) -> dict[int, str]:
        query = sa.select(_W.id, _W.workflow_code).where(_PINNED, _W.pinned_until <= db_now())
        return {row[0]: row[1] for row in self._conn.execute(query.order_by(_W.workflow_code))}

    def _set(self, which: sa.ColumnElement[bool], values: Mapping[str, object]) -> None:
        changed = sa.update(data_workflow).where(which).values(**values, updated_at=sa.func.current_timestamp())
        self._conn.execute(changed)
