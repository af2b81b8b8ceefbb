"""Snapshots as people look at them."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import sqlalchemy as sa

from wfgov_dagster.errors import NotFound
from wfgov_dagster.ports.snapshots import SnapshotFilter, SnapshotRow
from wfgov_dagster.ports.version_history import PublishOf
from wfgov_dagster.store.schema.publish import engine, workflow_definition_snapshot, workflow_publish_record
from wfgov_dagster.store.schema.workflow import canonical_document, data_workflow, workflow_version

_S, _W, _E, _V, _R = (
    workflow_definition_snapshot.c,
    data_workflow.c,
    engine.c,
    workflow_version.c,
    workflow_publish_record.c,
)
_JOINED = (
    workflow_definition_snapshot.join(data_workflow, _W.id == _S.workflow_id)
    .join(engine, _E.id == _S.engine_id)
    .join(workflow_version, _V.id == _S.version_id)
)
_ATTEMPTS = (
    sa.select(sa.func.count())
    .where(_R.workflow_id == _S.workflow_id, _R.snapshot_id == _S.id)
    .correlate(workflow_definition_snapshot)
    .scalar_subquery()
)
_OWN: dict[str, Any] = {
    "snapshot_id": _S.id,
    "workflow_code": _W.workflow_code,
    "version_no": _V.version_no,
    "engine": _E.name,
    "attempts": _ATTEMPTS,
}
_COLUMNS = [(_OWN[one.name] if one.name in _OWN else _S[one.name]).label(one.name) for one in fields(SnapshotRow)]
_PUBLISH: dict[str, Any] = {"record_id": _R.id, "engine": _E.name}


class SqlSnapshots:
    def __init__(self, conn: sa.Connection) -> None:
        self._conn = conn

    def page(self, wanted: SnapshotFilter, page: int, size: int) -> Sequence[SnapshotRow]:
        query = sa.select(*_COLUMNS).select_from(_JOINED).where(*_is(wanted)).order_by(_S.id.desc())
        return self._rows(query.limit(size).offset((page - 1) * size))

    def count(self, wanted: SnapshotFilter) -> int:
        return self._conn.scalar(sa.select(sa.func.count()).select_from(_JOINED).where(*_is(wanted))) or 0

    def get(self, snapshot_id: int) -> SnapshotRow | None:
        found = self._rows(sa.select(*_COLUMNS).select_from(_JOINED).where(_S.id == snapshot_id))
        return found[0] if found else None

    def publishes(self, snapshot_id: int) -> Sequence[PublishOf]:
        columns = [_PUBLISH[one.name] if one.name in _PUBLISH else _R[one.name] for one in fields(PublishOf)]
        its_workflow = sa.select(_S.workflow_id).where(_S.id == snapshot_id).scalar_subquery()
        query = sa.select(*columns).select_from(workflow_publish_record.join(engine, _E.id == _R.engine_id))
        sent = query.where(_R.workflow_id == its_workflow, _R.snapshot_id == snapshot_id)
        return [PublishOf(*row) for row in self._conn.execute(sent.order_by(_R.id.desc()))]

    def body(self, snapshot_id: int) -> str:
        document = canonical_document.c
        query = sa.select(document.body).join(workflow_definition_snapshot, _S.content_hash == document.hash)
        found: str | None = self._conn.scalar(query.where(_S.id == snapshot_id))
        if found is None:
            raise NotFound(f"no snapshot {snapshot_id}", where="snapshots", hint="wfgov snapshot list")
        return found

    def _rows(self, query: sa.Select[Any]) -> list[SnapshotRow]:
        rows = self._conn.execute(query).mappings()
        return [SnapshotRow(**{**row, "is_baseline": bool(row["is_baseline"])}) for row in rows]


def _is(wanted: SnapshotFilter) -> list[sa.ColumnElement[bool]]:
    asked = ((_W.workflow_code, wanted.workflow_code), (_E.name, wanted.engine), (_S.status, wanted.status))
    return [column == value for column, value in asked if value is not None]
