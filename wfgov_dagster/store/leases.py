"""Leases and publish steps. What two publishers may do at once is decided by the row count of one statement."""

from collections.abc import Sequence
from dataclasses import fields

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from wfgov_dagster.ports.leases import Lease, NewStep, StepRow
from wfgov_dagster.store.clock import db_now
from wfgov_dagster.store.prepared import prepared
from wfgov_dagster.store.schema.publish import engine_lease, publish_step, workflow_publish_record

_L, _P, _R = engine_lease.c, publish_step.c, workflow_publish_record.c


class SqlLeases:
    def __init__(self, conn: sa.Connection) -> None:
        self._conn = conn

    # leases

    def take(self, engine_id: int, workflow_code: str, holder: str, seconds: float) -> Lease | None:
        epoch = self._conn.execute(*_take(engine_id, workflow_code, holder, seconds)).scalar_one_or_none()
        if epoch is None and self._first(engine_id, workflow_code, holder, seconds):
            epoch = 1
        return None if epoch is None else Lease(engine_id, workflow_code, holder, epoch)

    def _first(self, engine_id: int, workflow_code: str, holder: str, seconds: float) -> bool:
        insert = sqlite.insert if self._conn.dialect.name == "sqlite" else postgresql.insert
        values = {"engine_id": engine_id, "workflow_code": workflow_code, "holder": holder, "epoch": 1}
        made = insert(engine_lease).values(**values, until=db_now(seconds)).on_conflict_do_nothing()
        return self._conn.execute(made.returning(_L.epoch)).first() is not None

    def keep(self, lease: Lease, seconds: float) -> bool:
        return self._conn.execute(*_keep(*_key(lease), seconds)).rowcount > 0

    def seconds_left(self, lease: Lease) -> float:
        row = self._conn.execute(*_left_of(*_key(lease))).one_or_none()
        return 0.0 if row is None else max(0.0, (row[0] - row[1]).total_seconds())

    def release(self, lease: Lease) -> None:
        self._conn.execute(*_release(*_key(lease)))

    def holder(self, engine_id: int, workflow_code: str) -> str | None:
        held = sa.select(_L.holder).where(_is(engine_id, workflow_code), _L.until > db_now())
        return self._conn.execute(held).scalar_one_or_none()

    def evict(self, engine_id: int, workflow_code: str, holder: str) -> None:
        gone = sa.update(engine_lease).where(_is(engine_id, workflow_code), _L.holder == holder)
        self._conn.execute(gone.values(until=db_now()))

    def left(self, engine_id: int, workflow_code: str) -> float:
        row = self._conn.execute(*_left(engine_id, workflow_code)).one_or_none()
        return 0.0 if row is None else max(0.0, (row[0] - row[1]).total_seconds())

    # steps

    def begin_step(self, step: NewStep) -> int:
        highest = sa.select(sa.func.coalesce(sa.func.max(_P.no), 0) + 1).where(_P.record_id == step.record_id)
        made = self._conn.execute(
            sa.insert(publish_step)
            .values(
                record_id=step.record_id,
                round=step.round,
                attempt=step.attempt,
                no=highest.scalar_subquery(),
                step=step.step,
                request_digest=step.request_digest,
                started_at=db_now(),
            )
            .returning(_P.id)
        )
        return int(made.scalar_one())

    def end_step(self, step_id: int, outcome: str, message: str | None) -> None:
        self._conn.execute(*_end_step(step_id, outcome, message))

    def steps(self, record_id: int) -> Sequence[StepRow]:
        return [StepRow(*row) for row in self._conn.execute(*_steps(record_id))]

    def give_up_steps(self, engine_id: int, workflow_id: int) -> Sequence[int]:
        return self._conn.execute(*_give_up(engine_id, workflow_id)).scalars().all()

    def since_unknown(self, engine_id: int, workflow_id: int) -> float | None:
        last, now = self._conn.execute(*_unknown(engine_id, workflow_id)).one()
        return None if last is None else float((now - last).total_seconds())

    def unknown_steps(self, engine_id: int, workflow_id: int, horizon_seconds: float) -> frozenset[str]:
        return frozenset(self._conn.scalars(*_late(engine_id, workflow_id, -horizon_seconds)))


