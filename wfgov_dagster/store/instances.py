"""What engines ran, as it was last seen."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from wfgov_dagster.ports.engine import Instance, TaskInstance
from wfgov_dagster.ports.instances import CachedInstance, Deployed, Ran, SyncState
from wfgov_dagster.store.among import among
from wfgov_dagster.store.clock import db_now
from wfgov_dagster.store.schema.instances import engine_deployment_version as seen_versions
from wfgov_dagster.store.schema.instances import engine_sync as syncs
from wfgov_dagster.store.schema.instances import task_instance_cache as tasks
from wfgov_dagster.store.schema.instances import workflow_instance_cache as instances
from wfgov_dagster.store.schema.publish import engine, engine_deployment
from wfgov_dagster.store.schema.workflow import data_workflow, workflow_version

_I, _T, _S, _E, _W, _D = instances.c, tasks.c, syncs.c, engine.c, data_workflow.c, engine_deployment.c
_V, _VER = seen_versions.c, workflow_version.c
_OPEN = ("submitted", "running")


class SqlInstances:
    def __init__(self, conn: sa.Connection) -> None:
        self._conn = conn

    # --- syncing ---------------------------------------------------------------------------------

    def begin_sync(self, engine_id: int) -> SyncState:
        begun = self._insert(syncs).values(engine_id=engine_id, tried_at=db_now())
        self._conn.execute(begun.on_conflict_do_update(index_elements=["engine_id"], set_={"tried_at": db_now()}))
        state = self.sync_state(engine_id)
        assert state is not None, "it was written in this transaction"
        return state

    def sync_failed(self, engine_id: int, begun: SyncState, error: tuple[str, str]) -> None:
        told = {"error_code": error[0], "error": error[1], "failures": _S.failures + 1}
        self._conn.execute(sa.update(syncs).where(_latest(engine_id, begun)).values(**told))

    def sync_done(self, engine_id: int, begun: SyncState, newest: Instance | None, quiet: datetime | None) -> bool:
        values: dict[str, Any] = {"read_at": begun.tried_at, "failures": 0, "error_code": None, "error": None}
        if newest is not None:
            values |= {"newest_instance": newest.instance_id, "newest_at": newest.submitted_at}
        if begun.read_at is None:
            values["quiet_until"] = sa.func.coalesce(_S.quiet_until, quiet)
        return bool(self._conn.execute(sa.update(syncs).where(_latest(engine_id, begun)).values(**values)).rowcount)

    def deployed(self, engine_id: int, workflow_code: str | None = None) -> Sequence[Deployed]:
        numbers: dict[int, dict[int, int]] = {}
        seen = sa.select(_V.workflow_id, _V.engine_version, _VER.version_no).join(
            workflow_version, _VER.id == _V.version_id
        )
        for workflow_id, engine_version, version_no in self._conn.execute(seen.where(_V.engine_id == engine_id)):
            numbers.setdefault(workflow_id, {})[engine_version] = version_no
        query = sa.select(_W.id, _W.workflow_code, _D.engine_workflow_code, _D.engine_task_codes)
        query = query.join(engine_deployment, _D.workflow_id == _W.id).where(_D.engine_id == engine_id)
        if workflow_code is not None:
            query = query.where(_W.workflow_code == workflow_code)
        return [
            Deployed(row[0], row[1], row[2], numbers.get(row[0], {}), _turned(row[3]))
            for row in self._conn.execute(query.order_by(_W.workflow_code))
        ]

    def known(self, engine_id: int) -> Mapping[str, CachedInstance]:
        rows = self._conn.execute(_INSTANCES.where(_I.engine_id == engine_id))
        return {row.instance_id: _cached(row) for row in rows}

    def put(self, engine_id: int, rows: Sequence[CachedInstance], *, untold: Collection[str]) -> None:
        now = self._conn.scalar(sa.select(db_now()))
        insert = self._insert(instances)
        new = insert.excluded
        kept = ("engine_id", "instance_id", "told_at")
        values = {name: new[name] for name in _I.keys() if name not in kept}  # noqa: SIM118 - columns are no dict
        values["told_at"] = sa.case((_I.run == new.run, _I.told_at), else_=new.told_at)
        upsert = insert.on_conflict_do_update(index_elements=["engine_id", "instance_id"], set_=values)
        told = [{"told_at": None if one.instance.instance_id in untold else now, "changed_at": now} for one in rows]
        if rows:
            self._conn.execute(upsert, [_values(engine_id, one) | how for one, how in zip(rows, told, strict=True)])

    def put_tasks(self, engine_id: int, instance_id: str, tasks_: Sequence[TaskInstance]) -> None:
        self._conn.execute(sa.delete(tasks).where(_T.engine_id == engine_id, _T.instance_id == instance_id))
        this = {"engine_id": engine_id, "instance_id": instance_id}
        if tasks_:
            rows = [this | {name: getattr(one, name) for name in TaskInstance.__slots__} for one in tasks_]
            self._conn.execute(sa.insert(tasks), rows)
        self._conn.execute(sa.update(instances).where(_this(engine_id, instance_id)).values(tasks_due=0))

    def remove(self, engine_id: int, instance_ids: Collection[str]) -> None:
        for table in (tasks, instances):
            gone = among(self._conn, table.c.instance_id, instance_ids)
            self._conn.execute(sa.delete(table).where(table.c.engine_id == engine_id, gone))

    # --- telling Dagster -------------------------------------------------------------------------

    def untold(self, limit: int) -> Sequence[Ran]:
        open_ones = _I.told_at.is_(None) & (_I.tasks_due == 0) & _I.state.not_in(_OPEN)
        query = _INSTANCES.add_columns(_E.name.label("engine_name")).join(engine, _E.id == _I.engine_id)
        rows = self._conn.execute(query.where(open_ones).order_by(*_OLDEST_FIRST).limit(limit)).all()
        return [
            Ran(
                row.engine_id,
                row.engine_name,
                _cached(row),
                [one.task_code for one in self.tasks(row.engine_id, row.instance_id) if one.state == "success"],
            )
            for row in rows
        ]

    def told(self, engine_id: int, instance_id: str, run: int) -> None:
        this = _this(engine_id, instance_id) & (_I.run == run)
        self._conn.execute(sa.update(instances).where(this).values(told_at=db_now()))

    # --- looking ---------------------------------------------------------------------------------

    def sync_state(self, engine_id: int) -> SyncState | None:
        columns = (*(_S[name] for name in SyncState.__slots__ if name != "now"), db_now())
        row = self._conn.execute(sa.select(*columns).where(_S.engine_id == engine_id)).one_or_none()
        return None if row is None else SyncState(*row)

    def due(self, kinds_without: str, seconds: float) -> Sequence[str]:
        late = _S.tried_at.is_(None) | (_S.tried_at <= db_now(-seconds))
        query = sa.select(_E.name).outerjoin(syncs, _S.engine_id == _E.id)
        return list(self._conn.scalars(query.where(_E.kind != kinds_without, late).order_by(_E.name)))

    def list(self, engine_id: int, workflow_code: str | None, limit: int) -> Sequence[CachedInstance]:
        query = _INSTANCES.where(_I.engine_id == engine_id)
        if workflow_code is not None:
            query = query.where(_W.workflow_code == workflow_code)
        rows = self._conn.execute(query.order_by(*(column.desc() for column in _OLDEST_FIRST)).limit(limit))
        return [_cached(row) for row in rows]

    def get(self, engine_id: int, instance_id: str) -> CachedInstance | None:
        row = self._conn.execute(_INSTANCES.where(_this(engine_id, instance_id))).one_or_none()
        return None if row is None else _cached(row)

    def tasks(self, engine_id: int, instance_id: str) -> Sequence[TaskInstance]:
        columns = [_T[name] for name in TaskInstance.__slots__]
        query = sa.select(*columns).where(_T.engine_id == engine_id, _T.instance_id == instance_id)
        return [TaskInstance(*row) for row in self._conn.execute(query.order_by(_T.task_code))]

    def _insert(self, table: sa.Table) -> Any:
        return (sqlite if self._conn.dialect.name == "sqlite" else postgresql).insert(table)


_INSTANCES = sa.select(instances, _W.workflow_code).join(data_workflow, _W.id == _I.workflow_id)
# Ids are texts; those that are numbers count up.
_OLDEST_FIRST = (_I.submitted_at, sa.func.length(_I.instance_id), _I.instance_id)


def _this(engine_id: int, instance_id: str) -> sa.ColumnElement[bool]:
    return (_I.engine_id == engine_id) & (_I.instance_id == instance_id)


def _latest(engine_id: int, begun: SyncState) -> sa.ColumnElement[bool]:
    """Nobody who began later has come to an end already."""
    return (_S.engine_id == engine_id) & (_S.read_at.is_(None) | (_S.read_at <= begun.tried_at))


def _turned(task_codes: str) -> Mapping[str, str]:
    return {code: task for task, code in orjson.loads(task_codes).items()}


_OF_INSTANCE = tuple(
    name for name in Instance.__slots__ if name not in {"workflow_code", "engine_workflow_code"}
)  # named as the columns


def _values(engine_id: int, one: CachedInstance) -> dict[str, Any]:
    own = {"engine_id": engine_id, "workflow_id": one.workflow_id, "page": one.page, "tasks_due": int(one.tasks_due)}
    return own | {name: getattr(one.instance, name) for name in _OF_INSTANCE}


def _cached(row: sa.Row[Any]) -> CachedInstance:
    told = {name: getattr(row, name) for name in _OF_INSTANCE}
    instance = Instance(workflow_code=row.workflow_code, **told)
    return CachedInstance(row.workflow_id, instance, row.page, bool(row.tasks_due))
