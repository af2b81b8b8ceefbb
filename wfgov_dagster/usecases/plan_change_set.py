"""Plan a change set without writing a row, and apply a plan exactly, or not at all."""

from dataclasses import replace

from wfgov_dagster.domain.change_plan import ChangePlan, PlannedMember, moved, observed_digest
from wfgov_dagster.domain.plan import rows
from wfgov_dagster.errors import ChangeSetRefused, Conflict, ForeignEdit, NotFound, PlanMoved
from wfgov_dagster.usecases.change_set import Wanted, order
from wfgov_dagster.usecases.preview_publish import preview
from wfgov_dagster.usecases.publisher import Publisher
from wfgov_dagster.usecases.request_publish import Request


def plan_change_set(publisher: Publisher, wanted: Wanted) -> ChangePlan:
    """Each workflow is looked at on the engine once. Raises as `make` does, ChangeSetRefused also for members that
    would be paused, and EngineError when the engine cannot be seen."""
    with publisher.store.read() as work:
        ordered = order(work, wanted)
    bad: dict[str, str] = {}
    waves: list[list[PlannedMember]] = []
    for wave in ordered.waves:
        waves.append([])
        for one in wave:
            request = Request(one.workflow.code, wanted.operation, wanted.engine, one.version.version_no)
            try:
                waves[-1].append(_planned(publisher, request))
            except (NotFound, Conflict) as refusal:
                bad[one.workflow.code] = refusal.sentence()
    if bad:
        raise ChangeSetRefused(bad)
    return ChangePlan(wanted.engine, wanted.operation, waves)


def check_unmoved(publisher: Publisher, plan: ChangePlan) -> None:
    """Raises PlanMoved with everything that is not as the plan saw it, EngineError when the engine cannot be seen."""
    bad: dict[str, str] = {}
    rest = [one.workflow_code for one in plan.members]
    now = ChangePlan(plan.engine, plan.operation, ())
    while rest:
        try:
            now = plan_change_set(publisher, Wanted(plan.operation, plan.engine, rest))
            break
        except ChangeSetRefused as refusal:
            bad |= refusal.members
            rest = [code for code in rest if code not in bad]
    found = moved(plan, now, in_waves=not bad) | bad
    if found:
        raise PlanMoved(dict(sorted(found.items())), hint="look at it anew: wfgov plan")


def as_wanted(plan: ChangePlan, plan_hash: str, like: Wanted) -> Wanted:
    """The set that the plan is about, published as `like` says."""
    versions = {one.workflow_code: one.version_no for one in plan.members}
    waves = [[one.workflow_code for one in wave] for wave in plan.waves]
    return replace(like, codes=list(versions), versions=versions, waves=waves, plan=plan_hash)


def _planned(publisher: Publisher, request: Request) -> PlannedMember:
    found = preview(publisher, request)
    if found.foreign:
        hint = f"publish it alone, then decide: wfgov publish {found.workflow_code} --operation {found.operation}"
        raise ForeignEdit(f"somebody changed its {' and '.join(found.foreign)} on the engine", hint=hint)
    return PlannedMember(
        found.workflow_code,
        found.version_no,
        found.content_hash,
        observed_digest(found.observed),
        rows(found.steps),
        found.change_summary,
        found.warnings,
    )
