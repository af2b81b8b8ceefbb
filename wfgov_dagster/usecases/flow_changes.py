"""What people do to flows, inside a transaction that is open: with what else they do, or not at all.

Each writes an audit entry. Raises NotFound for an unknown flow, InvalidInput, or the operation's own error when the
flow is in a state that does not allow it. Refusals are put on record by whoever opened the transaction.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from wfgov_dagster.domain.flow import JSON, Biz, FlowDefinition, FlowEvent, FlowState, state_after
from wfgov_dagster.domain.plain_json import check_json
from wfgov_dagster.errors import (
    Conflict,
    FlowCancelFailed,
    FlowError,
    FlowStartFailed,
    FlowStopFailed,
    IllegalTransition,
    InvalidInput,
)
from wfgov_dagster.ports.flows import NewFlow
from wfgov_dagster.ports.store import Work

OBJECT: Final = "flow"  # in audit entries
_LONGEST_NAME: Final = 100
_LONGEST_ID: Final = 255
_LONGEST_REASON: Final = 1000
_LARGEST_CONTEXT: Final = 1_000_000  # characters, as Python shows it


def create(
    work: Work,
    actor: str,
    biz: Biz,
    flow_name: str,
    context: Mapping[str, JSON] | None = None,
    definition: FlowDefinition | None = None,
) -> int:
    """The id of a new flow; it does nothing before it is started. It runs on `definition`; without one the first
    manager that advances it takes the newest version it knows."""
    _check_text(flow_name, "flow name", _LONGEST_NAME)
    _check_text(biz.biz_type, "biz type", _LONGEST_NAME)
    _check_text(biz.biz_id, "biz id", _LONGEST_ID)
    given = dict(context or {})
    _check_context(given)
    version = None if definition is None else definition.version
    flow_id = work.flows.add(NewFlow(flow_name, version, biz, given, actor))
    if definition is not None:
        work.flows.choose(flow_id, definition.version, [(node.name, node.kind) for node in definition.nodes])
    detail = {"flow_name": flow_name, "biz_id": biz.biz_id, "biz_type": biz.biz_type}
    work.audit.add(actor, "create_flow", (OBJECT, str(flow_id)), detail)
    return flow_id


def start(work: Work, actor: str, flow_id: int) -> None:
    """It is due now; whoever drives it, or the watch loop, goes on. No effect on one that was started."""
    _audit(work, actor, "start_flow", _move(work, flow_id, FlowEvent.START, FlowStartFailed))


def stop(work: Work, actor: str, flow_id: int) -> None:
    """At its current flow node: what that one is doing is brought to its end and recorded, the next one waits."""
    _audit(work, actor, "stop_flow", _move(work, flow_id, FlowEvent.STOP, FlowStopFailed))


def cancel(work: Work, actor: str, flow_id: int, reason: str) -> None:
    """What was begun is undone, the last flow node first; the first reason stays."""
    _check_text(reason, "reason", _LONGEST_REASON)
    moved = _move(work, flow_id, FlowEvent.CANCEL, FlowCancelFailed)
    work.flows.give_reason(flow_id, reason)
    if moved.before is not moved.after:
        work.flows.forgive(flow_id)
    _audit(work, actor, "cancel_flow", moved, reason=reason)


def resume(work: Work, actor: str, flow_id: int) -> None:
    """The same flow node goes on, with all its attempts before it; a flow that was cancelled is undone further.

    Raises IllegalTransition unless it is stopped or in error.
    """
    cancelled = work.flows.get(flow_id, lock=True).cancel_reason is not None
    moved = _move(work, flow_id, FlowEvent.CANCEL if cancelled else FlowEvent.RESUME, IllegalTransition)
    if moved.before is not moved.after:
        work.flows.forgive(flow_id)
    _audit(work, actor, "resume_flow", moved)


def put_context(work: Work, actor: str, flow_id: int, entry: tuple[str, JSON], version: int) -> int:
    """Set one key; returns the next context version. Raises Conflict when the context is at another version, and
    IllegalTransition once the flow was started."""
    key, value = entry
    flow = work.flows.get(flow_id, lock=True)
    where = f"flow {flow_id}"
    if flow.state is not FlowState.INITIALIZING:
        hint = "create another flow with the context that is wanted"
        raise IllegalTransition(f"its context is frozen, it is {flow.state}", where=where, hint=hint)
    _check_text(key, "key", _LONGEST_NAME)
    context = {**flow.context, key: value}
    _check_context(context)
    if not work.flows.put_context(flow_id, context, version):
        hint = "read it again, then decide"
        raise Conflict(f"its context is at version {flow.context_version}, not {version}", where=where, hint=hint)
    work.audit.add(actor, "init_context_flow", (OBJECT, str(flow_id)), {"key": key, "context_version": version + 1})
    return version + 1


@dataclass(frozen=True, slots=True)
class _Moved:
    flow_id: int
    before: FlowState
    after: FlowState


def _move(work: Work, flow_id: int, event: FlowEvent, refusal: type[FlowError | IllegalTransition]) -> _Moved:
    before, where = work.flows.get(flow_id, lock=True).state, f"flow {flow_id}"
    try:
        after = state_after(before, event)
    except IllegalTransition as exc:
        raise _refused(refusal, str(exc), where) from exc
    if after is not before and not work.flows.move(flow_id, before, after):
        raise _refused(refusal, "its state has just changed", where)
    return _Moved(flow_id, before, after)


def _audit(work: Work, actor: str, action: str, moved: _Moved, **detail: object) -> None:
    told = {"before": moved.before, "after": moved.after, **detail}
    work.audit.add(actor, action, (OBJECT, str(moved.flow_id)), told)


def _refused(kind: type[FlowError | IllegalTransition], why: str, where: str) -> FlowError | IllegalTransition:
    if issubclass(kind, FlowError):
        return kind(where=where, hint=why)
    return kind(why, where=where, hint="wfgov flow show tells its state")


def _check_text(text: str, what: str, longest: int) -> None:
    if not text.strip() or len(text) > longest or not text.replace("\n", " ").isprintable():
        raise InvalidInput(f"{text!r:.120} is no {what}", where=OBJECT, hint=f"1 to {longest} printable characters")


def _check_context(context: dict[str, JSON]) -> None:
    check_json(context, "context")
    if len(repr(context)) > _LARGEST_CONTEXT:
        hint = "keep large things elsewhere and name them here"
        raise InvalidInput(f"more than {_LARGEST_CONTEXT} characters", where="context", hint=hint)
