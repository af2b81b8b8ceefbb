"""Publish records: how each stands, what happened to it, and which the sweeper has to look at."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

import orjson
import sqlalchemy as sa

from wfgov_dagster.domain.definition import Schedule
from wfgov_dagster.domain.publish import Found, Operation, Phase, Target
from wfgov_dagster.ports.publishing import Intent, Note, NoteRow, RegisteredEngine, Suspect
from wfgov_dagster.store.clock import db_now
from wfgov_dagster.store.prepared import prepared
from wfgov_dagster.store.schema.publish import (
    engine,
    engine_lease,
    publish_event,
    publish_step,
    workflow_publish_record,
)
from wfgov_dagster.store.schema.workflow import data_workflow

_E, _W, _R, _P, _L, _N = (
    engine.c,
    data_workflow.c,
    workflow_publish_record.c,
    publish_step.c,
    engine_lease.c,
    publish_event.c,
)
ENGINE = (_E.id, _E.name, _E.kind, _E.url, _E.project, _E.credential_ref, _E.tenant, _E.worker_group, _E.time_zone,
          _E.family, _E.credential_sealed, _E.created_by)  # fmt: skip
LAST_STEP = (
    sa.select(sa.func.coalesce(sa.func.max(_P.no), 0))
    .where(_P.record_id == _R.id)
    .correlate(workflow_publish_record)
    .scalar_subquery()
)
# Something of it may be on the engine: a step that was not refused, or what an older publish had begun.
WROTE = sa.or_(
    _R.took_over == 1,
    sa.exists()
    .where(_P.record_id == _R.id, _P.no > _R.undone_steps, sa.or_(_P.outcome.is_(None), _P.outcome != "rejected"))
    .correlate(workflow_publish_record),
)


class SqlPublishRecords:
    def __init__(self, conn: sa.Connection) -> None:
        self._conn = conn

    def add_record(self, intent: Intent) -> int:
        values = {
            "workflow_id": intent.workflow_id,
            "version_id": intent.version.id,
            "snapshot_id": intent.snapshot_id,
            "engine_id": intent.engine.id,
            "target_engine": intent.engine.kind,
            "operation": intent.operation,
            "operator": intent.operator,
            "flow_id": intent.flow_id,
            "target": None if intent.target is None else text(asdict(intent.target)),
            "round_at": db_now(),
        }
        made = self._conn.execute(sa.insert(workflow_publish_record).values(values).returning(_R.id))
        return int(made.scalar_one())

    def open_records(self, engine_id: int, workflow_id: int) -> Sequence[int]:
        pending = sa.select(_R.id).where(about(engine_id, workflow_id), _R.status == "pending")
        return self._conn.scalars(pending.order_by(_R.id)).all()

    def newer(self, record_id: int) -> int | None:
        this = workflow_publish_record.alias("this")
        same = (_R.engine_id == this.c.engine_id) & (_R.workflow_id == this.c.workflow_id) & (_R.id > this.c.id)
        query = sa.select(sa.func.max(_R.id)).select_from(workflow_publish_record).join(this, same)
        found: int | None = self._conn.scalar(query.where(this.c.id == record_id))
        return found

    def unfinished(self, engine_id: int, workflow_id: int) -> Found | None:
        row = self._broken_off(engine_id, workflow_id)
        return None if row is None or row.operation == Operation.OFFLINE else found_from(row.found)

    def left_over(self, engine_id: int, workflow_id: int) -> bool:
        return self._broken_off(engine_id, workflow_id) is not None

    def offline_left_over(self, engine_id: int, workflow_id: int) -> bool:
        row = self._broken_off(engine_id, workflow_id)
        return row is not None and bool(row.operation == Operation.OFFLINE)

    def _broken_off(self, engine_id: int, workflow_id: int) -> Any:
        row = self._conn.execute(*_looked(engine_id, workflow_id)).one_or_none()
        return None if row is None or row.status == "success" or not row.wrote else row

    # how it goes on

    def set_found(self, record_id: int, found: Found, desired: Mapping[str, object], *, took_over: bool) -> None:
        self._change(record_id, found=text(asdict(found)), desired=text(desired), took_over=int(took_over))

    def go_on(self, record_id: int, phase: Phase, attempts: int) -> bool:
        return self._conn.execute(*_go_on(record_id, phase, attempts)).rowcount > 0

    def failing(self, record_id: int, error: tuple[str, str]) -> None:
        self._change(record_id, error_code=error[0], error=error[1])

    def wait(self, record_id: int, phase: Phase, on: Mapping[str, object]) -> None:
        self._change(record_id, phase=phase, waits_on=text(on))

    def next_round(self, record_id: int, phase: Phase, ends_as: Phase | None) -> None:
        again: dict[str, Any] = {"status": "pending", "phase": phase, "ends_as": ends_as, "waits_on": None}
        begun = {"round": _R.round + 1, "round_from": _R.attempts, "round_at": db_now(), "finished_at": None}
        this = (_R.id == record_id) & (_R.status != "success")
        self._conn.execute(sa.update(workflow_publish_record).where(this).values(**again, **begun))

    def overrule(self, record_id: int, digests: Sequence[str]) -> None:
        before = self._conn.scalar(sa.select(_R.overruled).where(_R.id == record_id))
        self._change(record_id, overruled=text(sorted({*orjson.loads(before or "[]"), *digests})))

    def nothing_left(self, record_id: int) -> None:
        self._change(record_id, undone_steps=LAST_STEP, took_over=0)

    def look_anew(self, record_id: int) -> None:
        self._change(record_id, found=None, desired=None)

    def set_flow(self, record_id: int, flow_id: int) -> None:
        self._change(record_id, flow_id=flow_id)

    def end(
        self, record_id: int, phase: Phase, error: tuple[str, str] | None, log: Sequence[Mapping[str, object]]
    ) -> None:
        code, sentence = error or (None, None)
        status = "success" if phase is Phase.CONFIRMED else "failed"
        how = {"status": status, "phase": phase, "error_code": code, "error": sentence, "ends_as": None}
        self._change(record_id, **how, waits_on=None, log=text(log), finished_at=db_now())

    # what happened

    def note(self, record_id: int, note: Note) -> None:
        own = sa.select(_R.round).where(_R.id == record_id).scalar_subquery()
        last = sa.select(sa.func.coalesce(sa.func.max(_P.no), 0)).where(_P.record_id == record_id).scalar_subquery()
        values = {"record_id": record_id, "round": own, "after_step": last, "at": db_now(), **asdict(note)}
        self._conn.execute(sa.insert(publish_event).values(values))

    def notes(self, record_id: int) -> Sequence[NoteRow]:
        query = sa.select(*(_N[field.name] for field in fields(NoteRow))).where(_N.record_id == record_id)
        return [NoteRow(*row) for row in self._conn.execute(query.order_by(_N.id))]

    # what the sweeper looks at

    def parked(self, limit: int) -> Sequence[int]:
        query = (
            sa.select(_R.id)
            .join(data_workflow, _W.id == _R.workflow_id)
            .outerjoin(engine_lease, (_L.engine_id == _R.engine_id) & (_L.workflow_code == _W.workflow_code))
            .where(_R.phase == Phase.PARKED)
            .order_by(sa.nulls_first(_L.swept_at.asc()), _R.id)
        )
        return self._conn.scalars(query.limit(limit)).all()

    def suspects(self, horizon_seconds: float, limit: int) -> Sequence[Suspect]:
        other = workflow_publish_record.alias("other")
        is_open = sa.exists().where(
            other.c.engine_id == _R.engine_id, other.c.workflow_id == _R.workflow_id, other.c.status == "pending"
        )
        late = (_P.outcome == "unknown") & (_P.ended_at > db_now(-horizon_seconds)) & ~is_open
        joined = (
            publish_step.join(workflow_publish_record, _R.id == _P.record_id)
            .join(engine, _E.id == _R.engine_id)
            .join(data_workflow, _W.id == _R.workflow_id)
            .outerjoin(engine_lease, (_L.engine_id == _R.engine_id) & (_L.workflow_code == _W.workflow_code))
        )
        who = (*ENGINE, _W.id, _W.workflow_code)
        order = (sa.nulls_first(_L.swept_at.asc()), _R.engine_id, _W.id)
        query = sa.select(*who).select_from(joined).where(late).group_by(*who, _R.engine_id, _L.swept_at)
        found = self._conn.execute(query.order_by(*order).limit(limit)).all()
        steps = sa.select(_P.step).select_from(joined).where(late).distinct()
        return [
            Suspect(
                RegisteredEngine(*row[: len(ENGINE)]),
                row[-2],
                row[-1],
                frozenset(self._conn.scalars(steps.where(about(row[0], row[-2])))),
            )
            for row in found
        ]

    def has_to_be_swept(self, horizon_seconds: float) -> bool:
        return any(self._conn.execute(*one).first() is not None for one in (_any_parked(), _any_late(-horizon_seconds)))

    def swept(self, engine_id: int, workflow_code: str) -> None:
        this = (_L.engine_id == engine_id) & (_L.workflow_code == workflow_code)
        self._conn.execute(sa.update(engine_lease).where(this).values(swept_at=db_now()))

    def _change(self, record_id: int, **values: Any) -> bool:
        """Only a pending record changes."""
        this = (_R.id == record_id) & (_R.status == "pending")
        return self._conn.execute(sa.update(workflow_publish_record).where(this).values(values)).rowcount > 0


def about(engine_id: int, workflow_id: int) -> sa.ColumnElement[bool]:
    return (_R.engine_id == engine_id) & (_R.workflow_id == workflow_id)


@prepared
def _looked(engine_id: int, workflow_id: int) -> sa.Executable:
    looked = sa.select(_R.status, _R.operation, _R.found, WROTE.label("wrote"))
    return looked.where(about(engine_id, workflow_id), _R.found.is_not(None)).order_by(_R.id.desc()).limit(1)


@prepared
def _go_on(record_id: int, phase: str, attempts: int) -> sa.Executable:
    this = (_R.id == record_id) & (_R.status == "pending")
    return sa.update(workflow_publish_record).where(this).values(phase=phase, attempts=attempts)


@prepared
def _any_parked() -> sa.Executable:
    return sa.select(_R.id).where(_R.phase == Phase.PARKED).limit(1)


@prepared
def _any_late(shift_seconds: float) -> sa.Executable:
    return sa.select(_P.id).where(_P.outcome == "unknown", _P.ended_at > db_now(shift_seconds)).limit(1)


def found_from(json: str) -> Found:
    told = orjson.loads(json)
    schedule = told["schedule"]
    return Found(**{**told, "schedule": None if schedule is None else Schedule(**schedule)})


def target_from(json: str | None) -> Target | None:
    return None if json is None else Target(**orjson.loads(json))


def text(value: object) -> str:
    return orjson.dumps(value).decode()
