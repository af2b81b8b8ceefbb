"""Step 2: dependencies → memberships → current definitions and cross-workflow edges."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson
import polars as pl

from wfgov_dagster.domain.definition import CrossEdge, Schedule, Settings
from wfgov_dagster.domain.estate import Defined, Estate, Stated, define, scheduled
from wfgov_dagster.domain.snapshot import settings_from
from wfgov_dagster.domain.todo import ALL, DEFINITIONS, MANUAL, VERSIONS, stronger, task_of, workflow_key, workflow_of
from wfgov_dagster.domain.window import choose, stored
from wfgov_dagster.ports.store import Finding, Ids, Store, Todo, Work
from wfgov_dagster.usecases.place_tasks import place_tasks

_PAIR = ["task", "upstream"]
_SLICE = 500  # workflows at a time: bounds the memory of a run over a large estate
_SCHEDULE_RULE, _CYCLE_RULE, _NODE_RULE = "schedule", "cycle", "node"


@dataclass(frozen=True, slots=True)
class DefinitionReport:
    """`changed`: codes of the workflows whose definition differs now; `broken`: code → why it is a draft."""

    placed: int = 0
    moved: int = 0
    changed: tuple[str, ...] = ()
    broken: Mapping[str, str] | None = None


def define_workflows(store: Store, actor: str, time_zone: str, *, full: bool = False) -> DefinitionReport:
    """Place new tasks, define the workflows that the step before touched; `full`: all of them."""
    with store.write() as work:
        work.derivation.lock()
        todo = work.derivation.take_todo(DEFINITIONS)
        full = full or any(one.key == ALL for one in todo)
        if not todo and not full:
            return DefinitionReport()
        tasks = None if full else {task for one in todo if (task := task_of(one.key)) is not None}
        placed = place_tasks(work, tasks, actor)
        dirty = None if tasks is None else placed.workflows | _named(work, todo) | work.workflows.waiting_on(tasks)
        dirty = dirty if dirty is None else dirty | work.workflows.waiting_for(dirty)
        _save_crossing(work, tasks)
        work.workflows.refresh_counts(tasks)
        changed, broken = _define(work, dirty, time_zone, actor)
        work.derivation.add_todo(VERSIONS, _next(work, changed, todo))
        if changed or placed.placed or placed.moved:
            detail = {"placed": placed.placed, "moved": placed.moved, "changed": len(changed), "drafts": len(broken)}
            work.audit.add(actor, "define_workflows", ("metadata", ""), detail)
        return DefinitionReport(placed.placed, placed.moved, tuple(sorted(changed.values())), broken)


def _named(work: Work, todo: Sequence[Todo]) -> set[int]:
    codes = {code for one in todo if (code := workflow_of(one.key)) is not None}
    if not codes:
        return set()
    known = work.workflows.all()
    return set(known.filter(pl.col("code").is_in(sorted(codes)))["workflow"])


def _save_crossing(work: Work, tasks: Ids) -> None:
    fresh, stored = work.workflows.crossing(tasks), work.workflows.stored_crossing(tasks)
    gone = stored.join(fresh, on=fresh.columns, how="anti")
    came = fresh.join(stored, on=fresh.columns, how="anti")
    work.workflows.save_crossing(gone.select(_PAIR), came)


def _define(work: Work, dirty: Ids, time_zone: str, actor: str) -> tuple[dict[int, str], dict[str, str]]:
    """Changed workflows (id → code) and broken ones (code → error) among the dirty."""
    known = work.workflows.all()
    if dirty is not None:
        known = known.filter(pl.col("workflow").is_in(sorted(dirty)))
    changed: dict[int, str] = {}
    broken: dict[str, str] = {}
    for some in known.iter_slices(_SLICE):
        _define_some(work, some, time_zone, actor, (changed, broken))
    return changed, broken


def _define_some(
    work: Work, known: pl.DataFrame, time_zone: str, actor: str, told: tuple[dict[int, str], dict[str, str]]
) -> None:
    """Define these workflows; what changed and what is broken is added to `told`."""
    changed, broken = told
    before = {row["workflow"]: row for row in known.iter_rows(named=True)}
    ids = list(before)
    estate = Estate(
        work.workflows.members(ids),
        work.workflows.inner_edges(ids),
        _stated(work, known, time_zone),
        _confirmed(work, ids, time_zone),
    )
    rows, findings = [], []
    for defined in define(estate):
        row = before[defined.workflow]
        error = _error(work, defined)
        if error is not None:
            broken[row["code"]] = error
        findings += _findings(row["code"], error, defined)
        if (defined.content_hash, error or "") != (row["hash"], row["error"]):
            changed[defined.workflow] = row["code"]
            rows.append(_row(defined, error, estate.stated[defined.workflow].settings, actor))
    work.workflows.save_definitions(rows)
    rules = (_SCHEDULE_RULE, _CYCLE_RULE, _NODE_RULE)
    work.findings.settle(rules, "workflow", [row["code"] for row in before.values()], findings)


def _stated(work: Work, known: pl.DataFrame, time_zone: str) -> dict[int, Stated]:
    declared = {row["code"]: row for row in work.workflows.settings().iter_rows(named=True)}
    found = {}
    for row in known.iter_rows(named=True):
        told = declared.get(row["code"])
        if told is None:
            found[row["workflow"]] = Stated(
                Settings(row["code"], row["name"], row["description"]), False, "", time_zone
            )
        elif told["settings"]:
            settings = settings_from(orjson.loads(told["settings"]))
            found[row["workflow"]] = Stated(settings, True, "", time_zone)
        else:
            settings = Settings(row["code"], told["name"] or row["code"], told["description"])
            found[row["workflow"]] = Stated(settings, True, told["cron"], told["time_zone"] or time_zone)
    return found


def _confirmed(work: Work, dirty: Ids, time_zone: str) -> dict[int, list[CrossEdge]]:
    """Of each workflow, with the windows that follow from the crons of both ends."""
    edges = work.workflows.confirmed_crossing(dirty)
    if not edges.height:
        return {}
    known = work.workflows.all()
    ends = known.filter(pl.col("workflow").is_in(edges["workflow"]) | pl.col("code").is_in(edges["upstream_workflow"]))
    schedules = _schedules(work, ends, time_zone)
    codes = dict(known.select("workflow", "code").iter_rows())
    found: dict[int, list[CrossEdge]] = {}
    for workflow, upstream_workflow, upstream_task, task in edges.iter_rows():
        chosen = choose(schedules[codes[workflow]], schedules[upstream_workflow])
        edge = CrossEdge(upstream_workflow, upstream_task, task, stored(chosen))
        found.setdefault(workflow, []).append(edge)
    return found


def _schedules(work: Work, known: pl.DataFrame, time_zone: str) -> dict[str, Schedule | None]:
    """By workflow code."""
    stated = _stated(work, known, time_zone)
    members = work.workflows.members(list(stated))
    found = {}
    for row in known.iter_rows(named=True):
        own = members.filter(pl.col("workflow") == row["workflow"])
        settings, _ = scheduled(stated[row["workflow"]], own["code"].to_list(), own["cron"].to_list())
        found[row["code"]] = settings.schedule
    return found


def _error(work: Work, defined: Defined) -> str | None:
    if defined.empty:
        return "no task is left in it"
    if defined.circles:
        return "tasks depend on each other in a circle: " + "; ".join(_told(work, circle) for circle in defined.circles)
    return "; ".join(defined.problems) or None


def _told(work: Work, circle: Sequence[str]) -> str:
    """a → b (reads t) → a (reads s): each task with the table by which it depends on the one before."""
    pairs = list(zip(circle, (*circle[1:], circle[0]), strict=True))
    evidence = work.workflows.evidence(pairs)
    return circle[0] + "".join(f" → {post} ({evidence[pre, post]})" for pre, post in pairs)


def _findings(code: str, error: str | None, defined: Defined) -> list[Finding]:
    found = []
    if defined.schedule_finding is not None:
        found.append(Finding(_SCHEDULE_RULE, "workflow", code, f"no schedule: {defined.schedule_finding}"))
    if error is not None and defined.circles:
        found.append(Finding(_CYCLE_RULE, "workflow", code, error))
    found += [Finding(_NODE_RULE, "workflow", code, told) for told in defined.problems]
    return found


def _row(defined: Defined, error: str | None, settings: Settings, actor: str) -> dict[str, object]:
    return {
        "w": defined.workflow,
        "workflow_name": settings.name,
        "description": settings.description or None,
        "definition_json": defined.document.decode(),
        "definition_hash": defined.content_hash,
        "definition_error": error,
        "entry_task_ids": orjson.dumps(defined.entry_tasks).decode(),
        "exit_task_ids": orjson.dumps(defined.exit_tasks).decode(),
        "status": "ready" if error is None else "draft",
        "updated_by": actor,
    }


def _next(work: Work, changed: Mapping[int, str], todo: Sequence[Todo]) -> list[Todo]:
    """The reason of a workflow is the strongest of its tasks' reasons."""
    reasons: dict[int, set[str]] = {workflow: set() for workflow in changed}
    by_task = {task: one.reason for one in todo if (task := task_of(one.key)) is not None}
    for task, workflow in work.workflows.memberships(set(by_task)).iter_rows():
        if workflow in reasons:
            reasons[workflow].add(by_task[task])
    by_code = {code: one.reason for one in todo if (code := workflow_of(one.key)) is not None}
    for workflow, code in changed.items():
        reasons[workflow] |= {by_code[code]} & {MANUAL} if code in by_code else set()
    everywhere = {one.reason for one in todo if one.key == ALL}
    first = min((one.first_seq for one in todo), default=0)
    return [
        Todo(workflow_key(code), first, stronger(reasons[workflow] | everywhere)) for workflow, code in changed.items()
    ]
