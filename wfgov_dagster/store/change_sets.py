"""Change sets and their members."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import orjson
import sqlalchemy as sa

from wfgov_dagster.domain.change_set import UNDER_WAY, Former, MemberState, OnFailure, SetState
from wfgov_dagster.domain.publish import Operation
from wfgov_dagster.errors import NotFound
from wfgov_dagster.ports.change_sets import ChangeSet, Member, NewMember, NewSet
from wfgov_dagster.ports.publishing import RegisteredEngine
from wfgov_dagster.store.among import among
from wfgov_dagster.store.clock import db_now
from wfgov_dagster.store.publish_records import ENGINE
from wfgov_dagster.store.schema.change_set import change_set, change_set_member
from wfgov_dagster.store.schema.publish import engine, engine_deployment, publish_step, workflow_publish_record
from wfgov_dagster.store.schema.workflow import cross_workflow_dependency, data_workflow

_C, _M, _E, _W, _R = change_set.c, change_set_member.c, engine.c, data_workflow.c, workflow_publish_record.c
_D, _X = engine_deployment.c, cross_workflow_dependency.c
_SET = (_C.id, _C.operation, _C.on_failure, _C.state, _C.parallel, _C.writes_per_second, _C.restores, _C.flow_id,
        _C.operator, _C.canceled_by, _C.cancel_reason, _C.created_at, _C.finished_at)  # fmt: skip
_STEPS = sa.select(sa.func.count()).where(publish_step.c.record_id == _M.record_id).scalar_subquery()
_MEMBER = (_M.id, _M.workflow_id, _W.workflow_code, _M.wave, _M.state, _M.version_no, _M.before, _M.target,
           _M.after_record, _M.record_id, _M.reason, _R.status, _R.phase, _R.error, _STEPS)  # fmt: skip


class SqlChangeSets:
    def __init__(self, conn: sa.Connection) -> None:
        self._conn = conn

    # sets

    def add(self, new: NewSet, members: Sequence[NewMember]) -> int:
        made = self._conn.execute(sa.insert(change_set).values(asdict(new)).returning(_C.id))
        change_set_id = int(made.scalar_one())
        rows = [_row(change_set_id, member) for member in members]
        if rows:
            self._conn.execute(sa.insert(change_set_member), rows)
        return change_set_id

    def get(self, change_set_id: int, *, lock: bool = False) -> ChangeSet:
        if lock:  # in a statement of its own: what one that waited for the lock joins would be as old as its beginning
            self._conn.execute(sa.select(_C.id).where(_C.id == change_set_id).with_for_update())
        found = self._sets(_C.id == change_set_id, limit=1)
        if not found:
            raise NotFound(f"no change set {change_set_id}", hint="wfgov change-set list")
        return found[0]

    def newest(self, limit: int) -> Sequence[ChangeSet]:
        return self._sets(sa.true(), limit)

    def _sets(self, which: sa.ColumnElement[bool], limit: int) -> Sequence[ChangeSet]:
        joined = change_set.join(engine, _E.id == _C.engine_id)
        query = sa.select(*_SET, *ENGINE).select_from(joined).where(which).order_by(_C.id.desc()).limit(limit)
        rows = self._conn.execute(query).all()
        counts = self._counts([row[0] for row in rows])
        return [_set(row, counts[row[0]]) for row in rows]

    def _counts(self, ids: Collection[int]) -> Mapping[int, dict[str, int]]:
        query = sa.select(_M.change_set_id, _M.state, sa.func.count()).where(among(self._conn, _M.change_set_id, ids))
        counts: defaultdict[int, dict[str, int]] = defaultdict(dict)
        for change_set_id, state, count in self._conn.execute(query.group_by(_M.change_set_id, _M.state)):
            counts[change_set_id][state] = count
        return counts

    def restoring(self, change_set_id: int) -> int | None:
        newest: int | None = self._conn.scalar(sa.select(sa.func.max(_C.id)).where(_C.restores == change_set_id))
        return newest

    def set_flow(self, change_set_id: int, flow_id: int) -> None:
        self._change(change_set_id, flow_id=flow_id)

    def set_state(self, change_set_id: int, state: SetState) -> None:
        self._change(change_set_id, state=state, finished_at=None if state in UNDER_WAY else db_now())

    def cancel(self, change_set_id: int, actor: str, reason: str) -> bool:
        this = (_C.id == change_set_id) & _C.canceled_by.is_(None)
        canceled = sa.update(change_set).where(this).values(canceled_by=actor, cancel_reason=reason)
        return self._conn.execute(canceled).rowcount > 0

    def _change(self, change_set_id: int, **values: Any) -> None:
        self._conn.execute(sa.update(change_set).where(_C.id == change_set_id).values(values))

    # members

    def members(self, change_set_id: int) -> Sequence[Member]:
        query = _members().where(_M.change_set_id == change_set_id).order_by(_M.wave, _W.workflow_code)
        return [_member(row) for row in self._conn.execute(query)]

    def member(self, member_id: int) -> Member:
        return _member(self._conn.execute(_members().where(_M.id == member_id)).one())

    def begin(self, member_id: int, record_id: int) -> None:
        self._change_member(member_id, state=MemberState.OPEN, record_id=record_id)

    def end(self, member_id: int, state: MemberState, reason: str | None) -> None:
        self._change_member(member_id, state=state, reason=reason)

    def _change_member(self, member_id: int, **values: Any) -> None:
        self._conn.execute(sa.update(change_set_member).where(_M.id == member_id).values(values))

    def elsewhere(self, engine_id: int, workflow_ids: Collection[int]) -> Mapping[str, int]:
        joined = change_set_member.join(change_set, _C.id == _M.change_set_id).join(
            data_workflow, _W.id == _M.workflow_id
        )
        query = sa.select(_W.workflow_code, sa.func.max(_C.id)).select_from(joined).group_by(_W.workflow_code)
        moving = _M.state.in_([MemberState.WAITING, MemberState.OPEN])
        mine = (_C.engine_id == engine_id) & among(self._conn, _M.workflow_id, workflow_ids)
        rows = self._conn.execute(query.where(moving, mine))
        return {row[0]: row[1] for row in rows}

    # workflows

    def crossing(self, workflow_ids: Collection[int]) -> Sequence[tuple[str, str]]:
        up, down = data_workflow.alias("up"), data_workflow.alias("down")
        joined = cross_workflow_dependency.join(up, up.c.id == _X.upstream_workflow_id).join(
            down, down.c.id == _X.workflow_id
        )
        query = sa.select(up.c.workflow_code, down.c.workflow_code).select_from(joined).distinct()
        inside = among(self._conn, up.c.id, workflow_ids) & among(self._conn, down.c.id, workflow_ids)
        return [(one, other) for one, other in self._conn.execute(query.where(inside, _X.state != "rejected"))]

    def changed(self, engine_id: int, *, is_default: bool) -> Sequence[str]:
        here = (_D.workflow_id == _W.id) & (_D.engine_id == engine_id)
        differs = sa.or_(_D.version_id.is_(None), _D.version_id != _W.current_version_id)
        none_named = sa.and_(_W.engine_id.is_(None), sa.true() if is_default else _D.version_id.is_not(None))
        its_own = sa.or_(_W.engine_id == engine_id, none_named)
        which = (_W.current_version_id.is_not(None), _W.status != "archived", differs, its_own)
        joined = data_workflow.outerjoin(engine_deployment, here)
        query = sa.select(_W.workflow_code).select_from(joined).where(*which).order_by(_W.workflow_code)
        return self._conn.scalars(query).all()


def _members() -> sa.Select[Any]:
    joined = change_set_member.join(data_workflow, _W.id == _M.workflow_id).outerjoin(
        workflow_publish_record, _R.id == _M.record_id
    )
    return sa.select(*_MEMBER).select_from(joined)


def _row(change_set_id: int, member: NewMember) -> dict[str, Any]:
    told = {"before": _text(member.before), "target": _text(member.target)}
    state = MemberState.WAITING if member.reason is None else MemberState.SKIPPED
    return asdict(member) | told | {"change_set_id": change_set_id, "state": state}


def _set(row: Sequence[Any], counts: Mapping[str, int]) -> ChangeSet:
    own, kept = row[: len(_SET)], RegisteredEngine(*row[len(_SET) :])
    identity, operation, on_failure, state, *rest = own
    what: list[Any] = [identity, kept, Operation(operation), OnFailure(on_failure), SetState(state), *rest, counts]
    return ChangeSet(*what)


def _member(row: Sequence[Any]) -> Member:
    identity, workflow_id, code, wave, state, version_no, before, target, *rest = row
    ends = _former(before), _former(target)
    return Member(identity, workflow_id, code, wave, MemberState(state), version_no, *ends, *rest)


def _former(text: str | None) -> Former | None:
    return None if text is None else Former(**orjson.loads(text))


def _text(former: Former | None) -> str | None:
    return None if former is None else orjson.dumps(asdict(former)).decode()
