"""The beginning of each `advance`: whose turn it is, what is known; and the word that it is still ours."""

from dataclasses import dataclass

from wfgov_dagster.domain import snapshot
from wfgov_dagster.domain.protocol import Late
from wfgov_dagster.domain.publish import (
    Content,
    Desired,
    Found,
    Live,
    Operation,
    Phase,
    Shows,
    before,
    content,
    restored,
    wanted,
)
from wfgov_dagster.errors import LeaseHeld
from wfgov_dagster.ports.engine import Engine
from wfgov_dagster.ports.leases import Lease
from wfgov_dagster.ports.publishing import Job
from wfgov_dagster.ports.store import Work
from wfgov_dagster.usecases.call_sweeper import call_sweeper
from wfgov_dagster.usecases.end_publish import close, done, superseded
from wfgov_dagster.usecases.publisher import Done, Publisher


@dataclass(frozen=True, slots=True)
class Turn:
    """What one `advance` knows. `sent`: the content that is wanted, None = whatever the engine holds. `unfinished`:
    found by a publish that broke off. `said_done`: digests of steps of this round to which the engine said yes.
    `late`: writes without a reply that the sweeper still looks for, if this is the first look. `settling_seconds`: so
    long a write without a reply could still come and be waited for. `rest_seconds`: so long the engine is
    left alone, because it does not answer."""

    publisher: Publisher
    engine: Engine
    job: Job
    lease: Lease
    sent: Content | None
    unfinished: Found | None
    said_done: frozenset[str]
    late: Late | None
    settling_seconds: float
    rest_seconds: float

    @property
    def overdue(self) -> bool:
        return self.job.age_seconds >= self.publisher.limits.deadline_seconds

    def used_up(self, tries: int) -> bool:
        return self.overdue or tries >= self.publisher.limits.attempts

    @property
    def where(self) -> str:
        return where(self.job)


def begin(publisher: Publisher, record_id: int) -> Turn | Done:
    """Raises LeaseHeld while another publisher is at it, NotFound for no such record."""
    with publisher.store.write() as work:
        work.publishing.lock_workflow(record_id)  # a request is either before us, or sees the lease
        job = work.publishing.job(record_id)
        if job.status != "pending" or job.waits_on is not None:
            return done(work, record_id)
        reason = superseded(job)
        in_the_middle = job.found is not None or work.publishing.left_over(job.engine.id, job.workflow.id)
        if reason is not None and not in_the_middle:  # what was begun, by whomever, is brought to an end
            return close(work, job, Phase.SUPERSEDED, reason)
        return turn(publisher, work, job)


def turn(publisher: Publisher, work: Work, job: Job) -> Turn:
    """With the lease. Raises LeaseHeld, InvalidInput for an engine without an adapter."""
    engine = publisher.engine_of(job.engine)
    lease = take(publisher, work, job)
    engine_id, workflow_id = job.engine.id, job.workflow.id
    given_up = list(work.leases.give_up_steps(engine_id, workflow_id))
    if given_up:
        call_sweeper(work)
    broken_off = given_up.count(job.record_id)
    if broken_off:
        work.publishing.go_on(job.record_id, job.phase, job.attempts + broken_off)
    job = work.publishing.job(job.record_id)
    age = work.leases.since_unknown(engine_id, workflow_id)
    limits = publisher.limits
    steps = work.leases.steps(job.record_id)
    return Turn(
        publisher,
        engine,
        job,
        lease,
        sent_content(work, job, engine),
        work.publishing.unfinished(engine_id, workflow_id),
        frozenset(one.request_digest for one in steps if one.outcome == "ok" and one.round == job.round),
        _late(publisher, work, job) if age is not None and job.found is None else None,
        0.0 if age is None else max(0.0, limits.settle_of(job.engine) - age),
        work.breakers.rest(engine_id, publisher.holder, limits.call_seconds),
    )


