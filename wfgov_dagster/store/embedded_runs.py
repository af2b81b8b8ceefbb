"""What the embedded engine runs: instances and their tasks.

A runner's every write begins with the UPDATE of its instance's heartbeat, on condition that it still is its: that
locks the row, so nobody can declare it lost in the same moment, and a runner that comes back late changes nothing.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from wfgov_dagster.errors import Conflict
from wfgov_dagster.ports.embedded import Claim, TaskEnd
from wfgov_dagster.ports.engine import Instance, TaskInstance
from wfgov_dagster.store.clock import db_now
from wfgov_dagster.store.db import Database
from wfgov_dagster.store.instance_alerts import raise_alert
from wfgov_dagster.store.markers import marker_from
from wfgov_dagster.store.schema.embedded import embedded_instance as instances
from wfgov_dagster.store.schema.embedded import embedded_task_instance as tasks

_LOST = "lost: its runner gave no sign of life"


class SqlEmbeddedRuns:
    def __init__(self, database: Database) -> None:
        self._database = database

    # --- anybody ---------------------------------------------------------------------------------

    def submitted(self, engine: str) -> Sequence[int]:
        wanted = (instances.c.engine_name == engine) & (instances.c.state == "submitted")
        with self._database.read() as conn:
            return list(conn.scalars(sa.select(instances.c.id).where(wanted).order_by(instances.c.id)))

    def instances(self, engine: str, code: str | None, limit: int) -> Sequence[Instance]:
        query = _INSTANCES.where(instances.c.engine_name == engine).order_by(instances.c.id.desc()).limit(limit)
        if code is not None:
            query = query.where(instances.c.workflow_code == code)
        with self._database.read() as conn:
            return [_instance(row) for row in conn.execute(query)]

    def instance(self, engine: str, instance_id: int) -> Instance | None:
        query = _INSTANCES.where((instances.c.engine_name == engine) & (instances.c.id == instance_id))
        with self._database.read() as conn:
            row = conn.execute(query).one_or_none()
        return None if row is None else _instance(row)

    def task_instances(self, instance_id: int) -> Sequence[TaskInstance]:
        shown = (tasks.c.task_code, tasks.c.state, tasks.c.attempt, tasks.c.exit_code, tasks.c.started_at,
                 tasks.c.ended_at, tasks.c.error)  # fmt: skip
        query = sa.select(*shown).where(tasks.c.instance_id == instance_id).order_by(tasks.c.task_code)
        with self._database.read() as conn:
            return [TaskInstance(*row) for row in conn.execute(query)]

    def log_path(self, instance_id: int, task_code: str) -> str | None:
        query = sa.select(tasks.c.log_path).where(_task(instance_id, task_code))
        with self._database.read() as conn:
            return conn.execute(query).scalar_one_or_none()

    def request_stop(self, instance_id: int) -> None:
        with self._database.write() as conn:
            unclaimed = (instances.c.id == instance_id) & (instances.c.state == "submitted")
            ended = {"state": "stopped", "error": "stopped before it began", "ended_at": db_now()}
            if conn.execute(instances.update().where(unclaimed).values(stop_requested=1, **ended)).rowcount:
                _close_tasks(conn, [instance_id], "stopped", None)
                return
            running = (instances.c.id == instance_id) & (instances.c.state == "running")
            conn.execute(instances.update().where(running).values(stop_requested=1))

    def fail_silent(self, older_than_seconds: float) -> Sequence[int]:
        silent = (instances.c.state == "running") & (instances.c.heartbeat_at < db_now(-older_than_seconds))
        with self._database.write() as conn:
            failed = instances.update().where(silent).values(state="failed", error=_LOST, ended_at=db_now())
            ids = sorted(conn.scalars(failed.returning(instances.c.id)))
            if ids:
                _close_tasks(conn, ids, "failed", _LOST)
            for instance_id in ids:
                raise_alert(conn, instance_id)
            return ids

    # --- the runner that has it ------------------------------------------------------------------

    def claim(self, claim: Claim) -> str | None:
        free = (instances.c.id == claim.instance_id) & (instances.c.state == "submitted")
        mine = {"state": "running", "run_id": claim.run_id, "heartbeat_at": db_now(), "started_at": db_now()}
        with self._database.write() as conn:
            got = conn.execute(instances.update().where(free).values(**mine).returning(instances.c.document))
            return got.scalar_one_or_none()

    def beat(self, claim: Claim) -> bool:
        with self._mine(claim) as conn:
            asked = sa.select(instances.c.stop_requested).where(instances.c.id == claim.instance_id)
            return bool(conn.execute(asked).scalar_one())

    def begin_task(self, claim: Claim, task_code: str, attempt: int, log_path: str) -> None:
        begun = {"state": "running", "attempt": attempt, "log_path": log_path, "error": None, "exit_code": None}
        with self._mine(claim) as conn:
            since = sa.func.coalesce(tasks.c.started_at, db_now())
            at = _task(claim.instance_id, task_code)
            conn.execute(tasks.update().where(at).values(started_at=since, ended_at=None, **begun))

    def end_task(self, claim: Claim, task_code: str, end: TaskEnd) -> None:
        with self._mine(claim) as conn:
            how = {"state": end.state, "exit_code": end.exit_code, "error": end.error, "ended_at": db_now()}
            conn.execute(tasks.update().where(_task(claim.instance_id, task_code)).values(**how))

    def skip_tasks(self, claim: Claim, task_codes: Collection[str]) -> None:
        with self._mine(claim) as conn:
            at = (tasks.c.instance_id == claim.instance_id) & (tasks.c.task_code == sa.bindparam("code"))
            skipped = tasks.update().where(at).values(state="skipped", ended_at=db_now())
            if task_codes:
                conn.execute(skipped, [{"code": code} for code in sorted(task_codes)])

    def finish(self, claim: Claim, state: str, error: str | None) -> None:
        with self._mine(claim) as conn:
            at = instances.c.id == claim.instance_id
            conn.execute(instances.update().where(at).values(state=state, error=error, ended_at=db_now()))
            _close_tasks(conn, [claim.instance_id], "stopped", error)
            if state == "failed":
                raise_alert(conn, claim.instance_id)

    @contextmanager
    def _mine(self, claim: Claim) -> Iterator[sa.Connection]:
        """A transaction that begins with a sign of life. Raises Conflict when the instance is not the claimer's."""
        own = (
            (instances.c.id == claim.instance_id)
            & (instances.c.run_id == claim.run_id)
            & (instances.c.state == "running")
        )
        with self._database.write() as conn:
            if not conn.execute(instances.update().where(own).values(heartbeat_at=db_now())).rowcount:
                raise Conflict(
                    f"run {claim.run_id!r} does not have it any more",
                    where=f"instance {claim.instance_id}",
                    hint="it has ended, or was declared lost",
                )
            yield conn


_INSTANCES = sa.select(*(column for column in instances.c if column.name != "document"))  # it may be megabytes


def _instance(row: sa.Row[Any]) -> Instance:
    marker = marker_from(row.marker)
    return Instance(
        instance_id=str(row.id),
        workflow_code=row.workflow_code,
        version_no=None if marker is None else marker.version_no,
        state=row.state,
        trigger=row.trigger,
        started_by=row.started_by,
        submitted_at=row.submitted_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        error=row.error,
    )


def _task(instance_id: int, task_code: str) -> sa.ColumnElement[bool]:
    return (tasks.c.instance_id == instance_id) & (tasks.c.task_code == task_code)


def _close_tasks(conn: sa.Connection, ids: Sequence[int], running_become: str, error: str | None) -> None:
    """No task of an ended instance is left open."""
    for state, becomes, told in (("running", running_become, error), ("waiting", "skipped", None)):
        open_ones = tasks.c.instance_id.in_(ids) & (tasks.c.state == state)
        said = {} if told is None else {"error": told}
        conn.execute(tasks.update().where(open_ones).values(state=becomes, ended_at=db_now(), **said))
