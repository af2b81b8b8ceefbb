"""What somebody changed on an engine becomes the workflow's next version, through the three save functions."""

from dataclasses import dataclass, replace

from wfgov_dagster.domain import snapshot
from wfgov_dagster.domain.definition import Definition
from wfgov_dagster.domain.diff import diff, summary
from wfgov_dagster.domain.not_held import kept
from wfgov_dagster.domain.protocol import parts
from wfgov_dagster.domain.publish import Phase, Shows, VersionRef
from wfgov_dagster.domain.version import Draft
from wfgov_dagster.errors import Conflict, InvalidInput
from wfgov_dagster.ports.engine import Observed
from wfgov_dagster.ports.publishing import Deployment, Job
from wfgov_dagster.ports.store import Work
from wfgov_dagster.usecases.begin_publish import where
from wfgov_dagster.usecases.publisher import Publisher
from wfgov_dagster.usecases.request_publish import Checked, freeze
from wfgov_dagster.usecases.save import (
    Relations,
    save_task_definitions,
    save_task_relations,
    save_workflow_definition,
)


@dataclass(frozen=True, slots=True)
class Seen:
    """What the engine holds now, and the edit that the publish was paused on. `engine`: what it makes of a version."""

    live: Observed
    digests: frozenset[str]
    engine: Shows


def look(publisher: Publisher, record_id: int) -> Seen | None:
    """None: the record is not paused, whoever asked has to say so. Raises Conflict when the workflow is gone from the
    engine, EngineError."""
    with publisher.store.read() as work:
        job = work.publishing.job(record_id)
    if job.phase is not Phase.PAUSED or job.waits_on is None:
        return None
    engine = publisher.engine_of(job.engine)
    live = engine.observe(job.workflow.code)
    if live is None:
        hint = f"wfgov record decide {record_id} republish"
        raise Conflict("the engine does not hold it any more", where=where(job), hint=hint)
    return Seen(live, frozenset(job.waits_on["strange"].values()), engine)


def accept(work: Work, actor: str, job: Job, seen: Seen) -> str:
    """Save and confirm it, in the open unit of work; the sentence that tells. Raises Conflict, InvalidInput."""
    if not seen.digests <= set(parts(seen.live).values()):
        hint = f"look at it again: wfgov record retry {job.record_id}"
        raise Conflict("it was changed on the engine once more since you were asked", where=where(job), hint=hint)
    before = _current(work, job)
    definition = _with_schedule(before, seen.live, seen.engine)
    _refuse_other_tasks(job, before, definition)
    version = _save(work, actor, job, before, definition)
    snapshot_id = freeze(work, actor, Checked(job.engine, job.workflow, version), "manual")
    work.publishing.snapshot_published(snapshot_id)
    live = seen.live
    held = Deployment(version, live.engine_workflow_code, live.engine_task_codes, live.online, live.schedule_online)
    work.publishing.confirm(job, held, publishes=True)
    work.publishing.nothing_left(job.record_id)
    return f"accepted by {actor}: what the engine holds is V{version.version_no} now"


def _current(work: Work, job: Job) -> Definition:
    version = job.workflow.current or job.version
    return work.versions.definition(job.workflow.code, version.version_no)


def _with_schedule(before: Definition, live: Observed, engine: Shows) -> Definition:
    """What the engine cannot hold stays as it was. A workflow that is offline may have lost its schedule there for that
    reason alone."""
    ours = before.settings.schedule
    same = ours is not None and live.schedule == engine.shown_schedule(ours)
    counts = (live.online or live.schedule is not None) and not same
    definition = kept(before, engine.shown(before), live.definition)
    return replace(definition, settings=replace(definition.settings, schedule=live.schedule if counts else ours))


def _refuse_other_tasks(job: Job, before: Definition, edited: Definition) -> None:
    ours, theirs = {task.code for task in before.tasks}, {task.code for task in edited.tasks}
    if ours == theirs:
        return
    differing = (("without", ours - theirs), ("with", theirs - ours))
    told = [f"{word} {', '.join(sorted(codes))}" for word, codes in differing if codes]
    raise InvalidInput(
        f"it has other tasks than the workflow: {'; '.join(told)}",
        where=where(job),
        hint="bring the tasks into the metadata and orchestrate, or choose republish or abort",
    )


def _save(work: Work, actor: str, job: Job, before: Definition, definition: Definition) -> VersionRef:
    changed = diff(before, definition)
    hashes = snapshot.hashes(definition)
    draft = Draft(
        job.workflow.id,
        definition,
        hashes,
        summary(changed, {}),
        "manual",
        work.versions.inter_workflow_edges([job.workflow.id]).get(job.workflow.id, ()),
        touched=changed.touched(),
    )
    versions = save_task_definitions(work, actor, definition.tasks)
    number = save_workflow_definition(work, actor, [draft], versions)[definition.code]
    save_task_relations(work, actor, [Relations(definition.code, number, definition.edges)], versions)
    saved = work.publishing.version(job.workflow.id, number)
    assert saved is not None, "it was just saved"
    return saved
