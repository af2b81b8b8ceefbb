"""Durable flows: rows, leases, attempts. What two may do at once is decided by the row count of one statement."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from wfgov_dagster.domain.flow import JSON, MOVING, FlowState, NodeKind, NodeState
from wfgov_dagster.domain.flow_steps import Action, Failed
from wfgov_dagster.errors import FlowDefineNotFound, NotFound
from wfgov_dagster.ports.flows import AttemptRow, DueFlow, FlowFilter, FlowLease, FlowRow, NewFlow, NodeRow
from wfgov_dagster.store.clock import db_now
from wfgov_dagster.store.prepared import prepared
from wfgov_dagster.store.schema.flow import flow, flow_attempt, flow_node

_F, _N, _A = flow.c, flow_node.c, flow_attempt.c
_FLOW = (
    _F.id, _F.flow_key, _F.flow_name, _F.definition_version, _F.biz_id, _F.biz_type, _F.state, _F.context,
    _F.context_version, _F.cancel_reason, _F.error_code, _F.error, _F.created_by, _F.holder, _F.epoch, _F.until,
    _F.next_due_at, _F.deadline_at, _F.created_at, _F.started_at, _F.ended_at,
)  # fmt: skip
_NODE = (
    _N.id, _N.no, _N.node_name, _N.kind, _N.state, _N.result, _N.failures, _N.interruptions, _N.error_code, _N.error,
    _N.deadline_at, _N.started_at, _N.ended_at,
)  # fmt: skip
_ATTEMPT = (
    _N.node_name, _A.no, _A.action, _A.holder, _A.epoch, _A.looks, _A.outcome, _A.error_code, _A.error, _A.started_at,
    _A.ended_at,
)  # fmt: skip
_MOVING = tuple(sorted(MOVING))
_OVER = frozenset({FlowState.FINISHED, FlowState.CANCELED, FlowState.ERROR})


class SqlFlows:
    def __init__(self, conn: sa.Connection) -> None:
        self._conn = conn

    # what there is

    def add(self, new: NewFlow) -> int:
        values = {
            "flow_key": uuid.uuid4().hex,
            "flow_name": new.flow_name,
            "definition_version": new.definition_version,
            "biz_id": new.biz.biz_id,
            "biz_type": new.biz.biz_type,
            "context": _text(new.context),
            "created_by": new.created_by,
        }
        return int(self._conn.execute(sa.insert(flow).values(values).returning(_F.id)).scalar_one())

    def choose(self, flow_id: int, version: int, nodes: Sequence[tuple[str, NodeKind]]) -> None:
        self._change(flow_id, definition_version=version)
        rows = [
            {"flow_id": flow_id, "no": no, "node_name": name, "kind": kind} for no, (name, kind) in enumerate(nodes, 1)
        ]
        self._conn.execute(sa.insert(flow_node), rows)

    def get(self, flow_id: int, *, lock: bool = False) -> FlowRow:
        row = self._conn.execute(*(_locked(flow_id) if lock else _get(flow_id))).mappings().one_or_none()
        if row is None:
            raise NotFound(f"no flow {flow_id}", where="flows", hint="wfgov flow list")
        return _flow(row)

    def nodes(self, flow_id: int) -> Sequence[NodeRow]:
        return [_node(row) for row in self._conn.execute(*_nodes(flow_id)).mappings()]

    def attempts(self, flow_id: int) -> Sequence[AttemptRow]:
        query = sa.select(*_ATTEMPT).select_from(flow_attempt.join(flow_node, _N.id == _A.flow_node_id))
        rows = self._conn.execute(query.where(_N.flow_id == flow_id).order_by(_A.id))
        return [AttemptRow(**{**row, "action": Action(row["action"])}) for row in rows.mappings()]

    def page(self, wanted: FlowFilter, page: int, size: int) -> Sequence[FlowRow]:
        query = sa.select(*_FLOW, db_now().label("read_at")).where(_matches(wanted)).order_by(_F.id.desc())
        rows = self._conn.execute(query.limit(size).offset((page - 1) * size))
        return [_flow(row) for row in rows.mappings()]

    def count(self, wanted: FlowFilter) -> int:
        return int(
            self._conn.execute(sa.select(sa.func.count()).select_from(flow).where(_matches(wanted))).scalar_one()
        )

    def due(
        self, known: Collection[tuple[str, int]], after: tuple[datetime, int] | None, limit: int
    ) -> Sequence[DueFlow]:
        asked = _due(list(known), limit) if after is None else _due_after(list(known), *after, limit)
        return [DueFlow(*row) for row in self._conn.execute(*asked)]

    # what people do

    def put_context(self, flow_id: int, context: Mapping[str, JSON], version: int) -> bool:
        open_ = (_F.context_version == version) & (_F.state == FlowState.INITIALIZING)
        return self._change(flow_id, open_, context=_text(context), context_version=version + 1)

    def move(self, flow_id: int, before: FlowState, after: FlowState) -> bool:
        values: dict[str, Any] = {
            "state": after,
            "next_due_at": db_now() if after in MOVING else None,
            "ended_at": db_now() if after in _OVER else None,
        }
        if before is FlowState.INITIALIZING and after is FlowState.PROCESSING:
            values["started_at"] = db_now()
        return self._change(flow_id, _F.state == before, **values)

    def give_reason(self, flow_id: int, reason: str) -> None:
        self._change(flow_id, _F.cancel_reason.is_(None), cancel_reason=reason)

    def forgive(self, flow_id: int) -> None:
        self._change(flow_id, error_code=None, error=None, deadline_at=None)
        counted = {"failures": 0, "interruptions": 0, "deadline_at": None}
        self._conn.execute(sa.update(flow_node).where(_N.flow_id == flow_id).values(counted))

    def wake(self, flow_id: int) -> bool:
        return self._change(flow_id, _F.state.in_(_MOVING), next_due_at=db_now())

    # what managers do

    def take(self, flow_id: int, holder: str, seconds: float, dead: str | None = None) -> FlowLease | None:
        epoch = self._conn.execute(*_take(flow_id, holder, seconds, dead or "")).scalar_one_or_none()
        return None if epoch is None else FlowLease(flow_id, holder, epoch)

    def keep(self, lease: FlowLease, seconds: float) -> bool:
        return self._conn.execute(*_keep(lease.flow_id, lease.holder, lease.epoch, seconds)).rowcount > 0

    def give_back(self, lease: FlowLease) -> bool:
        return self._conn.execute(*_give_back(lease.flow_id, lease.holder, lease.epoch)).rowcount > 0

    def begin(self, lease: FlowLease, node: NodeRow, action: Action, deadline_seconds: float | None) -> int:
        self._conn.execute(*(_do if action is Action.DO else _undo)(node.id))
        if deadline_seconds is not None:
            self._change_node(node.id, deadline_at=sa.func.coalesce(_N.deadline_at, db_now(deadline_seconds)))
        if action is Action.UNDO or node.kind is NodeKind.POLL:
            number = self._conn.execute(*_look(node.id, action, lease.holder, lease.epoch)).scalar_one_or_none()
            if number is not None:
                return int(number)
        self._end(node.id, outcome="interrupted")
        return self._new_attempt(lease, node.id, action)

    def _new_attempt(self, lease: FlowLease, node_id: int, action: Action) -> int:
        highest = sa.select(sa.func.coalesce(sa.func.max(_A.no), 0) + 1).where(_A.flow_node_id == node_id)
        made = sa.insert(flow_attempt).values(
            flow_node_id=node_id,
            no=highest.scalar_subquery(),
            action=action,
            holder=lease.holder,
            epoch=lease.epoch,
            started_at=db_now(),
        )
        return int(self._conn.execute(made.returning(_A.no)).scalar_one())

    def interrupted(self, node_id: int) -> None:
        self._conn.execute(*_interrupted(node_id))

    def uninterrupted(self, node_id: int) -> None:
        self._change_node(node_id, interruptions=0)

    def end_attempt(self, node_id: int, failure: Failed | None) -> None:
        self._end(node_id, outcome="ok" if failure is None else "failed", **_error(failure))

    def done(self, node_id: int, result: JSON) -> None:
        values = {"state": NodeState.DONE, "result": _text(result), "ended_at": db_now()}
        self._change_node(node_id, **values, **_error(None))

    def undone(self, node_id: int) -> None:
        self._change_node(node_id, state=NodeState.UNDONE, ended_at=db_now(), **_error(None))

    def failed_once(self, node_id: int, failure: Failed) -> None:
        self._change_node(node_id, failures=_N.failures + 1, **_error(failure))

    def failed(self, node_id: int, failure: Failed, action: Action) -> None:
        state = {"state": NodeState.FAILED} if action is Action.DO else {}
        self._change_node(node_id, failures=_N.failures + 1, ended_at=db_now(), **state, **_error(failure))

    def set_deadline(self, flow_id: int, seconds: float) -> None:
        self._change(flow_id, _F.deadline_at.is_(None), deadline_at=db_now(seconds))

    def later(self, flow_id: int, seconds: float) -> None:
        self._conn.execute(*_later(flow_id, seconds))

    def set_error(self, flow_id: int, failure: Failed | None) -> None:
        self._change(flow_id, **_error(failure))

    def _end(self, node_id: int, **values: Any) -> None:
        self._conn.execute(sa.update(flow_attempt).where(_open(node_id)).values(ended_at=db_now(), **values))

    def _change(self, flow_id: int, *conditions: sa.ColumnElement[bool], **values: Any) -> bool:
        changed = sa.update(flow).where(_F.id == flow_id, *conditions).values(values)
        return self._conn.execute(changed).rowcount > 0

    def _change_node(self, node_id: int, **values: Any) -> None:
        self._conn.execute(sa.update(flow_node).where(_N.id == node_id).values(values))


@prepared
def _due(known: list[tuple[str, int]], limit: int) -> sa.Executable:
    return _all_due(known).limit(limit)


@prepared
def _due_after(known: list[tuple[str, int]], moment: datetime, flow_id: int, limit: int) -> sa.Executable:
    later = sa.or_(_F.next_due_at > moment, sa.and_(_F.next_due_at == moment, _F.id > flow_id))
    return _all_due(known).where(later).limit(limit)


def _all_due(known: list[tuple[str, int]]) -> sa.Select[Any]:
    held = sa.case((_F.until > db_now(), _F.holder))
    definition = sa.tuple_(_F.flow_name, sa.func.coalesce(_F.definition_version, 0))
    unknown = sa.func.coalesce(_F.error_code, "") == FlowDefineNotFound.code
    due = sa.select(_F.id, _F.next_due_at, held).order_by(_F.next_due_at, _F.id)
    return due.where(_F.next_due_at <= db_now(), sa.or_(sa.not_(unknown), definition.in_(known)))


@prepared
def _get(flow_id: int) -> sa.Executable:
    return sa.select(*_FLOW, db_now().label("read_at")).where(_F.id == flow_id)


@prepared
def _locked(flow_id: int) -> sa.Executable:
    return sa.select(*_FLOW, db_now().label("read_at")).where(_F.id == flow_id).with_for_update()


@prepared
def _nodes(flow_id: int) -> sa.Executable:
    return sa.select(*_NODE).where(_N.flow_id == flow_id).order_by(_N.no)


@prepared
def _take(flow_id: int, holder: str, seconds: float, dead: str) -> sa.Executable:
    free = sa.or_(_F.holder.is_(None), _F.until <= db_now(), _F.holder == dead)
    taken = sa.update(flow).where(_F.id == flow_id, free)
    return taken.values(holder=holder, epoch=_F.epoch + 1, until=db_now(seconds)).returning(_F.epoch)


@prepared
def _keep(flow_id: int, holder: str, epoch: int, seconds: float) -> sa.Executable:
    return sa.update(flow).where(_F.id == flow_id, _held(holder, epoch)).values(until=db_now(seconds))


@prepared
def _give_back(flow_id: int, holder: str, epoch: int) -> sa.Executable:
    return sa.update(flow).where(_F.id == flow_id, _held(holder, epoch)).values(holder=None, until=None)


@prepared
def _later(flow_id: int, seconds: float) -> sa.Executable:
    return sa.update(flow).where(_F.id == flow_id, _F.state.in_(_MOVING)).values(next_due_at=db_now(seconds))


@prepared
def _do(node_id: int) -> sa.Executable:
    began = sa.func.coalesce(_N.started_at, db_now())
    return sa.update(flow_node).where(_N.id == node_id).values(state=NodeState.RUNNING, started_at=began, ended_at=None)


@prepared
def _undo(node_id: int) -> sa.Executable:
    return sa.update(flow_node).where(_N.id == node_id).values(started_at=sa.func.coalesce(_N.started_at, db_now()))


@prepared
def _look(node_id: int, action: str, holder: str, epoch: int) -> sa.Executable:
    again = sa.update(flow_attempt).where(_open(node_id), _A.action == action)
    return again.values(looks=_A.looks + 1, holder=holder, epoch=epoch).returning(_A.no)


@prepared
def _interrupted(node_id: int) -> sa.Executable:
    return sa.update(flow_node).where(_N.id == node_id).values(interruptions=_N.interruptions + 1)


def _held(holder: str, epoch: int) -> sa.ColumnElement[bool]:
    return (_F.holder == holder) & (_F.epoch == epoch)


def _open(node_id: int) -> sa.ColumnElement[bool]:
    return (_A.flow_node_id == node_id) & _A.outcome.is_(None)


def _matches(wanted: FlowFilter) -> sa.ColumnElement[bool]:
    asked = ((_F.biz_id, wanted.biz_id), (_F.biz_type, wanted.biz_type), (_F.state, wanted.state))
    return sa.and_(sa.true(), *(column == value for column, value in asked if value is not None))


def _flow(row: sa.RowMapping) -> FlowRow:
    told = {"state": FlowState(row["state"]), "context": orjson.loads(row["context"])}
    return FlowRow(**{**row, **told})


def _node(row: sa.RowMapping) -> NodeRow:
    result = None if row["result"] is None else orjson.loads(row["result"])
    told = {"kind": NodeKind(row["kind"]), "state": NodeState(row["state"]), "result": result}
    return NodeRow(**{**row, **told})


def _error(failure: Failed | None) -> dict[str, str | None]:
    if failure is None:
        return {"error_code": None, "error": None}
    return {"error_code": failure.code[:50], "error": failure.message}


def _text(value: object) -> str:
    return orjson.dumps(value).decode()
