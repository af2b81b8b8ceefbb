"""The outbox of alerts. Who delivers one is decided by the row count of one UPDATE, by the database's clock."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from wfgov_dagster.domain.alert import TOGETHER_SECONDS, Alert, AlertKind
from wfgov_dagster.domain.redact import redact
from wfgov_dagster.errors import NotFound
from wfgov_dagster.ports.alerts import AlertRow
from wfgov_dagster.store.clock import db_now
from wfgov_dagster.store.schema.alert import alert as alerts

_A = alerts.c
_OPEN: Final = ("waiting", "dead")


class SqlAlerts:
    def __init__(self, conn: sa.Connection) -> None:
        self._conn = conn

    # whoever fails

    def add(self, alert: Alert) -> bool:
        lead = self._conn.execute(_speaking_for(alert)).scalar_one_or_none()
        values = {
            "kind": alert.kind,
            "dedupe_key": alert.dedupe_key,
            "workflow_code": alert.workflow_code,
            "version_no": alert.version_no,
            "task_code": alert.task_code,
            "step": alert.step,
            "engine_name": alert.engine,
            "error_code": alert.error_code,
            "message": redact(alert.message),
            "links": orjson.dumps(dict(alert.links or {})).decode(),
            "raised_at": db_now() if alert.at is None else alert.at,
            "due_at": db_now(),
            "lead_id": lead,
            "state": "waiting" if lead is None else "grouped",
        }
        insert = sqlite.insert if self._conn.dialect.name == "sqlite" else postgresql.insert
        made = insert(alerts).values(**values).on_conflict_do_nothing().returning(_A.id)
        return self._conn.execute(made).first() is not None

    def about(self, subject: str, since: datetime) -> bool:
        query = sa.select(_A.id).where(_is_about(subject) & (_A.raised_at >= since)).limit(1)
        return self._conn.execute(query).first() is not None

    # whoever delivers

    def due(self, limit: int) -> Sequence[int]:
        query = sa.select(_A.id).where(is_alert_due()).order_by(_A.id).limit(limit)
        return list(self._conn.scalars(query))

    def claim(self, alert_id: int, seconds: float) -> AlertRow | None:
        mine = sa.update(alerts).where((_A.id == alert_id) & is_alert_due())
        taken = self._conn.execute(mine.values(due_at=db_now(seconds), attempts=_A.attempts + 1))
        return self.get(alert_id) if taken.rowcount else None

    def delivered(self, alert_id: int) -> None:
        done = sa.update(alerts).where((_A.id == alert_id) & _A.delivered_at.is_(None))
        self._conn.execute(done.values(state="delivered", delivered_at=db_now(), last_error=None))

    def failed(self, alert_id: int, error: str, again_after_seconds: float | None) -> None:
        open_one = sa.update(alerts).where((_A.id == alert_id) & (_A.state == "waiting"))
        told = {"last_error": redact(error), "due_at": db_now(again_after_seconds or 0.0)}
        dead = {"state": "dead"} if again_after_seconds is None else {}
        self._conn.execute(open_one.values(**told, **dead))

    # whoever looks

    def list(self, limit: int, *, undelivered: bool = False) -> Sequence[AlertRow]:
        query = _ROWS.where(_A.lead_id.is_(None)).order_by(_A.id.desc()).limit(limit)
        if undelivered:
            query = query.where(_A.state.in_(_OPEN))
        return [_row(row) for row in self._conn.execute(query)]

    def of(self, subject: str) -> Sequence[AlertRow]:
        return [_row(row) for row in self._conn.execute(_ROWS.where(_is_about(subject)).order_by(_A.id))]

    def get(self, alert_id: int) -> AlertRow:
        row = self._conn.execute(_ROWS.where(_A.id == alert_id)).one_or_none()
        if row is None:
            raise NotFound(f"no alert {alert_id}", where="alerts", hint="wfgov alert list")
        return _row(row)


def _is_about(subject: str) -> sa.ColumnElement[bool]:
    return _A.dedupe_key.between(f"{subject}:", f"{subject};")  # `;` comes next after `:`, and keys sort by bytes


def _speaking_for(alert: Alert) -> sa.Select[tuple[int]]:
    """The alert that tells this fault too, if there is one. Two that begin at the same moment may both speak."""
    speaks = [_A.lead_id.is_(None), _A.kind == alert.kind, _A.state != "dead", _A.raised_at > db_now(-TOGETHER_SECONDS)]
    alike = [_A.workflow_code == alert.workflow_code]
    if alert.workflow_code is None:
        alike = [_A.workflow_code.is_(None), _A.step.is_not_distinct_from(alert.step)]
    return sa.select(_A.id).where(*speaks, *alike).order_by(_A.id.desc()).limit(1)


def is_alert_due() -> sa.ColumnElement[bool]:
    return (_A.state == "waiting") & (_A.due_at <= db_now())


_FOLLOWER = alerts.alias("follower")
_COUNT = sa.select(sa.func.count() + 1).select_from(_FOLLOWER).where(_FOLLOWER.c.lead_id == _A.id).scalar_subquery()
_ROWS = sa.select(alerts, _COUNT.label("faults"))


def _row(row: sa.Row[Any]) -> AlertRow:
    told = Alert(
        AlertKind(row.kind),
        row.dedupe_key,
        row.message,
        row.workflow_code,
        row.version_no,
        row.task_code,
        row.step,
        row.engine_name,
        row.error_code,
        orjson.loads(row.links),
        row.raised_at,
    )
    state = (row.state, row.faults, row.lead_id, row.attempts)
    return AlertRow(row.id, told, *state, row.due_at, row.delivered_at, row.last_error)
