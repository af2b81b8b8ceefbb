"""How instances of the embedded engine come to be: somebody asks for one, or a schedule fires.

What is offline has no next fire time. A fire is one transaction; it begins with the UPDATE of the workflow's next fire
time, on condition that it still is what was looked at: that locks the row, so of two who fire at once one finds
nothing to do.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from wfgov_dagster.domain.definition import Schedule
from wfgov_dagster.domain.firing import Firing
from wfgov_dagster.domain.snapshot import parse, schedule_body
from wfgov_dagster.ports.embedded import DueWorkflow, FireRow
from wfgov_dagster.store.clock import db_now
from wfgov_dagster.store.embedded_runs import SqlEmbeddedRuns
from wfgov_dagster.store.schema.embedded import embedded_fire as fires
from wfgov_dagster.store.schema.embedded import embedded_instance as instances
from wfgov_dagster.store.schema.embedded import embedded_task_instance as task_instances
from wfgov_dagster.store.schema.embedded import embedded_workflow as workflows
from wfgov_dagster.store.schema.types import UtcDateTime


class SqlEmbeddedFires(SqlEmbeddedRuns):
    def submit(self, engine: str, code: str, request_key: str, started_by: str) -> int | None:
        with self._database.write() as conn:
            workflow = locked(conn, engine, code)
            found = _asked_before(conn, engine, code, request_key)
            if found is not None:
                return found
            if workflow is None or not workflow.online:
                return None
            return _new_instance(conn, workflow, request_key, {"trigger": "manual", "started_by": started_by})

    def due(self, now: datetime | None, limit: int) -> Sequence[DueWorkflow]:
        moment = db_now() if now is None else sa.literal(now, UtcDateTime())
        w = workflows.c
        query = (
            sa.select(w.engine_name, w.workflow_code, w.schedule, w.next_fire_at, moment)
            .where(w.next_fire_at <= moment)
            .order_by(w.next_fire_at, w.id)
            .limit(limit)
        )
        with self._database.read() as conn:
            rows = conn.execute(query).all()
        return [DueWorkflow(engine, code, schedule_from(text), at, seen) for engine, code, text, at, seen in rows]

    def fire(self, due: DueWorkflow, firing: Firing) -> int | None:
        w = workflows.c
        as_seen = (w.next_fire_at == due.next_fire_at) & (w.schedule == schedule_body(due.schedule).decode())
        mine = workflows.update().where(is_workflow(due.engine, due.workflow_code) & as_seen)
        with self._database.write() as conn:
            workflow = conn.execute(mine.values(next_fire_at=firing.upcoming).returning(workflows)).one_or_none()
            if workflow is None or firing.scheduled_at is None or _fired(conn, due, firing.scheduled_at):
                return None
            key = f"schedule:{firing.scheduled_at:%Y-%m-%dT%H:%M:%SZ}"
            by = {"trigger": "schedule", "started_by": "system"}
            instance_id = _asked_before(conn, due.engine, due.workflow_code, key)
            if instance_id is None:
                instance_id = _new_instance(conn, workflow, key, by)
            row = {"scheduled_at": firing.scheduled_at, "instance_id": instance_id, "skipped": firing.skipped}
            whose = {"engine_name": due.engine, "workflow_code": due.workflow_code, "fired_at": db_now()}
            conn.execute(fires.insert().values(**whose, **row))
            return instance_id

    def fires(self, engine: str, code: str | None, page: int, size: int) -> Sequence[FireRow]:
        f, i = fires.c, instances.c
        query = (
            sa.select(f.workflow_code, f.scheduled_at, f.fired_at, f.skipped, f.instance_id, i.state)
            .join(instances, i.id == f.instance_id)
            .where(_fires_of(engine, code))
            .order_by(f.id.desc())
            .limit(size)
            .offset((page - 1) * size)
        )
        with self._database.read() as conn:
            return [FireRow(*row) for row in conn.execute(query)]

    def count_fires(self, engine: str, code: str | None) -> int:
        query = sa.select(sa.func.count()).select_from(fires).where(_fires_of(engine, code))
        with self._database.read() as conn:
            return int(conn.execute(query).scalar_one())


def is_workflow(engine: str, code: str) -> sa.ColumnElement[bool]:
    return (workflows.c.engine_name == engine) & (workflows.c.workflow_code == code)


def locked(conn: sa.Connection, engine: str, code: str) -> sa.Row[Any] | None:
    return conn.execute(sa.select(workflows).where(is_workflow(engine, code)).with_for_update()).one_or_none()


def schedule_from(text: str) -> Schedule:
    return Schedule(**orjson.loads(text))


def _fires_of(engine: str, code: str | None) -> sa.ColumnElement[bool]:
    return (fires.c.engine_name == engine) & (sa.true() if code is None else fires.c.workflow_code == code)


def _fired(conn: sa.Connection, due: DueWorkflow, scheduled_at: datetime) -> bool:
    """A clock that went back, or another machine's, may bring a time twice. The UNIQUE guards what this only asks."""
    f = fires.c
    same = (f.engine_name == due.engine) & (f.workflow_code == due.workflow_code) & (f.scheduled_at == scheduled_at)
    return conn.execute(sa.select(f.id).where(same)).first() is not None


def _asked_before(conn: sa.Connection, engine: str, code: str, request_key: str) -> int | None:
    i = instances.c
    same = (i.engine_name == engine) & (i.workflow_code == code) & (i.request_key == request_key)
    return conn.execute(sa.select(i.id).where(same)).scalar_one_or_none()


def _new_instance(conn: sa.Connection, workflow: sa.Row[Any], request_key: str, by: dict[str, str]) -> int:
    """Of a workflow whose row is locked; its tasks wait. `by`: trigger and started_by."""
    copied = {
        name: getattr(workflow, name) for name in ("engine_name", "workflow_code", "version", "document", "marker")
    }
    asked = {"request_key": request_key, "submitted_at": db_now(), **by}
    made = conn.execute(instances.insert().values(**copied, **asked).returning(instances.c.id))
    instance_id = int(made.scalar_one())
    codes = [task.code for task in parse(workflow.document).tasks]
    conn.execute(task_instances.insert(), [{"instance_id": instance_id, "task_code": one} for one in codes])
    return instance_id
