"""The publish protocol (design §6): `advance` is one observe, one decision, at most one write, its outcome.

Nothing is in memory between two calls, and no transaction is open during a call to the engine. Whoever dies leaves
rows from which the next call goes on; there is no other recovery. What was there before is brought back by the same
loop, with another desired state.
"""

from collections.abc import Callable, Mapping
from typing import Final

from wfgov_dagster.domain.plan import Step, describe, desired_row, plan, request_digest
from wfgov_dagster.domain.protocol import Standing, Trouble, first_found, next_phase, pauses
from wfgov_dagster.domain.publish import Desired, Found, Phase, VersionRef
from wfgov_dagster.errors import EngineError, EngineUnreachable, NotFound
from wfgov_dagster.ports.engine import Observed
from wfgov_dagster.ports.publishing import Job, Note
from wfgov_dagster.ports.store import Work
from wfgov_dagster.usecases.begin_publish import Turn, begin, desired_of, hold, may_be_left
from wfgov_dagster.usecases.end_publish import (
    brought_back,
    close,
    close_with,
    confirm,
    done,
    go_back,
    park,
    pause,
)
from wfgov_dagster.usecases.foreign_edits import Place, edit_of, held_version, refusal, strange_parts
from wfgov_dagster.usecases.publish_step import send, write_down
from wfgov_dagster.usecases.publisher import Again, Done, Publisher

Error = tuple[str, str]  # code, sentence
LOOK_AGAIN_SECONDS: Final = 1.0  # between two looks while what is seen is not to be believed


def drive(publisher: Publisher, record_id: int, sleep: Callable[[float], None]) -> Done:
    """Advance until nobody has to drive it any more. Raises LeaseHeld while another publisher is at it."""
    while True:
        match advance(publisher, record_id):
            case Done() as end:
                return end
            case Again(after_seconds):
                sleep(after_seconds)


def advance(publisher: Publisher, record_id: int) -> Done | Again:
    """Raises NotFound for no such record, LeaseHeld when another publisher holds the workflow. A publish that failed,
    was paused or parked is no error but Done."""
    turn = begin(publisher, record_id)
    if isinstance(turn, Done):
        return turn
    if turn.rest_seconds > 0:
        return _rest(turn)
    try:
        live = turn.engine.observe(turn.job.workflow.code)
    except EngineError as failure:
        return _unseen(turn, failure)
    return _go_on(turn, live)


def _go_on(turn: Turn, live: Observed | None) -> Done | Again:
    job = turn.job
    seen = job.found or first_found(live, turn.unfinished, job.target, turn.late)
    desired = desired_of(job, turn.sent, live, seen)
    if live is None and desired.content is None:
        return _arrive(turn, None, seen, desired)
    steps = plan(desired, live)
    if not steps:
        return _arrive(turn, live, seen, desired)
    if live is not None and pauses(job.operation):
        place = Place(job.engine.id, job.workflow.id, turn.engine, turn.sent)
        strange = strange_parts(turn.publisher.store, place, live, job.overruled)
        if strange:
            return _pause(turn, live, strange) if turn.settling_seconds == 0 else _look_again(turn)
    repeated = request_digest(steps[0]) in turn.said_done
    if turn.used_up(job.tries + int(repeated)):
        return _trouble(turn, Trouble.FUTILE, _futile(turn, steps[0]))
    return _take(turn, steps[0], seen, desired)


# --- what one look leads to ----------------------------------------------------------------------


def _take(turn: Turn, step: Step, seen: Found, desired: Desired) -> Done | Again:
    step_id = write_down(turn, step, seen, desired)
    if not isinstance(step_id, int):
        return step_id
    failure = send(turn, step, step_id)
    repeated = int(request_digest(step) in turn.said_done)
    if failure is None:
        return _again(turn, repeated, None) if repeated else Again(0.0)
    error = (failure.code, failure.sentence())
    if failure.retryable:
        return _again(turn, repeated + 1, error)  # applied or not: the next look tells
    return _trouble(turn, Trouble.REFUSED, error, repeated + 1)


def _arrive(turn: Turn, live: Observed | None, seen: Found, desired: Desired) -> Done | Again:
    """The engine shows what is wanted, or there is nothing that could be changed: the end, unless a late write may
    still undo it."""
    job, settling = turn.job, turn.settling_seconds
    back = job.ends_as is not None
    held = None if live is None or settling > 0 else _held(turn, live)
    with turn.publisher.store.write() as work:
        work.publishing.lock_workflow(job.record_id)
        phase = Phase.COMPENSATING if back else Phase.SETTLING if settling > 0 else job.phase
        if not hold(turn, work, phase, job.attempts):
            return done(work, job.record_id)
        work.breakers.answered(job.engine.id)
        work.leases.release(turn.lease)
        if job.found is None and live is not None:
            took_over = turn.unfinished is not None
            work.publishing.set_found(job.record_id, seen, desired_row(desired), took_over=took_over)
        if settling > 0:
            return Again(settling)
        return _end(work, work.publishing.job(job.record_id), live, held)


def _held(turn: Turn, live: Observed) -> VersionRef | None:
    """What it is seen to hold: what was sent, or where nothing was, whatever of ours is there."""
    job = turn.job
    if job.ends_as is None and job.document is not None:
        return job.version
    return held_version(turn.publisher.store, Place(job.engine.id, job.workflow.id, turn.engine), live)


