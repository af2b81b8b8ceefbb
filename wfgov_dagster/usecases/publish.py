"""The publish protocol (design §6): `advance` is one observe, one decision, at most one write, its outcome.

Nothing is in memory between two calls, and no transaction is open during a call to the engine. Whoever dies leaves
rows from which the next call goes on; there is no other recovery.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

from wfgov_dagster.domain import snapshot
from wfgov_dagster.domain.plan import (
    NAMES,
    BringOnline,
    Deploy,
    PutSchedule,
    ScheduleOffline,
    ScheduleOnline,
    Step,
    TakeOffline,
    describe,
    desired_row,
    plan,
    request_digest,
)
from wfgov_dagster.domain.publish import Content, Desired, Found, Phase, content, found, wanted
from wfgov_dagster.errors import EngineError, LeaseHeld, NotFound, WfgovError
from wfgov_dagster.ports.engine import Engine, Marker, Observed
from wfgov_dagster.ports.publishing import Job, Lease, NewStep
from wfgov_dagster.ports.store import Work
from wfgov_dagster.usecases.end_publish import close, confirm, done, superseded
from wfgov_dagster.usecases.publisher import Again, Done, Publisher


@dataclass(frozen=True, slots=True)
class Turn:
    """What one `advance` knows. `before`: found by a publish that broke off. `said_done`: digests of steps to which
    the engine said yes. `settling_seconds`: so long a write without a reply could still come late."""

    publisher: Publisher
    job: Job
    lease: Lease
    before: Found | None
    said_done: frozenset[str]
    settling_seconds: float


def drive(publisher: Publisher, record_id: int, sleep: Callable[[float], None]) -> Done:
    """Advance until the end. Raises LeaseHeld while another publisher is at it."""
    while True:
        match advance(publisher, record_id):
            case Done() as end:
                return end
            case Again(after_seconds):
                sleep(after_seconds)


def advance(publisher: Publisher, record_id: int) -> Done | Again:
    """Raises NotFound for no such record, LeaseHeld when another publisher holds the workflow; a failed publish is
    no error but Done."""
    turn = _begin(publisher, record_id)
    if isinstance(turn, Done):
        return turn
    engine = publisher.engine_of(turn.job.engine)
    try:
        live = engine.observe(turn.job.workflow.code)
    except EngineError as failure:
        return _failed(turn, failure, Phase.FAILED)
    seen = turn.job.found or found(live, turn.before)
    desired = wanted(turn.job.operation, turn.job.workflow.code, _content(turn.job), seen)
    try:
        steps = plan(desired, live)
    except NotFound as refusal:
        return _close(turn, refusal, Phase.FAILED)
    if steps:
        return _take_step(turn, engine, steps[0], seen, desired)
    assert live is not None, "a plan without steps has seen the workflow"
    return _confirm(turn, live, seen, desired)


def _begin(publisher: Publisher, record_id: int) -> Turn | Done:
    with publisher.store.write() as work:
        work.publishing.lock_workflow(record_id)  # a request is either before us, or sees the lease
        job = work.publishing.job(record_id)
        if job.status != "pending":
            return done(work, record_id)
        reason = superseded(job)
        if reason is not None and job.found is None:  # not in the middle: what was begun is brought to an end
            return close(work, job, Phase.SUPERSEDED, reason)
        engine_id, code = job.engine.id, job.workflow.code
        lease = work.leases.take(engine_id, code, publisher.holder, publisher.limits.lease_seconds)
        if lease is None:
            raise _lease_held(job, work.leases.left(engine_id, code))
        broken_off = list(work.leases.give_up_steps(engine_id, job.workflow.id)).count(record_id)
        if broken_off:
            work.publishing.go_on(record_id, job.phase, job.attempts + broken_off)
        return _turn(publisher, work, record_id, lease)


def _turn(publisher: Publisher, work: Work, record_id: int, lease: Lease) -> Turn:
    job = work.publishing.job(record_id)
    age = work.leases.since_unknown(job.engine.id, job.workflow.id)
    return Turn(
        publisher,
        job,
        lease,
        work.publishing.unfinished(job.engine.id, job.workflow.id),
        frozenset(one.request_digest for one in work.leases.steps(record_id) if one.outcome == "ok"),
        0.0 if age is None else max(0.0, publisher.limits.settle_seconds - age),
    )


def _take_step(turn: Turn, engine: Engine, step: Step, seen: Found, desired: Desired) -> Done | Again:
    job, digest = turn.job, request_digest(step)
    repeated = digest in turn.said_done
    attempts = job.attempts + int(repeated)
    if attempts >= turn.publisher.limits.attempts:
        reason = EngineError(
            f"after {attempts} attempts the engine still does not show what is wanted; next would be: {describe(step)}",
            where=_where(job),
            hint="see who else changes it there, then publish again",
        )
        return _close(turn, reason, Phase.FAILED)
    with turn.publisher.store.write() as work:
        if not _hold(turn, work, Phase.RUNNING, attempts):
            return done(work, job.record_id)
        if job.found is None:
            work.publishing.set_found(job.record_id, seen, desired_row(desired))
        step_id = work.leases.begin_step(NewStep(job.record_id, attempts + 1, NAMES[type(step)], digest))
    failure = _call(engine, step)
    with turn.publisher.store.write() as work:
        outcome = "ok" if failure is None else "unknown" if failure.retryable else "rejected"
        work.leases.end_step(step_id, outcome, None if failure is None else failure.sentence())
    if failure is not None:
        return _failed(turn, failure, Phase.REJECTED)
    return Again(turn.publisher.wait(attempts) if repeated else 0.0)


def _call(engine: Engine, step: Step) -> EngineError | None:
    """The one write of an advance."""
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


def _confirm(turn: Turn, live: Observed, seen: Found, desired: Desired) -> Done | Again:
    """`live` shows what is desired: success, unless a late write may still undo it or nobody wants it any more."""
    job = turn.job
    with turn.publisher.store.write() as work:
        work.publishing.lock_workflow(job.record_id)
        phase = Phase.SETTLING if turn.settling_seconds > 0 else job.phase
        if not _hold(turn, work, phase, job.attempts):
            return done(work, job.record_id)
        if job.found is None:
            work.publishing.set_found(job.record_id, seen, desired_row(desired))
        if turn.settling_seconds > 0:
            return Again(turn.settling_seconds)
        job = work.publishing.job(job.record_id)
        reason = superseded(job)
        end = confirm(work, job, live) if reason is None else close(work, job, Phase.SUPERSEDED, reason)
        work.leases.release(turn.lease)
        return end


def _failed(turn: Turn, failure: EngineError, phase: Phase) -> Done | Again:
    """A no is the end, silence is another attempt."""
    attempts = turn.job.attempts + 1
    if not failure.retryable or attempts >= turn.publisher.limits.attempts:
        return _close(turn, failure, Phase.FAILED if failure.retryable else phase)
    with turn.publisher.store.write() as work:
        if not _hold(turn, work, turn.job.phase, attempts):
            return done(work, turn.job.record_id)
    return Again(turn.publisher.wait(attempts))


def _close(turn: Turn, reason: WfgovError, phase: Phase) -> Done:
    with turn.publisher.store.write() as work:
        work.publishing.lock_workflow(turn.job.record_id)
        if not _hold(turn, work, phase, turn.job.attempts):
            return done(work, turn.job.record_id)
        end = close(work, work.publishing.job(turn.job.record_id), phase, reason)
        work.leases.release(turn.lease)
        return end


def _hold(turn: Turn, work: Work, phase: Phase, attempts: int) -> bool:
    """Still ours, for a whole lease from now on. False: the record has ended. Raises LeaseHeld: it was taken away."""
    job = turn.job
    if not work.leases.keep(turn.lease, turn.publisher.limits.lease_seconds):
        raise _lease_held(job, work.leases.left(job.engine.id, job.workflow.code))
    if work.publishing.go_on(job.record_id, phase, attempts):
        return True
    work.leases.release(turn.lease)
    return False


def _lease_held(job: Job, left: float) -> LeaseHeld:
    hint = f"try again when that has ended, or in {left:.0f} s if it has died"
    return LeaseHeld("another publisher holds it", where=_where(job), hint=hint)


def _content(job: Job) -> Content | None:
    return None if job.document is None else content(job.version, snapshot.parse(job.document))


def _where(job: Job) -> str:
    return f"workflow {job.workflow.code} on engine {job.engine.name}"
