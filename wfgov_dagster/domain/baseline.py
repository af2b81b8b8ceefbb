"""What was found at an adoption, and what to keep in mind: the baseline report."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from wfgov_dagster.domain.definition import Edge


@dataclass(frozen=True, slots=True)
class TaskBaseline:
    """`lineage`: found (all its tables are known), unmatched (some are new, `new_tables`), missing (`problem`)."""

    task_code: str
    name: str
    node_type: str
    match: str
    lineage: str
    new_tables: tuple[str, ...] = ()
    problem: str | None = None
    elsewhere: str | None = None


@dataclass(frozen=True, slots=True)
class WorkflowBaseline:
    """`state`: adopted, adoptable (a dry run), skipped or failed, with its `reason`."""

    workflow_code: str
    state: str
    reason: str | None = None
    engine_workflow_code: str | None = None
    engine_version: int | None = None
    online: bool = False
    schedule: str | None = None
    schedule_online: bool = False
    tasks: tuple[TaskBaseline, ...] = ()
    edges: int = 0
    declared_edges: tuple[Edge, ...] = ()
    undrawn_edges: tuple[Edge, ...] = ()
    unreadable_versions: int = 0
    risks: tuple[str, ...] = ()

    @property
    def types(self) -> Mapping[str, int]:
        return dict(sorted(Counter(task.node_type for task in self.tasks).items()))

    @property
    def lineage(self) -> Mapping[str, int]:
        return {kind: sum(task.lineage == kind for task in self.tasks) for kind in ("found", "unmatched", "missing")}


@dataclass(frozen=True, slots=True)
class Baseline:
    engine: str
    dry_run: bool
    workflows: Sequence[WorkflowBaseline] = field(default_factory=tuple)

    @property
    def taken(self) -> Sequence[WorkflowBaseline]:
        return [one for one in self.workflows if one.state in ("adopted", "adoptable")]


def value(report: Baseline) -> dict[str, object]:
    """As JSON."""
    return {
        "engine": report.engine,
        "dry_run": report.dry_run,
        "totals": totals(report),
        "workflows": [_workflow(one) for one in report.workflows],
    }


def totals(report: Baseline) -> dict[str, object]:
    tasks = [task for one in report.taken for task in one.tasks]
    return {
        "workflows": len(report.workflows),
        "states": dict(sorted(Counter(one.state for one in report.workflows).items())),
        "online": sum(one.online for one in report.taken),
        "scheduled": sum(one.schedule_online for one in report.taken),
        "tasks": len(tasks),
        "types": dict(sorted(Counter(task.node_type for task in tasks).items())),
        "matches": dict(sorted(Counter(task.match for task in tasks).items())),
        "lineage": {kind: sum(one.lineage[kind] for one in report.taken) for kind in ("found", "unmatched", "missing")},
        "elsewhere": sum(task.elsewhere is not None for task in tasks),
        "unreadable_versions": sum(one.unreadable_versions for one in report.taken),
        "risks": sum(len(one.risks) for one in report.workflows),
    }


def markdown(report: Baseline) -> str:
    """For people; the same content."""
    found = totals(report)
    kind = "what would be adopted" if report.dry_run else "what was adopted"
    lines = [f"# Baseline of engine {report.engine}", "", f"{kind.capitalize()}.", "", "| | |", "|---|---|"]
    lines += [f"| {name.replace('_', ' ')} | {_cell(told)} |" for name, told in found.items()]
    lines += ["", "| workflow | state | online | schedule | tasks | lineage found / unmatched / missing | risks |"]
    lines += ["|---|---|---|---|---|---|---|"]
    for one in report.workflows:
        told = " / ".join(str(count) for count in one.lineage.values())
        schedule = one.schedule or "-"
        fires = " (online)" if one.schedule_online else ""
        lines.append(
            f"| {_cell(one.workflow_code)} | {_cell(_state(one))} | {'yes' if one.online else 'no'} | "
            f"{_cell(schedule + fires)} | {_cell(one.types) or '-'} | {told} | {len(one.risks)} |"
        )
    for one in report.workflows:
        lines += _section(one)
    return "\n".join(lines) + "\n"


def _workflow(one: WorkflowBaseline) -> dict[str, object]:
    names = ("workflow_code", "state", "reason", "engine_workflow_code", "engine_version", "online", "schedule",
             "schedule_online", "edges", "declared_edges", "undrawn_edges", "unreadable_versions", "risks", "tasks",
             "types", "lineage")  # fmt: skip
    return {name: getattr(one, name) for name in names}


def _state(one: WorkflowBaseline) -> str:
    return f"{one.state}: {one.reason}" if one.reason else one.state


def _section(one: WorkflowBaseline) -> list[str]:
    if not one.tasks and not one.risks:
        return []
    lines = ["", f"## {_cell(one.workflow_code)}", ""]
    lines += [f"- {_cell(risk)}" for risk in one.risks] or ["No risks."]
    if one.tasks:
        lines += ["", "| task | type | match | lineage |", "|---|---|---|---|"]
    for task in one.tasks:
        told = task.lineage
        told += f" ({', '.join(task.new_tables)})" if task.new_tables else ""
        told += f" ({task.problem})" if task.problem else ""
        match = f"{task.match}; {task.elsewhere}" if task.elsewhere else task.match
        lines.append(f"| {_cell(task.task_code)} | {_cell(task.node_type)} | {_cell(match)} | {_cell(told)} |")
    return lines


def _cell(told: object) -> str:
    text = ", ".join(f"{name} {count}" for name, count in told.items()) if isinstance(told, Mapping) else str(told)
    return text.replace("|", "\\|").replace("\n", " ")
