"""What a rollback would do and what speaks against it, read in one unit of work; nothing is written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from wfgov_dagster.domain import rollback as rules
from wfgov_dagster.domain import snapshot
from wfgov_dagster.domain.definition import Definition
from wfgov_dagster.domain.diff import Diff, diff
from wfgov_dagster.domain.rollback import KeptVersion, LineageCheck
from wfgov_dagster.errors import Conflict, LeaseHeld, WfgovError
from wfgov_dagster.ports.memberships import TaskPlace
from wfgov_dagster.ports.publishing import GovernedWorkflow, RegisteredEngine
from wfgov_dagster.ports.queries import CrossWorkflowEdge
from wfgov_dagster.ports.store import Work
from wfgov_dagster.usecases import engines
from wfgov_dagster.usecases.show_workflows import unknown_workflow


@dataclass(frozen=True, slots=True)
class Wanted:
    """`to` None = the version published last. `seen`: version that was current when whoever asks looked at it; None =
    when the rollback begins. `until`: of the pin."""

    workflow_code: str
    engine: str
    reason: str = ""
    to: int | None = None
    take_back: bool = False
    unpublished: bool = False
    publish: bool = True
    until: datetime | None = None
    seen: int | None = None


@dataclass(frozen=True, slots=True)
class RollbackPlan:
    """`diff`: from the current version to the target. `restored`: tasks that are deleted in the metadata and come back
    with it. `moved`: task → workflow that it is in now. `readers`: dependencies of other workflows on tasks that the
    rollback removes or changes. `refusals`: what it would be refused with, the first one first."""

    workflow: GovernedWorkflow
    engine: RegisteredEngine
    current: KeptVersion
    target: KeptVersion
    after: Definition
    diff: Diff
    lineage: LineageCheck
    places: Mapping[str, TaskPlace]
    restored: Sequence[str]
    moved: Mapping[str, str]
    readers: Sequence[CrossWorkflowEdge]
    warnings: Sequence[str]
    refusals: Sequence[WfgovError]


def plan_rollback(work: Work, wanted: Wanted) -> RollbackPlan:
    """Raises NotFound or Conflict when there is nothing that could be planned."""
    code = wanted.workflow_code
    workflow, engine = work.publishing.workflow(code), engines.seen(work, wanted.engine)
    if workflow is None:
        raise unknown_workflow(code)
    if workflow.current is None:
        raise Conflict("it has no version", where=f"workflow {code}", hint="wfgov orchestrate")
    kept = _kept(work, code)
    published = None if workflow.last_published is None else workflow.last_published.version_no
    current = kept[workflow.current.version_no]
    target = rules.target_of(code, wanted.to, kept, (current.version_no, published))
    before, after = (work.versions.definition(code, one.version_no) for one in (current, target))
    if snapshot.digest(snapshot.document(after)) != target.content_hash:
        raise Conflict(
            f"V{target.version_no} cannot be rebuilt: its content is not what was signed",
            where=f"workflow {code}",
            hint="--to N: another version",
        )
    found = diff(before, after)
    places = work.memberships.places([task.code for task in after.tasks])
    moved = {task: one.workflow_code for task, one in places.items() if one.workflow_code not in {None, code}}
    plan = RollbackPlan(
        workflow,
        engine,
        current,
        target,
        after,
        found,
        rules.lineage_check(after, _dependencies(work, after)),
        places,
        tuple(task for task in found.tasks_added if task not in places or places[task].deleted),
        {task: where for task, where in moved.items() if where is not None},
        _readers(work, code, found),
        (),
        (),
    )
    return _judged(work, wanted, plan)


def _kept(work: Work, code: str) -> dict[int, KeptVersion]:
    return {
        row.version_no: KeptVersion(
            row.version_no,
            row.content_hash,
            row.published or row.imported_from is not None,
            row.created_by,
            row.rollback_of,
        )
        for row in work.queries.versions(code)
    }


def _dependencies(work: Work, definition: Definition) -> list[tuple[str, str]]:
    hops = work.queries.hops([task.code for task in definition.tasks], "upstream")
    return [(hop.far, hop.near) for hop in hops]


def _readers(work: Work, code: str, found: Diff) -> list[CrossWorkflowEdge]:
    touched = {*found.tasks_removed, *(one.code for one in found.tasks_changed)}
    return [
        edge
        for edge in work.queries.crossing(code)
        if edge.upstream_workflow_code == code and edge.upstream_task_code in touched
    ]


# what speaks against it


def _judged(work: Work, wanted: Wanted, plan: RollbackPlan) -> RollbackPlan:
    return replace(plan, warnings=tuple(_warnings(work, plan)), refusals=tuple(_refusals(work, wanted, plan)))


def _refusals(work: Work, wanted: Wanted, plan: RollbackPlan) -> list[WfgovError]:
    code, seen = wanted.workflow_code, wanted.seen
    found: list[WfgovError | None] = [
        None if seen in {None, plan.current.version_no} else rules.overtaken(code, seen or 0, plan.current),
        _held(work, plan),
        rules.same_content(code, plan.current, plan.target),
        None if plan.target.published or wanted.unpublished else rules.never_published(code, plan.target),
        None if not plan.moved or wanted.take_back else rules.moved_away(code, plan.moved),
    ]
    if plan.workflow.status == "archived":
        found.append(Conflict("it is archived", where=f"workflow {code}", hint="only offline is possible"))
    return [one for one in found if one is not None]


def _held(work: Work, plan: RollbackPlan) -> Conflict | None:
    """A publish of the same workflow on the same engine is under way: it is somebody's word, and is not superseded."""
    where = f"workflow {plan.workflow.code} on engine {plan.engine.name}"
    records = work.publishing.open_records(plan.engine.id, plan.workflow.id)
    told = f"{work.leases.holder(plan.engine.id, plan.workflow.code)} is publishing it"
    if records:
        job = work.publishing.job(records[-1])
        told = f"publish record {job.record_id} of {job.operator} is open: V{job.version.version_no}, {job.phase}"
    left = work.leases.left(plan.engine.id, plan.workflow.code)
    if left > 0:
        return LeaseHeld(told, where=where, hint=f"try again when that has ended, or in {left:.0f} s if it has died")
    if not records:
        return None
    return Conflict(told, where=where, hint=f"wfgov record show {records[-1]}; it has to end first")


