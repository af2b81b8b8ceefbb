"""One write to an engine: written down, sent, its outcome written down. No transaction is open while it is sent."""

from typing import assert_never

from wfgov_dagster.domain.plan import (
    NAMES,
    BringOnline,
    Deploy,
    PutSchedule,
    ScheduleOffline,
    ScheduleOnline,
    Step,
    TakeOffline,
    desired_row,
    request_digest,
)
from wfgov_dagster.domain.publish import Desired, Found, Phase
from wfgov_dagster.errors import EngineError
from wfgov_dagster.ports.engine import Engine, Marker
from wfgov_dagster.ports.leases import NewStep
from wfgov_dagster.usecases.begin_publish import Turn, hold, lease_held
from wfgov_dagster.usecases.call_sweeper import call_sweeper
from wfgov_dagster.usecases.end_publish import done
from wfgov_dagster.usecases.publisher import Again, Done

_LATE = "not sent: the lease would have ended during the call"


def write_down(turn: Turn, step: Step, seen: Found, desired: Desired) -> int | Done | Again:
    """The step's id, committed before the call. A step that the engine said yes to already is another attempt. Again:
    it is too early for another write to this engine."""
    job, publisher, digest = turn.job, turn.publisher, request_digest(step)
    attempts = job.attempts + int(digest in turn.said_done)
    phase = Phase.RUNNING if job.ends_as is None else Phase.COMPENSATING
    with publisher.store.write() as work:
        rate = publisher.limits.writes_per_second
        early = work.paces.take(job.engine.id, rate) if rate else 0.0
        if early > 0:
            work.leases.release(turn.lease)  # who waits holds up nobody
            return Again(early)
        if not hold(turn, work, phase, attempts):
            return done(work, job.record_id)
        work.breakers.answered(job.engine.id)
        if job.found is None:
            took_over = turn.unfinished is not None
            work.publishing.set_found(job.record_id, seen, desired_row(desired), took_over=took_over)
        return work.leases.begin_step(NewStep(job.record_id, job.round, attempts + 1, NAMES[type(step)], digest))


def send(turn: Turn, step: Step, step_id: int) -> EngineError | None:
    """The one write of an advance. Raises LeaseHeld, and sends nothing, when the lease would end during the call."""
    publisher, job = turn.publisher, turn.job
    with publisher.store.read() as work:  # whoever stood still since the commit shall not write
        in_time = work.leases.seconds_left(turn.lease) > publisher.limits.call_seconds
    failure = _call(turn.engine, step) if in_time else None
    with publisher.store.write() as work:
        if not in_time:
            work.leases.end_step(step_id, "rejected", _LATE)
        elif failure is None:
            work.leases.end_step(step_id, "ok", None)
        else:
            work.leases.end_step(step_id, "unknown" if failure.retryable else "rejected", failure.sentence())
        if failure is not None and failure.retryable:
            limits = publisher.limits
            work.breakers.failed(job.engine.id, limits.breaker_failures, limits.breaker_rest_seconds)
            call_sweeper(work)
        elif in_time:
            work.breakers.answered(job.engine.id)
        late = None if in_time else lease_held(work, job)
    if late is not None:
        raise late
    return failure


def _call(engine: Engine, step: Step) -> EngineError | None:
    code = step.workflow_code
    try:
        match step:
            case TakeOffline():
                engine.offline(code)
            case Deploy(content=sent):
                engine.deploy(sent.definition, Marker(code, sent.version_no, sent.content_hash))
            case BringOnline():
                engine.online(code)
            case PutSchedule():
                engine.put_schedule(code, step.schedule)
            case ScheduleOnline():
                engine.schedule_online(code)
            case ScheduleOffline():
                engine.schedule_offline(code)
            case _:
                assert_never(step)
    except EngineError as failure:
        return failure
    return None
