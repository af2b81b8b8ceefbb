"""The durable flow of a publish: one flow node that advances the record until nobody has to drive it any more.

The record is the truth, the flow's end mirrors it: Finished = confirmed, Error = it failed or waits for a person (a
retry or a decision resumes the flow), Canceled = aborted.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

from wfgov_dagster.domain.flow import JSON, Again, Biz, FlowDefinition, FlowNode, FlowState, NodeKind, Turn
from wfgov_dagster.domain.publish import Phase
from wfgov_dagster.errors import ForeignEdit, LeaseHeld, NotFound, PublishFailed, PublishParked
from wfgov_dagster.ports.flows import FlowRow
from wfgov_dagster.ports.publishing import Job
from wfgov_dagster.ports.store import Work
from wfgov_dagster.usecases import flow_changes
from wfgov_dagster.usecases.cancel_publish import cancel_publish
from wfgov_dagster.usecases.publish import advance
from wfgov_dagster.usecases.publisher import Done, Publisher

NAME: Final = "publish"
BIZ_TYPE: Final = "publish_record"
_HELD_SECONDS: Final = 1.0  # between looks while another publisher holds the workflow


def definition(publisher_of: Callable[[], Publisher]) -> FlowDefinition:
    """`publisher_of` makes one at each call: a manager may be at several flows at a time."""
    do, undo = partial(_publish, publisher_of), partial(_undo, publisher_of)
    node = FlowNode("publish", NodeKind.POLL, do, compensate=undo, asked_before=True)
    return FlowDefinition(NAME, 1, (node,))


def begin_flow(work: Work, actor: str, record_id: int) -> int:
    """A new flow for the record, due now, in the open unit of work."""
    flow_id = flow_changes.create(work, actor, Biz(str(record_id), BIZ_TYPE), NAME)
    flow_changes.start(work, actor, flow_id)
    work.publishing.set_flow(record_id, flow_id)
    return flow_id


def go_on(work: Work, actor: str, record_id: int) -> int:
    """The record is open again: its flow goes on, or another one takes its place where it has none or that is over."""
    flow = own_flow(work, work.publishing.job(record_id))
    if flow is None or flow.state in {FlowState.FINISHED, FlowState.CANCELED}:
        return begin_flow(work, actor, record_id)
    flow_changes.resume(work, actor, flow.id)
    return flow.id


def own_flow(work: Work, job: Job) -> FlowRow | None:
    """None also for a member of a change set: that flow is the set's, which has done with a record that waits."""
    if job.flow_id is None:
        return None
    flow = work.flows.get(job.flow_id)
    return flow if flow.biz_type == BIZ_TYPE else None


def _publish(publisher_of: Callable[[], Publisher], turn: Turn) -> "JSON | Again":
    """Steps follow each other without a wait; only who has to wait gives the flow back."""
    said = _until_wait(publisher_of(), turn)
    if isinstance(said, Again):
        return said
    if said.status != "success":
        raise _failure(said)
    return _told(said)


def _undo(publisher_of: Callable[[], Publisher], turn: Turn) -> "JSON | Again":
    """The flow was cancelled: an open record is aborted, what it wrote is taken back."""
    publisher, record_id = publisher_of(), int(turn.biz_id)
    try:
        cancel_publish(publisher.store, turn.actor, record_id)
    except NotFound:  # the flow was made for a record that never was: it must be able to end
        return {"record_id": record_id}
    said = _until_wait(publisher, turn)
    if isinstance(said, Again):
        return said
    if said.status == "pending":
        raise _failure(said)
    return _told(said)


def _until_wait(publisher: Publisher, turn: Turn) -> Done | Again:
    try:
        said = advance(publisher, int(turn.biz_id))
        while isinstance(said, Again) and said.after_seconds <= 0:
            turn.keep()
            said = advance(publisher, int(turn.biz_id))
    except LeaseHeld:
        return Again(_HELD_SECONDS)
    return said


def _failure(said: Done) -> ForeignEdit | PublishParked | PublishFailed:
    what, where = f"{said.phase}: {said.message}", f"publish record {said.record_id}"
    hint = f"wfgov record show {said.record_id}"
    if said.phase == Phase.PAUSED:
        return ForeignEdit(what, where=where, hint=hint)
    if said.phase == Phase.PARKED:
        return PublishParked(what, where=where, hint=hint)
    return PublishFailed(what, where=where, hint=hint)


def _told(said: Done) -> JSON:
    return {"record_id": said.record_id, "status": said.status, "phase": str(said.phase), "version_no": said.version_no}
