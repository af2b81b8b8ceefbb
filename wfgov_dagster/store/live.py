"""Which version an engine held at a time. Confirmations tell: publishes that sent content and succeeded, adoptions, and
edits on the engine that somebody accepted."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson
import sqlalchemy as sa

from wfgov_dagster.ports.version_history import LiveVersion
from wfgov_dagster.store.schema.publish import (
    engine,
    engine_deployment,
    workflow_definition_snapshot,
    workflow_publish_record,
)
from wfgov_dagster.store.schema.workflow import data_workflow, workflow_version
from wfgov_dagster.store.times import at_or_before

_R, _S, _W, _E, _V, _D = (
    workflow_publish_record.c,
    workflow_definition_snapshot.c,
    data_workflow.c,
    engine.c,
    workflow_version.c,
    engine_deployment.c,
)
_SAME = timedelta(seconds=2)  # a publish and its snapshot are made in one transaction


def live(conn: sa.Connection, workflow_code: str, engine_name: str, at: datetime) -> LiveVersion:
    its_workflow = sa.select(_W.id).where(_W.workflow_code == workflow_code).scalar_subquery()
    its_engine = sa.select(_E.id).where(_E.name == engine_name).scalar_subquery()

    def here(table: Any) -> sa.ColumnElement[bool]:
        return sa.and_(table.workflow_id == its_workflow, table.engine_id == its_engine)

    past = (here(_R), _R.status == "success", at_or_before(conn, _R.finished_at, at))
    sent = _sent(conn, past)
    events = sorted([*sent, *_without_publish(conn, here, at)], key=lambda one: one[0])
    state = conn.execute(
        sa.select(_R.desired)
        .where(*past, _R.desired.is_not(None))
        .order_by(_R.finished_at.desc(), _R.id.desc())
        .limit(1)
    ).scalar()
    open_then = sa.select(_R.id).where(
        here(_R), at_or_before(conn, _R.created_at, at),
        sa.or_(_R.finished_at.is_(None), sa.not_(at_or_before(conn, _R.finished_at, at))),
    )  # fmt: skip
    open_records = conn.scalars(open_then.order_by(_R.id)).all()
    since, version_id, record_id, operator = events[-1] if events else (None, None, None, None)
    seen = sa.select(_D.confirmed_at, _D.version_id).where(here(_D), at_or_before(conn, _D.confirmed_at, at))
    confirmed = conn.execute(seen).one_or_none()
    if confirmed is not None and confirmed[1] != version_id:  # seen by content: what a publish that died had left
        left = (confirmed[0], confirmed[1], None, None)
        since, version_id, record_id, operator = _as_late(events, confirmed[1]) or left
    number = conn.scalar(sa.select(_V.version_no).where(_V.id == version_id))
    online = None if state is None else bool(orjson.loads(state)["online"])
    return LiveVersion(workflow_code, engine_name, at, number, since, record_id, operator, online, open_records)


_Event = tuple[datetime, int, int | None, str]  # when, version, record, who


def _as_late(events: Sequence[_Event], version_id: int) -> _Event | None:
    """An event with this version that may be the last one: SQLite keeps times of snapshots in whole seconds."""
    return next((one for one in events if one[1] == version_id and events[-1][0] - one[0] < _SAME), None)


def _sent(conn: sa.Connection, past: Sequence[sa.ColumnElement[bool]]) -> list[_Event]:
    """The first of the last unbroken run of confirmations of one version."""
    what = sa.select(_R.finished_at, _R.version_id, _R.id, _R.operator).where(*past, _R.snapshot_id.is_not(None))
    newest = conn.execute(what.order_by(_R.finished_at.desc(), _R.id.desc()).limit(1)).one_or_none()
    if newest is None:
        return []
    other = what.where(_R.version_id != newest[1]).order_by(_R.finished_at.desc(), _R.id.desc()).limit(1)
    before = conn.execute(other).one_or_none()
    same = what.where(_R.version_id == newest[1])
    if before is not None:
        same = same.where(sa.or_(_R.finished_at > before[0], sa.and_(_R.finished_at == before[0], _R.id > before[2])))
    row = conn.execute(same.order_by(_R.finished_at, _R.id).limit(1)).one()
    return [(row[0], row[1], row[2], row[3])]


def _without_publish(conn: sa.Connection, here: Any, at: datetime) -> list[_Event]:
    """Adopted, or accepted as it was found: the snapshot is older than every publish of it."""
    first = sa.select(sa.func.min(_R.created_at)).where(_R.snapshot_id == _S.id).scalar_subquery()
    query = (
        sa.select(_S.created_at, _S.version_id, _S.publisher, first)
        .where(here(_S), _S.status == "published", at_or_before(conn, _S.created_at, at))
        .where(sa.or_(_S.is_baseline == 1, first.is_(None), first > _S.created_at))
    )
    return [
        (made, version_id, None, who)
        for made, version_id, who, asked in conn.execute(query)
        if asked is None or asked - made > _SAME
    ]
