"""Flows, each verb on its own: a transaction, an audit entry also of a refusal, its count and time, spec D's errors."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from wfgov_dagster.domain.flow import JSON, Biz
from wfgov_dagster.errors import (
    Conflict,
    FlowCancelFailed,
    FlowCreateFailed,
    FlowDetailFailed,
    FlowError,
    FlowQueryFailed,
    FlowStartFailed,
    FlowStopFailed,
    InvalidInput,
    NotFound,
    StoreError,
)
from wfgov_dagster.ports.flows import AttemptRow, FlowFilter, FlowRow, NodeRow
from wfgov_dagster.ports.store import Work
from wfgov_dagster.usecases import flow_changes
from wfgov_dagster.usecases.advance_flow import advance_flow, drive_flow
from wfgov_dagster.usecases.flow_changes import create, start
from wfgov_dagster.usecases.flow_manager import Ended, FlowLimits, FlowManager, Held, NodeReport, Registry

__all__ = [
    "Biz", "Detail", "Ended", "FlowLimits", "FlowManager", "Held", "NodeReport", "Page", "Registry", "advance_flow",
    "cancel_flow", "create", "create_flow", "detail", "drive_flow", "due", "init_context", "list_flows", "resume_flow",
    "start", "start_flow", "stop_flow",
]  # fmt: skip

T = TypeVar("T")
_LARGEST_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Page:
    """`total`: of all pages."""

    flows: Sequence[FlowRow]
    page: int
    size: int
    total: int


@dataclass(frozen=True, slots=True)
class Detail:
    flow: FlowRow
    nodes: Sequence[NodeRow]
    attempts: Sequence[AttemptRow]


# --- changes -------------------------------------------------------------------------------------


def create_flow(
    manager: FlowManager, actor: str, biz: Biz, flow_name: str, context: Mapping[str, JSON] | None = None
) -> int:
    """Its id. Raises FlowDefineNotFound for a name that nobody registered here, InvalidInput, FlowCreateFailed."""

    def make(work: Work) -> int:
        definition = manager.definitions.get(flow_name)
        return create(work, actor, biz, flow_name, context, definition)

    return _change(manager, actor, ("create", "new"), FlowCreateFailed, make)


def start_flow(manager: FlowManager, actor: str, flow_id: int) -> None:
    """Asynchronous: it is due, nobody has begun it yet. Raises NotFound, FlowStartFailed."""
    _change(manager, actor, ("start", str(flow_id)), FlowStartFailed, lambda work: start(work, actor, flow_id))


def stop_flow(manager: FlowManager, actor: str, flow_id: int) -> None:
    """At its current flow node. Raises NotFound, FlowStopFailed."""
    about = ("stop", str(flow_id))
    _change(manager, actor, about, FlowStopFailed, lambda work: flow_changes.stop(work, actor, flow_id))


def cancel_flow(manager: FlowManager, actor: str, flow_id: int, reason: str) -> None:
    """What was begun will be undone. Raises NotFound, InvalidInput without a reason, FlowCancelFailed."""
    about = ("cancel", str(flow_id))
    _change(manager, actor, about, FlowCancelFailed, lambda work: flow_changes.cancel(work, actor, flow_id, reason))


def resume_flow(manager: FlowManager, actor: str, flow_id: int) -> None:
    """The same flow node goes on. Raises NotFound, IllegalTransition."""
    about = ("resume", str(flow_id))
    _change(manager, actor, about, FlowStartFailed, lambda work: flow_changes.resume(work, actor, flow_id))


def init_context(manager: FlowManager, actor: str, flow_id: int, entry: tuple[str, JSON], version: int) -> int:
    """Set (key, value); the next context version. Raises NotFound, InvalidInput, Conflict, IllegalTransition."""

    def put(work: Work) -> int:
        return flow_changes.put_context(work, actor, flow_id, entry, version)

    return _change(manager, actor, ("init_context", str(flow_id)), FlowCreateFailed, put)


def _change(
    manager: FlowManager, actor: str, about: tuple[str, str], broken: type[FlowError], change: Callable[[Work], T]
) -> T:
    """`about`: verb, flow."""
    verb, flow = about
    with manager.meter.measure(f"flow_{verb}"), _as(broken, f"flow {flow}"):
        try:
            with manager.store.write() as work:
                return change(work)
        except (InvalidInput, NotFound, Conflict, FlowError) as refusal:
            with manager.store.write() as work:
                detail = {"error": refusal.sentence()}
                work.audit.add(actor, f"{verb}_flow", (flow_changes.OBJECT, flow), detail, refused=True)
            raise


# --- questions -----------------------------------------------------------------------------------


def list_flows(manager: FlowManager, wanted: FlowFilter | None = None, page: int = 1, size: int = 20) -> Page:
    """The newest first. Raises InvalidInput, FlowQueryFailed."""
    if page < 1 or not 1 <= size <= _LARGEST_PAGE:
        raise InvalidInput(f"page {page} of {size}", where="flows", hint=f"pages from 1, of 1 to {_LARGEST_PAGE}")
    asked = wanted or FlowFilter()
    with manager.meter.measure("flow_query"), _as(FlowQueryFailed, "flows"), manager.store.read() as work:
        return Page(work.flows.page(asked, page, size), page, size, work.flows.count(asked))


def detail(manager: FlowManager, flow_id: int) -> Detail:
    """Raises NotFound, FlowDetailFailed."""
    where = f"flow {flow_id}"
    with manager.meter.measure("flow_detail"), _as(FlowDetailFailed, where), manager.store.read() as work:
        return Detail(work.flows.get(flow_id), work.flows.nodes(flow_id), work.flows.attempts(flow_id))


def due(manager: FlowManager, limit: int | None = None) -> list[int]:
    """Flows that wait for a manager now, the oldest due first; those of a holder that is known dead too.

    One query when there is nothing to do. A flow is not told twice to whoever does not know its definition.
    """
    most = limit or manager.limits.batch
    found: list[int] = []
    after = None
    while len(found) < most:
        with manager.store.read() as work:
            page = work.flows.due(manager.definitions.keys(), after, most)
        found += [one.id for one in page if one.holder is None or manager.is_dead(one.holder)]
        if len(page) < most:
            break
        after = page[-1].next_due_at, page[-1].id
    return found[:most]


@contextmanager
def _as(broken: type[FlowError], where: str) -> Iterator[None]:
    """What the database did not do has spec D's code."""
    try:
        yield
    except StoreError as exc:
        raise broken(where=where, hint=exc.sentence()) from exc
