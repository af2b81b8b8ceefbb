"""Publish records as people look at them."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from wfgov_dagster.errors import NotFound
from wfgov_dagster.ports.publish_history import RecordFilter, RecordRow, Untold
from wfgov_dagster.store.clock import db_now
from wfgov_dagster.store.schema.given import data_task
from wfgov_dagster.store.schema.publish import engine, engine_deployment, publish_step, workflow_publish_record
from wfgov_dagster.store.schema.workflow import data_workflow, workflow_task_relation, workflow_version

_R, _W, _E, _V, _D = workflow_publish_record.c, data_workflow.c, engine.c, workflow_version.c, engine_deployment.c
_STEPS = (
    sa.select(sa.func.count())
    .where(publish_step.c.record_id == _R.id)
    .correlate(workflow_publish_record)
    .scalar_subquery()
)
_JOINED = (
    workflow_publish_record.join(data_workflow, _W.id == _R.workflow_id)
    .join(engine, _E.id == _R.engine_id)
    .join(workflow_version, _V.id == _R.version_id)
)
_OWN: dict[str, Any] = {
    "record_id": _R.id,
    "workflow_code": _W.workflow_code,
    "engine": _E.name,
    "restore": _R.target.is_not(None),
    "version_no": _V.version_no,
    "steps": _STEPS,
}
_COLUMNS: list[Any] = [_OWN[field.name] if field.name in _OWN else _R[field.name] for field in fields(RecordRow)]


class SqlPublishHistory:
    def __init__(self, conn: sa.Connection) -> None:
        self._conn = conn

    def records(self, wanted: RecordFilter, page: int, size: int) -> Sequence[RecordRow]:
        query = sa.select(*_COLUMNS, _R.waits_on).select_from(_JOINED).where(*_is(wanted)).order_by(_R.id.desc())
        return [_row(row) for row in self._conn.execute(query.limit(size).offset((page - 1) * size))]

    def count(self, wanted: RecordFilter) -> int:
        return self._conn.scalar(sa.select(sa.func.count()).select_from(_JOINED).where(*_is(wanted))) or 0

    def record(self, record_id: int) -> RecordRow:
        query = sa.select(*_COLUMNS, _R.waits_on).select_from(_JOINED).where(_R.id == record_id)
        row = self._conn.execute(query).one_or_none()
        if row is None:
            raise NotFound(f"no publish record {record_id}", hint="wfgov record list")
        return _row(row)

    def untold(self, limit: int, older_than_seconds: float) -> Sequence[Untold]:
        last = (
            sa.select(sa.func.max(_R.id))
            .where(_R.engine_id == _D.engine_id, _R.workflow_id == _D.workflow_id, _R.status == "success")
            .correlate(engine_deployment)
            .scalar_subquery()
        )
        query = (
            sa.select(_D.engine_id, _D.workflow_id, _E.name, _W.workflow_code, _V.version_no, _D.confirmed_at, last)
            .select_from(engine_deployment)
            .join(engine, _E.id == _D.engine_id)
            .join(data_workflow, _W.id == _D.workflow_id)
            .join(workflow_version, _V.id == _D.version_id)
            .where(_D.told_at.is_(None), _D.confirmed_at <= db_now(-older_than_seconds))
            .order_by(_D.confirmed_at, _D.engine_id, _D.workflow_id)
            .limit(limit)
        )
        return [Untold(*row) for row in self._conn.execute(query)]

    def told(self, engine: str, workflow_code: str, confirmed_at: datetime | None = None) -> None:
        its_engine = sa.select(_E.id).where(_E.name == engine).scalar_subquery()
        its_workflow = sa.select(_W.id).where(_W.workflow_code == workflow_code).scalar_subquery()
        this = (_D.engine_id == its_engine) & (_D.workflow_id == its_workflow)
        if confirmed_at is not None:
            this &= _D.confirmed_at == confirmed_at
        self._conn.execute(sa.update(engine_deployment).where(this).values(told_at=db_now()))

    def workflow_of(self, task_code: str) -> str | None:
        r, t = workflow_task_relation.c, data_task.c
        joined = workflow_task_relation.join(data_task, t.id == r.task_id).join(data_workflow, _W.id == r.workflow_id)
        query = sa.select(_W.workflow_code).select_from(joined).where(t.task_code == task_code, t.deleted == 0)
        return self._conn.execute(query).scalar_one_or_none()


def _is(wanted: RecordFilter) -> list[sa.ColumnElement[bool]]:
    asked = (
        (_W.workflow_code, wanted.workflow_code),
        (_E.name, wanted.engine),
        (_R.status, wanted.status),
        (_R.phase, wanted.phase),
    )
    return [column == value for column, value in asked if value is not None]


def _row(row: Sequence[Any]) -> RecordRow:
    told = dict(zip((field.name for field in fields(RecordRow)), row, strict=False))
    told["restore"] = bool(told["restore"])
    if row[-1] is not None:  # why it waits is newer than why it came to that
        why = orjson.loads(row[-1])
        told |= {"error_code": why["error_code"], "error": why["message"]}
    return RecordRow(**told)
