"""What differs between two definitions of a workflow, and how to say it in a line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from wfgov_dagster.domain import extra
from wfgov_dagster.domain.definition import CrossEdge, Definition, Edge, Parameter, Schedule, Settings, Task

SUMMARY_LIMIT = 1000  # workflow_version.change_summary


@dataclass(frozen=True, slots=True)
class FieldChange:
    """`field`: of a task or of the settings; inside `extra` with its path: `extra.dependence.relation`."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class TaskChange:
    code: str
    fields: tuple[FieldChange, ...]


@dataclass(frozen=True, slots=True)
class Diff:
    """All lists sorted; everything empty = equal content. `bodies`: the tasks that came or changed, as they are now."""

    settings: tuple[FieldChange, ...]
    tasks_added: tuple[str, ...]
    tasks_removed: tuple[str, ...]
    tasks_changed: tuple[TaskChange, ...]
    edges_added: tuple[Edge, ...]
    edges_removed: tuple[Edge, ...]
    cross_added: tuple[CrossEdge, ...]
    cross_removed: tuple[CrossEdge, ...]
    bodies: tuple[Task, ...] = field(default=(), compare=False, repr=False)  # follows from the rest and the definition

    def __bool__(self) -> bool:
        return any(getattr(self, part.name) for part in fields(self))

    def touched(self) -> set[str]:
        """Codes of the tasks that came or changed, or that have an edge which came or went."""
        ends = {code for edge in (*self.edges_added, *self.edges_removed) for code in edge}
        return ends | set(self.tasks_added) | {one.code for one in self.tasks_changed}


def diff(before: Definition | None, after: Definition | None) -> Diff:
    """None stands for an empty workflow: then all tasks and edges are new, or gone; settings are not compared."""
    old, new = _tasks(before), _tasks(after)
    both = sorted(code for code in old.keys() & new.keys() if old[code] != new[code])
    changed = [TaskChange(code, _fields(old[code], new[code])) for code in both]
    added = sorted(new.keys() - old.keys())
    edges = _sets(before, after, "edges")
    cross = _sets(before, after, "cross_edges")
    return Diff(
        settings=() if before is None or after is None else _fields(before.settings, after.settings),
        tasks_added=tuple(added),
        tasks_removed=tuple(sorted(old.keys() - new.keys())),
        tasks_changed=tuple(changed),
        edges_added=tuple(sorted(edges[1] - edges[0])),
        edges_removed=tuple(sorted(edges[0] - edges[1])),
        cross_added=tuple(sorted(cross[1] - cross[0])),
        cross_removed=tuple(sorted(cross[0] - cross[1])),
        bodies=tuple(new[code] for code in sorted([*added, *both])),
    )


def summary(found: Diff, evidence: Mapping[Edge, str], limit: int = SUMMARY_LIMIT) -> str:
    """One line, what moves the DAG first: `+edge a → b (reads t)`. What does not fit is counted at its end."""
    parts = [f"+edge {pre} → {post}{_because(evidence.get((pre, post)))}" for pre, post in found.edges_added]
    parts += [f"-edge {pre} → {post}" for pre, post in found.edges_removed]
    parts += [f"+task {code}" for code in found.tasks_added]
    parts += [f"-task {code}" for code in found.tasks_removed]
    parts += [f"~task {one.code}: {', '.join(field.field for field in one.fields)}" for one in found.tasks_changed]
    parts += [f"+{waiting(edge)}" for edge in found.cross_added]
    parts += [f"-{waiting(edge)}" for edge in found.cross_removed]
    parts += [f"~{one.field}: {short(one.before)} → {short(one.after)}" for one in found.settings]
    return _cut(parts, limit)


def waiting(edge: CrossEdge) -> str:
    """`waits b for w/a`, with the window where it is not the default."""
    window = f" ({edge.window})" if edge.window else ""
    return f"waits {edge.task} for {edge.upstream_workflow}/{edge.upstream_task}{window}"


def _because(evidence: str | None) -> str:
    return f" ({evidence})" if evidence else ""


def short(value: object) -> str:
    """A value in a line."""
    text = _plain(value)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _plain(value: object) -> str:
    match value:
        case None | ():
            return "none"
        case Schedule():
            bounds = (("from", value.start), ("until", value.end))
            return " ".join((value.cron, value.time_zone, *(f"{word} {at}" for word, at in bounds if at)))
        case Parameter():
            return f"{value.name}={value.value}"
        case Task():
            return f"{value.node_type} {value.name}"
        case tuple():
            return ", ".join(_plain(one) for one in value)
        case _:
            return str(value)


def _cut(parts: Sequence[str], limit: int) -> str:
    text = "; ".join(parts)
    if len(text) <= limit:
        return text
    if len(parts) == 1:
        return f"{text[: limit - 1]}…"
    kept: list[str] = []
    room = limit - len("; … and 1000000 more")
    for part in parts:
        if len("; ".join([*kept, part])) > room:
            break
        kept.append(part)
    if not kept:
        return parts[0][:room] + f" … and {len(parts) - 1} more"
    return "; ".join(kept) + f"; … and {len(parts) - len(kept)} more"


def _tasks(definition: Definition | None) -> Mapping[str, Task]:
    return {} if definition is None else definition.by_code()


def _sets(before: Definition | None, after: Definition | None, name: str) -> tuple[set[Any], set[Any]]:
    return (
        set() if before is None else set(getattr(before, name)),
        set() if after is None else set(getattr(after, name)),
    )


def _fields(before: Task | Settings, after: Task | Settings) -> tuple[FieldChange, ...]:
    names = (field.name for field in fields(before))
    return tuple(
        change
        for name in names
        if getattr(before, name) != getattr(after, name)
        for change in _changes(name, getattr(before, name), getattr(after, name))
    )


def _changes(name: str, before: Any, after: Any) -> list[FieldChange]:
    if name != "extra":
        return [FieldChange(name, before, after)]
    return [FieldChange(f"{name}{path}", one, other) for path, one, other in extra.differences(before, after)]
