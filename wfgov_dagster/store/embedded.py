"""The embedded engine's memory: what it holds here, what starts in `embedded_fires`, what it ran in `embedded_runs`."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from wfgov_dagster.domain.definition import Schedule
from wfgov_dagster.domain.firing import first_fire
from wfgov_dagster.domain.snapshot import canonical, schedule_body
from wfgov_dagster.ports.embedded import HeldWorkflow
from wfgov_dagster.ports.engine import EngineVersion, Marker
from wfgov_dagster.store.clock import db_now
from wfgov_dagster.store.embedded_fires import SqlEmbeddedFires, is_workflow, locked, schedule_from
from wfgov_dagster.store.markers import marker_from
from wfgov_dagster.store.schema.embedded import embedded_instance as instances
from wfgov_dagster.store.schema.embedded import embedded_workflow as workflows
from wfgov_dagster.store.schema.embedded import embedded_workflow_version as held_versions

_SILENT: Final[dict[str, Any]] = {"schedule_online": 0, "next_fire_at": None}


class SqlEmbeddedStore(SqlEmbeddedFires):
    """`EmbeddedStore` on SQLite and PostgreSQL.

    Calls for one workflow go one after the other: each locks its row first (on SQLite there is one writer anyway).
    """

    def workflow(self, engine: str, code: str) -> HeldWorkflow | None:
        with self._database.read() as conn:
            row = conn.execute(sa.select(workflows).where(is_workflow(engine, code))).one_or_none()
        return None if row is None else _held(row)

    def workflows(self, engine: str) -> Sequence[HeldWorkflow]:
        query = sa.select(workflows).where(workflows.c.engine_name == engine).order_by(workflows.c.workflow_code)
        with self._database.read() as conn:
            return [_held(row) for row in conn.execute(query)]

    def hold(self, engine: str, code: str, document: str, marker: Marker) -> bool:
        with self._database.write() as conn:
            _make_room(conn, engine, code, document)
            row = locked(conn, engine, code)
            if row is None or row.online:
                return False
            new = {"document": document, "marker": _marker_text(marker)}
            version = row.version if row.document == document and row.version else row.version + 1
            conn.execute(
                workflows.update().where(workflows.c.id == row.id).values(version=version, updated_at=db_now(), **new)
            )
            if version > row.version:
                first = {"workflow_id": row.id, "version": version, "created_at": db_now()}
                conn.execute(held_versions.insert().values(**first, **new))
            else:
                at = (held_versions.c.workflow_id == row.id) & (held_versions.c.version == version)
                conn.execute(held_versions.update().where(at).values(**new))
            return True

    def set_online(self, engine: str, code: str, *, online: bool) -> bool:
        return self._change(engine, code, sa.true(), {"online": 1} if online else {"online": 0, **_SILENT})

    def put_schedule(self, engine: str, code: str, schedule: Schedule | None) -> bool:
        text = None if schedule is None else schedule_body(schedule).decode()
        return self._change(engine, code, workflows.c.online == 1, {"schedule": text, **_SILENT})

    def set_schedule_online(self, engine: str, code: str, *, online: bool) -> bool:
        if not online:
            return self._change(engine, code, workflows.c.schedule.is_not(None), _SILENT)
        with self._database.write() as conn:
            row = locked(conn, engine, code)
            if row is None or row.schedule is None or not row.online:
                return False
            if not row.schedule_online:  # else what has come due meanwhile would be lost
                first = first_fire(schedule_from(row.schedule), conn.execute(sa.select(db_now())).scalar_one())
                armed = {"schedule_online": 1, "next_fire_at": first, "updated_at": db_now()}
                conn.execute(workflows.update().where(workflows.c.id == row.id).values(**armed))
            return True

    def versions(self, engine: str, code: str) -> Sequence[EngineVersion]:
        with self._database.read() as conn:
            rows = conn.execute(
                sa.select(held_versions)
                .join(workflows, workflows.c.id == held_versions.c.workflow_id)
                .where(is_workflow(engine, code))
                .order_by(held_versions.c.version.desc())
            ).all()
        return [EngineVersion(row.version, marker_from(row.marker), row.created_at) for row in rows]

    def forget_version(self, engine: str, code: str, version: int) -> bool:
        with self._database.write() as conn:
            row = locked(conn, engine, code)
            if row is None or row.version == version:
                return False
            running = sa.select(instances.c.id).where(
                (instances.c.engine_name == engine)
                & (instances.c.workflow_code == code)
                & (instances.c.version == version)
                & instances.c.state.in_(("submitted", "running"))
            )
            if conn.execute(running.limit(1)).first() is not None:
                return False
            conn.execute(
                held_versions.delete().where(
                    (held_versions.c.workflow_id == row.id) & (held_versions.c.version == version)
                )
            )
            return True

    def _change(self, engine: str, code: str, possible: sa.ColumnElement[bool], values: dict[str, Any]) -> bool:
        """One conditional UPDATE: whether it found its row is the answer."""
        with self._database.write() as conn:
            done = conn.execute(
                workflows.update().where(is_workflow(engine, code) & possible).values(updated_at=db_now(), **values)
            )
            return bool(done.rowcount)


def _make_room(conn: sa.Connection, engine: str, code: str, document: str) -> None:
    """A row to lock, with version 0 until its first document is in. Of two who do this, one waits for the other."""
    insert = sqlite.insert if conn.dialect.name == "sqlite" else postgresql.insert
    values = {"engine_name": engine, "workflow_code": code, "version": 0, "document": document}
    conn.execute(insert(workflows).values(**values).on_conflict_do_nothing())


def _marker_text(marker: Marker) -> str:
    return canonical(asdict(marker)).decode()


def _held(row: sa.Row[Any]) -> HeldWorkflow:
    return HeldWorkflow(
        row.workflow_code,
        row.version,
        row.document,
        marker_from(row.marker),
        bool(row.online),
        None if row.schedule is None else schedule_from(row.schedule),
        bool(row.schedule_online),
    )