def _end(work: Work, job: Job, live: Observed | None, held: VersionRef | None) -> Done:
    if job.ends_as is not None:
        return brought_back(work, job, live, held)
    if live is None and (job.target is None or job.target.online):
        hint = f"deploy it first: wfgov publish {job.workflow.code} --operation deploy"
        gone = NotFound("the engine does not hold it", where=f"workflow {job.workflow.code}", hint=hint)
        return close(work, job, Phase.FAILED, gone)
    return confirm(work, job, live, held)


def _look_again(turn: Turn) -> Done | Again:
    """A write of ours may be coming in this moment, and servers read a definition in several queries: what is seen half
    old and half new is nobody's edit. It is one if it is still there when no write can come any more."""
    job = turn.job
    with turn.publisher.store.write() as work:
        work.publishing.lock_workflow(job.record_id)
        if not hold(turn, work, job.phase, job.attempts):
            return done(work, job.record_id)
        work.breakers.answered(job.engine.id)
        work.leases.release(turn.lease)
    return Again(min(turn.settling_seconds, LOOK_AGAIN_SECONDS))


def _pause(turn: Turn, live: Observed, strange: Mapping[str, str]) -> Done:
    job = turn.job
    hint = f"choose: wfgov record decide {job.record_id} republish | accept | abort"
    with turn.publisher.store.write() as work:
        work.publishing.lock_workflow(job.record_id)
        if not hold(turn, work, job.phase, job.attempts):
            return done(work, job.record_id)
        work.breakers.answered(job.engine.id)
        work.leases.release(turn.lease)
        return pause(work, job, refusal(strange, turn.where, hint), edit_of(strange, live, turn.sent))


# --- trouble -------------------------------------------------------------------------------------


def _rest(turn: Turn) -> Done | Again:
    """The engine is left alone: no call, no attempt. The deadline goes on."""
    if turn.overdue:
        silent = EngineUnreachable("it has not answered for too long", where=turn.where)
        return _trouble(turn, Trouble.SILENT, (silent.code, silent.sentence()))
    with turn.publisher.store.write() as work:
        work.leases.release(turn.lease)
    left = turn.publisher.limits.deadline_seconds - turn.job.age_seconds
    return Again(min(turn.rest_seconds, left))


def _unseen(turn: Turn, failure: EngineError) -> Done | Again:
    limits, engine_id = turn.publisher.limits, turn.job.engine.id
    with turn.publisher.store.write() as work:
        if failure.retryable:
            work.breakers.failed(engine_id, limits.breaker_failures, limits.breaker_rest_seconds)
        else:
            work.breakers.answered(engine_id)
    tries = 1 if failure.retryable else limits.attempts  # it will not say anything else the next time
    return _trouble(turn, Trouble.SILENT, (failure.code, failure.sentence()), tries)


def _futile(turn: Turn, step: Step) -> Error:
    job = turn.job
    told = EngineError(
        f"after {job.tries} failed attempts the engine still does not show what is wanted; next would be: "
        f"{describe(step)}",
        where=turn.where,
        hint="see who else changes it there, then publish again",
    )
    if job.error_code is None or job.ends_as is not None:
        return told.code, told.sentence()
    return job.error_code, f"{job.error} — {told}"


def _trouble(turn: Turn, trouble: Trouble, error: Error, failed: int = 0) -> Done | Again:
    """`failed`: attempts that did just now."""
    with turn.publisher.store.write() as work:
        work.publishing.lock_workflow(turn.job.record_id)
        if not hold(turn, work, turn.job.phase, turn.job.attempts + failed):
            return done(work, turn.job.record_id)
        if trouble is Trouble.FUTILE:
            work.breakers.answered(turn.job.engine.id)
        job = work.publishing.job(turn.job.record_id)
        used_up = turn.used_up(job.tries)
        left = may_be_left(work, job)
        phase = next_phase(trouble, Standing(left, used_up, job.ends_as is not None, job.target is not None))
        if phase is Phase.COMPENSATING:
            go_back(work, job, Phase.REJECTED if trouble is Trouble.REFUSED else Phase.FAILED, error)
            return Again(0.0)
        if phase is None:
            return _later(turn, work, error)
        work.leases.release(turn.lease)
        if phase is Phase.PARKED:
            return park(work, job, error, silent=trouble is Trouble.SILENT)
        return close_with(work, job, phase, error)


def _again(turn: Turn, failed: int, error: Error | None) -> Done | Again:
    phase = Phase.RUNNING if turn.job.ends_as is None else Phase.COMPENSATING
    with turn.publisher.store.write() as work:
        if not hold(turn, work, phase, turn.job.attempts + failed):
            return done(work, turn.job.record_id)
        return _later(turn, work, error)


def _later(turn: Turn, work: Work, error: Error | None) -> Again:
    """Who waits holds up nobody: something newer may be asked for meanwhile."""
    job = work.publishing.job(turn.job.record_id)
    if error is not None:
        if job.ends_as is None:
            work.publishing.failing(job.record_id, error)
        work.publishing.note(
            job.record_id, Note(job.phase, f"attempt {job.attempts} failed: {error[1]}", error_code=error[0])
        )
    work.leases.release(turn.lease)
    return Again(turn.publisher.wait(job.tries))
