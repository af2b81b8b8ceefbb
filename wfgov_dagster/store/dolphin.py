"""`DolphinMemory` on SQLite and PostgreSQL."""

from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from wfgov_dagster.ports.dolphin import ITSELF, Start
from wfgov_dagster.store.among import among
from wfgov_dagster.store.clock import db_now
from wfgov_dagster.store.db import Database
from wfgov_dagster.store.schema.dolphin import engine_start, engine_task_code

_C, _S = engine_task_code.c, engine_start.c


class SqlDolphinMemory:
    """Each call is a transaction of its own."""

    def __init__(self, database: Database, engine_id: int) -> None:
        self._database = database
        self._engine_id = engine_id

    def codes(self, workflow_code: str) -> Mapping[str, int]:
        with self._database.read() as conn:
            return self._codes(conn, workflow_code)

    def remember(self, workflow_code: str, codes: Mapping[str, int]) -> Mapping[str, int]:
        mine = {"engine_id": self._engine_id, "workflow_code": workflow_code}
        rows = [{**mine, "task_code": task, "engine_code": code} for task, code in sorted(codes.items())]
        with self._database.write() as conn:
            if rows:
                conn.execute(_insert(conn, engine_task_code).on_conflict_do_nothing(), rows)
            return self._codes(conn, workflow_code)

    def remember_workflow(self, workflow_code: str, engine_code: int) -> None:
        row = {"engine_id": self._engine_id, "workflow_code": workflow_code, "task_code": ITSELF}
        with self._database.write() as conn:
            insert = _insert(conn, engine_task_code).values(**row, engine_code=engine_code)
            keys = [_C.engine_id, _C.workflow_code, _C.task_code]
            conn.execute(insert.on_conflict_do_update(index_elements=keys, set_={"engine_code": engine_code}))

    def workflows(self) -> Mapping[str, int]:
        query = sa.select(_C.workflow_code, _C.engine_code).where(self._mine, _C.task_code == ITSELF)
        with self._database.read() as conn:
            return {row.workflow_code: row.engine_code for row in conn.execute(query.order_by(_C.workflow_code))}

    def owners(self, engine_codes: Collection[int]) -> Mapping[int, tuple[str, str]]:
        with self._database.read() as conn:
            named = among(conn, _C.engine_code, sorted(engine_codes))
            query = sa.select(_C.engine_code, _C.workflow_code, _C.task_code).where(self._mine, named)
            found = conn.execute(query.order_by(_C.id)).all()
        return {row.engine_code: (row.workflow_code, row.task_code) for row in found}

    # --- starts ----------------------------------------------------------------------------------

    def begin_start(self, workflow_code: str, request_key: str, started_by: str, newest: int) -> Start:
        row = {"engine_id": self._engine_id, "workflow_code": workflow_code, "request_key": request_key}
        with self._database.write() as conn:
            insert = _insert(conn, engine_start).values(
                **row, started_by=started_by, newest=newest, created_at=db_now()
            )
            made = conn.execute(insert.on_conflict_do_nothing().returning(_S.id)).first() is not None
            found = self._start(conn, workflow_code, request_key)
        assert found is not None
        return Start(found.newest, found.instance, found.age_seconds, new=made)

    def find_start(self, workflow_code: str, request_key: str) -> Start | None:
        with self._database.read() as conn:
            return self._start(conn, workflow_code, request_key)

    def started(self, workflow_code: str, request_key: str, instance: int) -> None:
        with self._database.write() as conn:
            conn.execute(
                engine_start.update().where(self._is_start(workflow_code, request_key)).values(instance_id=instance)
            )

    def forget_start(self, workflow_code: str, request_key: str) -> None:
        unseen = self._is_start(workflow_code, request_key) & _S.instance_id.is_(None)
        with self._database.write() as conn:
            conn.execute(engine_start.delete().where(unseen))

    def starters(self, instances: Collection[int]) -> Mapping[int, str]:
        with self._database.read() as conn:
            named = among(conn, _S.instance_id, sorted(instances))
            query = sa.select(_S.instance_id, _S.started_by).where(_S.engine_id == self._engine_id, named)
            return {row.instance_id: row.started_by for row in conn.execute(query)}

    # --- parts -----------------------------------------------------------------------------------

    @property
    def _mine(self) -> sa.ColumnElement[bool]:
        return _C.engine_id == self._engine_id

    def _codes(self, conn: sa.Connection, workflow_code: str) -> dict[str, int]:
        query = sa.select(_C.task_code, _C.engine_code).where(self._mine, _C.workflow_code == workflow_code)
        return {row.task_code: row.engine_code for row in conn.execute(query.order_by(_C.task_code))}

    def _is_start(self, workflow_code: str, request_key: str) -> sa.ColumnElement[bool]:
        return (_S.engine_id == self._engine_id) & (_S.workflow_code == workflow_code) & (_S.request_key == request_key)

    def _start(self, conn: sa.Connection, workflow_code: str, request_key: str) -> Start | None:
        query = sa.select(_S.newest, _S.instance_id, db_now(), _S.created_at)
        row = conn.execute(query.where(self._is_start(workflow_code, request_key))).one_or_none()
        return None if row is None else Start(row[0], row[1], (row[2] - row[3]).total_seconds())


def _insert(conn: sa.Connection, table: sa.Table) -> Any:
    """The dialect's own, which knows ON CONFLICT."""
    return (sqlite.insert if conn.dialect.name == "sqlite" else postgresql.insert)(table)
