"""Statements of `flows.py` that every advance executes."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from wfgov_dagster.domain.flow import MOVING, NodeState
from wfgov_dagster.errors import FlowDefineNotFound
from wfgov_dagster.store.clock import db_now
from wfgov_dagster.store.prepared import prepared
from wfgov_dagster.store.schema.flow import flow, flow_attempt, flow_node

_F, _N, _A = flow.c, flow_node.c, flow_attempt.c
FLOW = (
    _F.id, _F.flow_key, _F.flow_name, _F.definition_version, _F.biz_id, _F.biz_type, _F.state, _F.context,
    _F.context_version, _F.cancel_reason, _F.error_code, _F.error, _F.created_by, _F.holder, _F.epoch, _F.until,
    _F.next_due_at, _F.deadline_at, _F.created_at, _F.started_at, _F.ended_at,
)  # fmt: skip
NODE = (
    _N.id, _N.no, _N.node_name, _N.kind, _N.state, _N.result, _N.failures, _N.interruptions, _N.error_code, _N.error,
    _N.deadline_at, _N.started_at, _N.ended_at,
)  # fmt: skip
MOVING_STATES = tuple(sorted(MOVING))


def is_flow_due(known: list[tuple[str, int]]) -> sa.ColumnElement[bool]:
    """With somebody or not. One whose definition somebody did not find comes only to who knows it."""
    definition = sa.tuple_(_F.flow_name, sa.func.coalesce(_F.definition_version, 0))
    unknown = sa.func.coalesce(_F.error_code, "") == FlowDefineNotFound.code
    return (_F.next_due_at <= db_now()) & sa.or_(sa.not_(unknown), definition.in_(known))


@prepared
def due(known: list[tuple[str, int]], limit: int) -> sa.Executable:
    return all_due(known).limit(limit)


@prepared
def due_after(known: list[tuple[str, int]], moment: datetime, flow_id: int, limit: int) -> sa.Executable:
    later = sa.or_(_F.next_due_at > moment, sa.and_(_F.next_due_at == moment, _F.id > flow_id))
    return all_due(known).where(later).limit(limit)


def all_due(known: list[tuple[str, int]]) -> sa.Select[Any]:
    held = sa.case((_F.until > db_now(), _F.holder))
    return sa.select(_F.id, _F.next_due_at, held).where(is_flow_due(known)).order_by(_F.next_due_at, _F.id)


@prepared
def get(flow_id: int) -> sa.Executable:
    return sa.select(*FLOW, db_now().label("read_at")).where(_F.id == flow_id)


@prepared
def locked(flow_id: int) -> sa.Executable:
    return sa.select(*FLOW, db_now().label("read_at")).where(_F.id == flow_id).with_for_update()


@prepared
def nodes(flow_id: int) -> sa.Executable:
    return sa.select(*NODE).where(_N.flow_id == flow_id).order_by(_N.no)


@prepared
def first_open(flow_id: int) -> sa.Executable:
    return sa.select(*NODE).where(_N.flow_id == flow_id, _N.state != NodeState.DONE).order_by(_N.no).limit(1)


@prepared
def take(flow_id: int, holder: str, seconds: float, dead: str) -> sa.Executable:
    free = sa.or_(_F.holder.is_(None), _F.until <= db_now(), _F.holder == dead)
    taken = sa.update(flow).where(_F.id == flow_id, free)
    return taken.values(holder=holder, epoch=_F.epoch + 1, until=db_now(seconds)).returning(_F.epoch)


@prepared
def keep(flow_id: int, holder: str, epoch: int, seconds: float) -> sa.Executable:
    return sa.update(flow).where(_F.id == flow_id, held(holder, epoch)).values(until=db_now(seconds))


@prepared
def give_back(flow_id: int, holder: str, epoch: int) -> sa.Executable:
    return sa.update(flow).where(_F.id == flow_id, held(holder, epoch)).values(holder=None, until=None)


@prepared
def later(flow_id: int, seconds: float) -> sa.Executable:
    return sa.update(flow).where(_F.id == flow_id, _F.state.in_(MOVING_STATES)).values(next_due_at=db_now(seconds))


@prepared
def do(node_id: int) -> sa.Executable:
    began = sa.func.coalesce(_N.started_at, db_now())
    return sa.update(flow_node).where(_N.id == node_id).values(state=NodeState.RUNNING, started_at=began, ended_at=None)


@prepared
def undo(node_id: int) -> sa.Executable:
    return sa.update(flow_node).where(_N.id == node_id).values(started_at=sa.func.coalesce(_N.started_at, db_now()))


@prepared
def look(node_id: int, action: str, holder: str, epoch: int) -> sa.Executable:
    again = sa.update(flow_attempt).where(open_attempt(node_id), _A.action == action)
    return again.values(looks=_A.looks + 1, holder=holder, epoch=epoch).returning(_A.no)


@prepared
def interrupted(node_id: int) -> sa.Executable:
    return sa.update(flow_node).where(_N.id == node_id).values(interruptions=_N.interruptions + 1)


def held(holder: str, epoch: int) -> sa.ColumnElement[bool]:
    return (_F.holder == holder) & (_F.epoch == epoch)


def open_attempt(node_id: int) -> sa.ColumnElement[bool]:
    return (_A.flow_node_id == node_id) & _A.outcome.is_(None)
