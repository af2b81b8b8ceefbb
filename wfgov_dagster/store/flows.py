"""Durable flows: rows, leases, attempts. What two may do at once is decided by the row count of one statement."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from wfgov_dagster.domain.flow import JSON, MOVING, FlowState, NodeKind, NodeState
from wfgov_dagster.domain.flow_steps import Action, Failed
from wfgov_dagster.errors import NotFound
from wfgov_dagster.ports.flows import AttemptRow, DueFlow, FlowFilter, FlowLease, FlowRow, NewFlow, NodeRow
from wfgov_dagster.store import flow_statements as asked
from wfgov_dagster.store.clock import db_now
from wfgov_dagster.store.flow_statements import FLOW, MOVING_STATES, NODE
from wfgov_dagster.store.schema.flow import flow, flow_attempt, flow_node

_F, _N, _A = flow.c, flow_node.c, flow_attempt.c
_ATTEMPT = (
    _N.node_name, _A.no, _A.action, _A.holder, _A.epoch, _A.looks, _A.outcome, _A.error_code, _A.error, _A.started_at,
    _A.ended_at,
)  # fmt: skip
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
        row = self._conn.execute(*(asked.locked(flow_id) if lock else asked.get(flow_id))).mappings().one_or_none()
        if row is None:
            raise NotFound(f"no flow {flow_id}", where="flows", hint="wfgov flow list")
        return _flow(row)

    def nodes(self, flow_id: int) -> Sequence[NodeRow]:
        return [_node(row) for row in self._conn.execute(*asked.nodes(flow_id)).mappings()]

    def node(self, node_id: int) -> NodeRow:
        return _node(self._conn.execute(sa.select(*NODE).where(_N.id == node_id)).mappings().one())

    def node_names(self, flow_id: int) -> Sequence[str]:
        return list(self._conn.scalars(sa.select(_N.node_name).where(_N.flow_id == flow_id).order_by(_N.no)))

    def first_open(self, flow_id: int) -> NodeRow | None:
        row = self._conn.execute(*asked.first_open(flow_id)).mappings().one_or_none()
        return None if row is None else _node(row)

    def attempts(self, flow_id: int) -> Sequence[AttemptRow]:
        query = sa.select(*_ATTEMPT).select_from(flow_attempt.join(flow_node, _N.id == _A.flow_node_id))
        rows = self._conn.execute(query.where(_N.flow_id == flow_id).order_by(_A.id))
        return [AttemptRow(**{**row, "action": Action(row["action"])}) for row in rows.mappings()]

    def page(self, wanted: FlowFilter, page: int, size: int) -> Sequence[FlowRow]:
        query = sa.select(*FLOW, db_now().label("read_at")).where(_matches(wanted)).order_by(_F.id.desc())
        rows = self._conn.execute(query.limit(size).offset((page - 1) * size))
        return [_flow(row) for row in rows.mappings()]

    def count(self, wanted: FlowFilter) -> int:
        return int(
            self._conn.execute(sa.select(sa.func.count()).select_from(flow).where(_matches(wanted))).scalar_one()
        )

    def due(
        self, known: Collection[tuple[str, int]], after: tuple[datetime, int] | None, limit: int
    ) -> Sequence[DueFlow]:
        flows = asked.due(list(known), limit) if after is None else asked.due_after(list(known), *after, limit)
        return [DueFlow(*row) for row in self._conn.execute(*flows)]

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
        return self._change(flow_id, _F.state.in_(MOVING_STATES), next_due_at=db_now())

    # what managers do

    def take(self, flow_id: int, holder: str, seconds: float, dead: str | None = None) -> FlowLease | None:
        epoch = self._conn.execute(*asked.take(flow_id, holder, seconds, dead or "")).scalar_one_or_none()
        return None if epoch is None else FlowLease(flow_id, holder, epoch)

    def keep(self, lease: FlowLease, seconds: float) -> bool:
        return self._conn.execute(*asked.keep(lease.flow_id, lease.holder, lease.epoch, seconds)).rowcount > 0

    def give_back(self, lease: FlowLease) -> bool:
        return self._conn.execute(*asked.give_back(lease.flow_id, lease.holder, lease.epoch)).rowcount > 0

    def begin(self, lease: FlowLease, node: NodeRow, action: Action, deadline_seconds: float | None) -> int:
        self._conn.execute(*(asked.do if action is Action.DO else asked.undo)(node.id))
        if deadline_seconds is not None:
            self._change_node(node.id, deadline_at=sa.func.coalesce(_N.deadline_at, db_now(deadline_seconds)))
        if action is Action.UNDO or node.kind is NodeKind.POLL:
            number = self._conn.execute(*asked.look(node.id, action, lease.holder, lease.epoch)).scalar_one_or_none()
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
        self._conn.execute(*asked.interrupted(node_id))

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
        self._conn.execute(*asked.later(flow_id, seconds))

    def set_error(self, flow_id: int, failure: Failed | None) -> None:
        self._change(flow_id, **_error(failure))

    def _end(self, node_id: int, **values: Any) -> None:
        changed = sa.update(flow_attempt).where(asked.open_attempt(node_id))
        self._conn.execute(changed.values(ended_at=db_now(), **values))

    def _change(self, flow_id: int, *conditions: sa.ColumnElement[bool], **values: Any) -> bool:
        changed = sa.update(flow).where(_F.id == flow_id, *conditions).values(values)
        return self._conn.execute(changed).rowcount > 0

    def _change_node(self, node_id: int, **values: Any) -> None:
        self._conn.execute(sa.update(flow_node).where(_N.id == node_id).values(values))


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