def _is(engine_id: int, workflow_code: str) -> sa.ColumnElement[bool]:
    return (_L.engine_id == engine_id) & (_L.workflow_code == workflow_code)


def _key(lease: Lease) -> tuple[int, str, str, int]:
    return lease.engine_id, lease.workflow_code, lease.holder, lease.epoch


def _held(engine_id: int, workflow_code: str, holder: str, epoch: int) -> sa.ColumnElement[bool]:
    return _is(engine_id, workflow_code) & (_L.holder == holder) & (_L.epoch == epoch)


@prepared
def _take(engine_id: int, workflow_code: str, holder: str, seconds: float) -> sa.Executable:
    free = sa.or_(_L.holder == holder, _L.until <= db_now())
    taken = sa.update(engine_lease).where(_is(engine_id, workflow_code), free)
    return taken.values(holder=holder, epoch=_L.epoch + 1, until=db_now(seconds)).returning(_L.epoch)


@prepared
def _keep(engine_id: int, workflow_code: str, holder: str, epoch: int, seconds: float) -> sa.Executable:
    mine = _held(engine_id, workflow_code, holder, epoch)
    return sa.update(engine_lease).where(mine, _L.until > db_now()).values(until=db_now(seconds))


@prepared
def _left_of(engine_id: int, workflow_code: str, holder: str, epoch: int) -> sa.Executable:
    return sa.select(_L.until, db_now()).where(_held(engine_id, workflow_code, holder, epoch))


@prepared
def _left(engine_id: int, workflow_code: str) -> sa.Executable:
    return sa.select(_L.until, db_now()).where(_is(engine_id, workflow_code))


@prepared
def _release(engine_id: int, workflow_code: str, holder: str, epoch: int) -> sa.Executable:
    return sa.update(engine_lease).where(_held(engine_id, workflow_code, holder, epoch)).values(until=db_now())


@prepared
def _end_step(step_id: int, outcome: str, message: str | None) -> sa.Executable:
    ended = sa.update(publish_step).where(_P.id == step_id, _P.outcome.is_(None))
    return ended.values(outcome=outcome, message=message, ended_at=db_now())


@prepared
def _steps(record_id: int) -> sa.Executable:
    return sa.select(*(_P[field.name] for field in fields(StepRow))).where(_P.record_id == record_id).order_by(_P.no)


@prepared
def _give_up(engine_id: int, workflow_id: int) -> sa.Executable:
    open_ones = _P.outcome.is_(None) & _P.record_id.in_(_records(engine_id, workflow_id))
    word = "its publisher ended before the reply"
    ended = sa.update(publish_step).where(open_ones).values(outcome="unknown", message=word, ended_at=db_now())
    return ended.returning(_P.record_id)


@prepared
def _unknown(engine_id: int, workflow_id: int) -> sa.Executable:
    unknown = (_P.outcome == "unknown") & _P.record_id.in_(_records(engine_id, workflow_id))
    return sa.select(sa.func.max(_P.ended_at), db_now()).where(unknown)


@prepared
def _late(engine_id: int, workflow_id: int, shift_seconds: float) -> sa.Executable:
    late = (_P.outcome == "unknown") & (_P.ended_at > db_now(shift_seconds))
    return sa.select(_P.step).where(late, _P.record_id.in_(_records(engine_id, workflow_id))).distinct()


def _records(engine_id: int, workflow_id: int) -> sa.Select[tuple[int]]:
    return sa.select(_R.id).where(_R.engine_id == engine_id, _R.workflow_id == workflow_id)