def _warnings(work: Work, plan: RollbackPlan) -> list[str]:
    told = [] if plan.target.published else [f"V{plan.target.version_no} was never published"]
    told += [
        f"task {task} is deleted in the metadata and stays so: orchestration will propose a candidate without it"
        for task in plan.restored
    ]
    told += [f"edge {pre} → {post} is not in today's lineage" for pre, post in plan.lineage.gone]
    told += [f"{post} reads what {pre} writes and will not wait for it" for pre, post in plan.lineage.missing]
    told += [
        f"{one.workflow_code}/{one.task_code} reads what {one.upstream_task_code} writes ({one.state})"
        for one in plan.readers
    ]
    for other in sorted(set(plan.moved.values())):
        told += _of_other(work, plan, other)
    return told


def _of_other(work: Work, plan: RollbackPlan, other: str) -> list[str]:
    """A workflow that tasks are taken from."""
    taken = {task for task, where in plan.moved.items() if where == other}
    row, named = work.publishing.workflow(other), ", ".join(sorted(taken))
    if row is not None and work.pins.in_force([row.id]):
        return [f"workflow {other} is pinned: it keeps {named} until its candidate is applied and published"]
    if {one.task_code for one in work.queries.members(other)} <= taken:
        return [f"workflow {other} has no task left: it becomes a draft and keeps its version"]
    return [f"workflow {other} gets a version without {named}, which has to be published"]
