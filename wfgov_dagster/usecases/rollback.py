"""Go back: an older version's content becomes a new version, the workflow is pinned, and its publish asked for.

All of it is one transaction. What other workflows lose by it is derived afterwards, as any change of the metadata is:
the todo rows are there, whoever dies in between.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace

from wfgov_dagster.domain import rollback as rules
from wfgov_dagster.domain import snapshot
from wfgov_dagster.domain.pin import reason_of
from wfgov_dagster.domain.publish import Operation
from wfgov_dagster.domain.todo import DEFINITIONS, MANUAL, VERSIONS, task_key, workflow_key
from wfgov_dagster.domain.version import Draft
from wfgov_dagster.errors import WfgovError
from wfgov_dagster.ports.pins import Pin
from wfgov_dagster.ports.store import Store, Todo, Work
from wfgov_dagster.usecases.define_workflows import define_workflows
from wfgov_dagster.usecases.new_versions import NewVersion, save_drafts
from wfgov_dagster.usecases.orchestrate import steadily
from wfgov_dagster.usecases.pin import locked_workflow, put_pin, recorded
from wfgov_dagster.usecases.plan_rollback import RollbackPlan, Wanted, plan_rollback
from wfgov_dagster.usecases.propose import Proposed
from wfgov_dagster.usecases.request_publish import Request, request_in
from wfgov_dagster.usecases.save_versions import save_or_propose

__all__ = ["RolledBack", "Wanted", "preview_rollback", "rollback"]


@dataclass(frozen=True, slots=True)
class RolledBack:
    """`version`: the new one; `record_id`: of its publish, None = none was asked for. `taken_back`: tasks that came
    from other workflows. `others`, `candidates`: what step 3 made of the estate after it."""

    version: NewVersion
    rollback_of: int
    pin: Pin
    record_id: int | None
    restored: Sequence[str]
    taken_back: Sequence[str]
    warnings: Sequence[str]
    others: Sequence[NewVersion] = field(default_factory=tuple)
    candidates: Sequence[Proposed] = field(default_factory=tuple)


def preview_rollback(store: Store, wanted: Wanted) -> RollbackPlan:
    """What `rollback` would do now; nothing is written. Raises NotFound, Conflict."""
    with store.read() as work:
        return plan_rollback(work, wanted)


def rollback(store: Store, actor: str, wanted: Wanted, time_zone: str) -> RolledBack:
    """The publish is only asked for: whoever calls drives it, or the watch loop.

    Raises InvalidInput without a reason, NotFound, LeaseHeld, or Conflict that names who was first; a refusal is on
    record too.
    """
    wanted = wanted if wanted.seen is not None else replace(wanted, seen=_current(store, wanted.workflow_code))
    about = ("rollback", wanted.workflow_code)
    done = recorded(store, actor, about, lambda work: _rollback(work, actor, wanted), asdict(wanted))
    try:
        if done.taken_back:
            steadily(lambda: define_workflows(store, actor, time_zone))
        saved = steadily(lambda: save_or_propose(store, actor))
    except WfgovError as exc:  # it has happened: whoever asked has to hear of it, and its publish goes on
        told = f"what follows from it waits for the next orchestration: {exc.sentence()}"
        return replace(done, warnings=(*done.warnings, told))
    return replace(done, others=saved.versions, candidates=saved.candidates)


def _current(store: Store, workflow_code: str) -> int | None:
    with store.read() as work:
        found = work.publishing.workflow(workflow_code)
    return None if found is None or found.current is None else found.current.version_no


def _rollback(work: Work, actor: str, wanted: Wanted) -> RolledBack:
    locked_workflow(work, wanted.workflow_code)
    reason = reason_of(wanted.reason)
    plan = plan_rollback(work, wanted)
    for refusal in plan.refusals:
        raise refusal
    (made,) = save_drafts(work, actor, [_draft(work, plan)])
    _bring_tasks(work, actor, plan, reason)
    pin = Pin(reason, actor, wanted.until)
    put_pin(work, plan.workflow.id, pin)
    work.derivation.add_todo(VERSIONS, [Todo(workflow_key(plan.workflow.code), 0, MANUAL)])
    record_id = None
    if wanted.publish:
        sent = Request(plan.workflow.code, Operation.DEPLOY, plan.engine.name, made.version_no)
        record_id = request_in(work, actor, sent)
    done = RolledBack(
        made,
        plan.target.version_no,
        pin,
        record_id,
        tuple(plan.restored),
        tuple(sorted(plan.moved)),
        tuple(plan.warnings),
    )
    numbers = {"version_no": made.version_no, "rollback_of": done.rollback_of, "record_id": record_id}
    told = {**numbers, "reason": reason, "restored": done.restored, "taken_back": plan.moved}
    work.audit.add(actor, "rollback", ("workflow", plan.workflow.code), told)
    return done


def _draft(work: Work, plan: RollbackPlan) -> Draft:
    workflow = plan.workflow.id
    return Draft(
        workflow,
        plan.after,
        snapshot.hashes(plan.after),
        rules.summary_of(plan.target.version_no, plan.diff),
        MANUAL,
        work.versions.inter_workflow_edges([workflow]).get(workflow, ()),
        touched=plan.diff.touched(),
        rollback_of=plan.target.version_no,
    )


def _bring_tasks(work: Work, actor: str, plan: RollbackPlan, reason: str) -> None:
    """Memberships of its tasks. The metadata of the tasks is not touched: what is deleted there stays deleted."""
    homeless = [one.task_id for one in plan.places.values() if one.workflow_code is None]
    work.memberships.restore(actor, plan.workflow.id, homeless)
    if not plan.moved:
        return
    ids = [plan.places[task].task_id for task in plan.moved]
    work.memberships.take(actor, plan.workflow.code, ids, reason)
    keys = [task_key(task) for task in ids]
    keys += [workflow_key(code) for code in {plan.workflow.code, *plan.moved.values()}]
    work.derivation.add_todo(DEFINITIONS, [Todo(key, 0, MANUAL) for key in keys])
