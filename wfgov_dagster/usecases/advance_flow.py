"""`advance_flow` is one call of one flow node's function: lease and intent on record, the call, its word on record.

Nothing is in memory between two calls and no transaction is open during one. Whoever dies leaves rows from which the
next call goes on. A word that comes after the lease was taken over is not written.
"""

import math
from collections.abc import Callable

from wfgov_dagster.domain.flow import MOVING, Again, FlowEvent, FlowState
from wfgov_dagster.domain.flow_steps import Action, Done, Failed, Patience, Wait, Word, failed, judge
from wfgov_dagster.errors import FlowDefineNotFound
from wfgov_dagster.ports.flows import FlowRow, NodeRow
from wfgov_dagster.ports.store import Work
from wfgov_dagster.usecases.flow_manager import Ended, FlowManager, Held, NodeReport
from wfgov_dagster.usecases.flow_turn import Begun, begin, end, fail, next_call, seconds_until, word_of

_LOOK_SECONDS = 0.1  # between looks while another manager is at it


def drive_flow(
    manager: FlowManager,
    flow_id: int,
    sleep: Callable[[float], None],
    patience_seconds: float = 2.0,
    should_stop: Callable[[], bool] = lambda: False,
) -> Ended | Again | Held:
    """Advance until it ends, has to wait longer than the patience, or is another's for longer than that.

    A flow that has to wait is found by the watch loop when it is due. Raises as `advance_flow` does.
    """
    patience = patience_seconds
    while True:
        said = advance_flow(manager, flow_id)
        match said:
            case Again(after_seconds) if after_seconds <= patience_seconds:
                patience, pause = patience_seconds, after_seconds
            case Held() if patience > 0:
                patience, pause = patience - _LOOK_SECONDS, _LOOK_SECONDS
            case _:
                return said
        if should_stop():
            return said
        if pause > 0:
            sleep(pause)


def advance_flow(manager: FlowManager, flow_id: int) -> Ended | Again | Held:
    """Raises NotFound, or FlowDefineNotFound, which the flow then shows, too. What a flow node's function raises is
    its word and no error here."""
    begun = _begin(manager, flow_id)
    if isinstance(begun, Held) and manager.is_dead(begun.holder):
        begun = _begin(manager, flow_id, dead=begun.holder)
    if isinstance(begun, FlowDefineNotFound):
        raise begun
    if not isinstance(begun, Begun):
        return begun
    return _end(begun, word_of(begun))


def _begin(
    manager: FlowManager, flow_id: int, dead: str | None = None
) -> Begun | Ended | Again | Held | FlowDefineNotFound:
    with manager.store.write() as work:
        flow = work.flows.get(flow_id, lock=True)
        if flow.state not in MOVING:
            return Ended.of(flow)
        wait = seconds_until(flow.next_due_at, flow.read_at) or 0.0
        if wait > 0:
            return Again(wait)
        lease = work.flows.take(flow_id, manager.holder, manager.limits.lease_seconds, dead)
        if lease is None:
            return _held(flow)
        try:
            return begin(manager, work, flow, lease)
        except FlowDefineNotFound as unknown:
            work.flows.set_error(flow_id, failed(unknown))
            work.flows.give_back(lease)
            return unknown


def _end(begun: Begun, word: Word) -> Ended | Again | Held:
    """Write its word down, unless somebody took over."""
    flow_id, manager = begun.flow.id, begun.manager
    with manager.store.write() as work:
        kept = work.flows.give_back(begun.lease)
        flow = work.flows.get(flow_id)
        if not kept:
            return _held(flow)
        row = work.flows.node(begun.row.id)
        left = seconds_until(row.deadline_at, flow.read_at)
        verdict = judge(begun.call.node, word, Patience(row.failures, left, manager.retry_seconds))
        said = _write(work, begun, flow, row, verdict)
    manager.tell(_event(begun, verdict))
    return said


def _write(work: Work, begun: Begun, flow: FlowRow, row: NodeRow, verdict: Done | Wait | Failed) -> Ended | Again:
    """`flow`: as people may have left it meanwhile."""
    action = begun.call.action
    ours = flow.state is (FlowState.PROCESSING if action is Action.DO else FlowState.CANCELING)
    match verdict:
        case Done(result):
            work.flows.end_attempt(row.id, None)
            if action is Action.DO:
                work.flows.done(row.id, result)
            else:
                work.flows.undone(row.id)
            return _go_on(work, begun, flow)
        case Wait(seconds, reason=reason):
            if reason is not None:
                work.flows.end_attempt(row.id, reason)
                work.flows.failed_once(row.id, reason)
            elif row.interruptions:
                work.flows.uninterrupted(row.id)
            woken = flow.next_due_at != begun.flow.next_due_at  # while it was at work: what it looked for may be there
            return _later(work, flow, min(seconds, _left(flow, action)) if ours and not woken else 0.0)
        case Failed() if ours:
            return fail(work, begun.lease, flow.state, row, verdict)
        case Failed():
            work.flows.end_attempt(row.id, verdict)
            work.flows.failed(row.id, verdict, action)
            return _later(work, flow, 0.0)


def _go_on(work: Work, begun: Begun, flow: FlowRow) -> Ended | Again:
    if flow.state in MOVING:
        found = next_call(work, flow, begun.definition)
        if isinstance(found, FlowEvent):
            return end(work, begun.lease, flow.state, found)
    return _later(work, flow, 0.0)


def _later(work: Work, flow: FlowRow, seconds: float) -> Ended | Again:
    work.flows.later(flow.id, seconds)
    return Again(seconds) if flow.state in MOVING else Ended.of(flow)


def _left(flow: FlowRow, action: Action) -> float:
    """Of the whole flow's time, so that its end is noticed when it is there."""
    left = seconds_until(flow.deadline_at, flow.read_at)
    return math.inf if left is None or action is Action.UNDO else max(0.0, left)


def _held(flow: FlowRow) -> Held:
    return Held(flow.id, flow.holder or "", max(0.0, seconds_until(flow.until, flow.read_at) or 0.0))


def _event(begun: Begun, verdict: Done | Wait | Failed) -> NodeReport:
    match verdict:
        case Done():
            outcome, message = "ok", ""
        case Wait(seconds, reason=None):
            outcome, message = "again", f"in {seconds:.1f} s"
        case Wait(seconds, reason=reason):
            outcome, message = "retry", f"in {seconds:.1f} s: {reason.message if reason else ''}"
        case Failed():
            outcome, message = "failed", verdict.message
    flow = begun.flow
    return NodeReport(flow.id, flow.flow_name, begun.call.node.name, begun.call.action, begun.attempt, outcome, message)