def _late(publisher: Publisher, work: Work, job: Job) -> Late | None:
    """None also after an offline that broke off: what it wrote was wished, and is never taken back."""
    engine_id, workflow_id = job.engine.id, job.workflow.id
    deployed = work.publishing.deployed(engine_id, workflow_id)
    if deployed is None or work.publishing.offline_left_over(engine_id, workflow_id):
        return None
    _, target = deployed
    steps = work.leases.unknown_steps(engine_id, workflow_id, publisher.limits.horizon_seconds)
    return Late(target.online, target.schedule_online, steps) if steps else None


def take(publisher: Publisher, work: Work, job: Job) -> Lease:
    """Raises LeaseHeld. A holder that is known to be dead does not hold up anybody."""
    engine_id, code, seconds = job.engine.id, job.workflow.code, publisher.limits.lease_seconds
    lease = work.leases.take(engine_id, code, publisher.holder, seconds)
    if lease is None:
        holder = work.leases.holder(engine_id, code)
        if holder is not None and publisher.is_dead(holder):
            work.leases.evict(engine_id, code, holder)
            lease = work.leases.take(engine_id, code, publisher.holder, seconds)
    if lease is None:
        raise lease_held(work, job)
    return lease


def give_back(publisher: Publisher, record_id: int) -> None:
    """Whoever stops between two steps keeps nobody from going on, who has another name."""
    with publisher.store.write() as work:
        job = work.publishing.job(record_id)
        work.leases.evict(job.engine.id, job.workflow.code, publisher.holder)


def hold(turn: Turn, work: Work, phase: Phase, attempts: int) -> bool:
    """Still ours, for a whole lease from now on. False: the record has ended. Raises LeaseHeld: it was taken away.

    Whoever holds on has just had an answer from the engine, or counts what failed himself.
    """
    if not work.leases.keep(turn.lease, turn.publisher.limits.lease_seconds):
        raise lease_held(work, turn.job)
    if work.publishing.go_on(turn.job.record_id, phase, attempts):
        return True
    work.leases.release(turn.lease)
    return False


def lease_held(work: Work, job: Job) -> LeaseHeld:
    left = work.leases.left(job.engine.id, job.workflow.code)
    hint = f"try again when that has ended, or in {left:.0f} s if it has died"
    return LeaseHeld("another publisher holds it", where=where(job), hint=hint)


def may_be_left(work: Work, job: Job) -> bool:
    """Whether something may be on the engine of what it wrote, or of an older publish that it superseded."""
    return job.wrote or work.publishing.left_over(job.engine.id, job.workflow.id)


def confirmed_content(work: Work, job: Job, engine: Shows) -> Content | None:
    """Of the version that was last confirmed on the engine."""
    deployed = work.publishing.deployed(job.engine.id, job.workflow.id)
    if deployed is None:
        return None
    version, _ = deployed
    return content(version, work.versions.definition(job.workflow.code, version.version_no), engine)


def where(job: Job) -> str:
    return f"workflow {job.workflow.code} on engine {job.engine.name}"


def sent_content(work: Work, job: Job, engine: Shows) -> Content | None:
    """The content that is wanted now; None = whatever the engine holds."""
    if job.ends_as is not None and job.operation is not Operation.OFFLINE:
        return confirmed_content(work, job, engine)
    return None if job.document is None else content(job.version, snapshot.parse(job.document), engine)


def desired_of(job: Job, sent: Content | None, live: Live | None, seen: Found) -> Desired:
    """What the engine shall show, on the way there or back. `seen`: what was found before the first write."""
    code = job.workflow.code
    if job.ends_as is None and job.target is not None:
        return restored(code, sent, job.target)
    if job.ends_as is None:
        return wanted(job.operation, code, sent, seen)
    if job.operation is Operation.OFFLINE:  # nothing was overwritten: as far as it came, it stays
        return Desired(code, None, live is not None and live.online, live is not None and live.schedule_online)
    return before(code, sent, seen)
