"""Registered engines, what hangs on them, and which of them a workflow names."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from wfgov_dagster.domain.change_set import MemberState
from wfgov_dagster.ports.engines import EngineUse, Held, NewEngine, WorkflowEngine
from wfgov_dagster.store.among import among
from wfgov_dagster.store.clock import db_now
from wfgov_dagster.store.schema.change_set import change_set, change_set_member
from wfgov_dagster.store.schema.publish import (
    engine,
    engine_deployment,
    workflow_definition_snapshot,
    workflow_publish_record,
)
from wfgov_dagster.store.schema.workflow import data_workflow, workflow_version

_E, _W, _D, _R = engine.c, data_workflow.c, engine_deployment.c, workflow_publish_record.c
_S, _C, _M = workflow_definition_snapshot.c, change_set.c, change_set_member.c
_MOVING = _M.state.in_([MemberState.WAITING, MemberState.OPEN])


class SqlEngines:
    def __init__(self, conn: sa.Connection) -> None:
        self._conn = conn

    # engines

    def add(self, new: NewEngine) -> bool:
        insert = (sqlite if self._conn.dialect.name == "sqlite" else postgresql).insert(engine)
        made = insert.values(asdict(new)).on_conflict_do_nothing().returning(_E.id)
        return self._conn.execute(made).first() is not None

    def use(self, engine_id: int) -> EngineUse:
        on_it = sa.select(_W.workflow_code).join(engine_deployment, _D.workflow_id == _W.id)
        on_it = on_it.where(_D.engine_id == engine_id).order_by(_W.workflow_code)
        named = sa.select(_W.workflow_code).where(_W.engine_id == engine_id).order_by(_W.workflow_code)
        pending = sa.select(_R.id).where(_R.engine_id == engine_id, _R.status == "pending").order_by(_R.id)
        sets = sa.select(_C.id).join(change_set_member, _M.change_set_id == _C.id).distinct().order_by(_C.id)
        return EngineUse(
            named_by=self._all(named),
            deployed=self._all(on_it),
            online=self._all(on_it.where(sa.or_(_D.online == 1, _D.schedule_online == 1))),
            open_records=self._all(pending),
            change_sets=self._all(sets.where(_C.engine_id == engine_id, _MOVING)),
            has_history=self._has_history(engine_id),
        )

    def _has_history(self, engine_id: int) -> bool:
        mentions = (_R.engine_id, _S.engine_id, _D.engine_id, _C.engine_id)
        queries = (sa.select(column).where(column == engine_id).limit(1) for column in mentions)
        return any(self._conn.execute(query).first() is not None for query in queries)

    def set_credential(self, engine_id: int, ref: str, sealed: str | None) -> None:
        self._change(engine_id, credential_ref=ref, credential_sealed=sealed)

    def set_family(self, engine_id: int, family: str) -> None:
        self._change(engine_id, family=family)

    def remove(self, engine_id: int, *, keep: bool) -> None:
        if keep:
            self._change(engine_id, credential_ref=None, credential_sealed=None, removed_at=db_now())
        else:
            self._conn.execute(sa.delete(engine).where(_E.id == engine_id))

    def _change(self, engine_id: int, **values: Any) -> None:
        self._conn.execute(sa.update(engine).where(_E.id == engine_id).values(values))

    # workflows

    def of_workflow(self, code: str, *, lock: bool = False) -> WorkflowEngine | None:
        if lock:  # in a statement of its own: what one that waited for the lock joins would be as old as its beginning
            self._conn.execute(sa.select(_W.id).where(_W.workflow_code == code).with_for_update())
        query = sa.select(_W.id, _E.name).outerjoin(engine, _E.id == _W.engine_id).where(_W.workflow_code == code)
        row = self._conn.execute(query).one_or_none()
        if row is None:
            return None
        workflow_id, name = row
        pending = sa.select(_R.id).where(_R.workflow_id == workflow_id, _R.status == "pending").order_by(_R.id)
        sets = sa.select(_M.change_set_id).where(_M.workflow_id == workflow_id, _MOVING).order_by(_M.change_set_id)
        return WorkflowEngine(workflow_id, name, self._held(workflow_id), self._all(pending), self._all(sets))

    def _held(self, workflow_id: int) -> Sequence[Held]:
        query = (
            sa.select(_E.name, workflow_version.c.version_no, _D.online, _D.schedule_online)
            .select_from(engine_deployment)
            .join(engine, _E.id == _D.engine_id)
            .join(workflow_version, workflow_version.c.id == _D.version_id)
            .where(_D.workflow_id == workflow_id, _E.removed_at.is_(None))
            .order_by(_E.name)
        )
        return [Held(name, number, bool(on), bool(fires)) for name, number, on, fires in self._conn.execute(query)]

    def named(self, codes: Collection[str]) -> Mapping[str, str]:
        query = sa.select(_W.workflow_code, _E.name).join(engine, _E.id == _W.engine_id)
        rows = self._conn.execute(query.where(among(self._conn, _W.workflow_code, codes)))
        return {row[0]: row[1] for row in rows}

    def name(self, workflow_id: int, engine_id: int | None, actor: str) -> None:
        values = {"engine_id": engine_id, "updated_by": actor, "updated_at": db_now()}
        self._conn.execute(sa.update(data_workflow).where(_W.id == workflow_id).values(values))

    def _all(self, query: sa.Select[Any]) -> Sequence[Any]:
        return self._conn.scalars(query).all()
