"""A parked publish whose engine can be seen again: it goes on to the end that fits what is there."""

from wfgov_dagster.domain.plan import plan
from wfgov_dagster.domain.protocol import first_found
from wfgov_dagster.domain.publish import Phase, Shows
from wfgov_dagster.ports.engine import Observed
from wfgov_dagster.ports.publishing import Job, Note
from wfgov_dagster.ports.store import Work
from wfgov_dagster.usecases import publish_flow
from wfgov_dagster.usecases.begin_publish import desired_of, may_be_left, sent_content
from wfgov_dagster.usecases.end_publish import close_with, go_back
from wfgov_dagster.usecases.publisher import Publisher


def settle_parked(publisher: Publisher, actor: str, record_id: int, live: Observed | None) -> tuple[str, str]:
    """What becomes of it, and why. `live` was seen just now. Whatever goes on is driven by its flow, which looks again
    before it writes or ends anything."""
    with publisher.store.write() as work:
        work.publishing.lock_workflow(record_id)
        job = work.publishing.job(record_id)
        if job.phase is not Phase.PARKED or work.leases.left(job.engine.id, job.workflow.code) > 0:
            return "waiting", "somebody is at it"
        age = work.leases.since_unknown(job.engine.id, job.workflow.id)
        if age is not None and age < publisher.limits.settle_seconds:
            return "waiting", "a write without a reply could still come late"
        shown = _shows(work, job, publisher.engine_of(job.engine), live)
        error = (job.error_code or "engine", job.error or "it was parked")
        if not shown and not may_be_left(work, job):
            close_with(work, job, Phase.FAILED, error, actor)
            return "settled", "nothing of it is there: failed"
        if not shown and job.ends_as is None and job.target is None:
            go_back(work, job, Phase.FAILED, error, actor)
        elif shown or (job.waits_on or {}).get("silent"):
            phase = Phase.RUNNING if job.ends_as is None else Phase.COMPENSATING
            work.publishing.next_round(record_id, phase, job.ends_as)
            work.publishing.note(record_id, Note(phase, "the engine can be seen again", actor))
        else:
            return "waiting", "the engine refuses the way back: a person has to look"
        publish_flow.go_on(work, actor, record_id)
        return "settled", "it shows what is wanted" if shown else "it does not show what is wanted: it goes on"


def _shows(work: Work, job: Job, engine: Shows, live: Observed | None) -> bool:
    """Whether it shows what is wanted, on the way there or back."""
    seen = job.found or first_found(live, None, job.target)
    desired = desired_of(job, sent_content(work, job, engine), live, seen)
    if live is None and desired.content is None:
        return job.ends_as is not None or (job.target is not None and not desired.online)
    return not plan(desired, live)
