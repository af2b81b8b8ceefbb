"""Applying a diff: a definition, and what it takes to come to another one, give that other one."""

from dataclasses import replace
from typing import Any

from wfgov_dagster.domain.definition import Definition, Settings, Task, make
from wfgov_dagster.domain.diff import Diff, FieldChange
from wfgov_dagster.errors import Conflict


def apply(found: Diff, before: Definition) -> Definition:
    """`apply(diff(a, b), a) == b` for whatever `make` made. Raises Conflict where `before` is not what `found` says
    that there was."""
    tasks = dict(before.by_code())
    for code in found.tasks_removed:
        _expect(code in tasks, before, f"it has no task {code}")
        del tasks[code]
    for code in found.tasks_added:
        _expect(code not in tasks, before, f"it has a task {code} already")
    for change in found.tasks_changed:
        _expect(change.code in tasks, before, f"it has no task {change.code}")
        _check(before, f"task {change.code}", tasks[change.code], change.fields)
    tasks |= {task.code: task for task in found.bodies}
    return make(
        _settings(before, found.settings),
        tasks.values(),
        _moved(before, set(before.edges), found.edges_added, found.edges_removed),
        _moved(before, set(before.cross_edges), found.cross_added, found.cross_removed),
    )


def _settings(before: Definition, changes: tuple[FieldChange, ...]) -> Settings:
    _check(before, "workflow", before.settings, changes)
    return replace(before.settings, **{one.field: one.after for one in changes})


def _check(before: Definition, what: str, part: Task | Settings, changes: tuple[FieldChange, ...]) -> None:
    """`extra` is taken whole: which of its leaves differ is for people."""
    for one in changes:
        if not one.field.startswith("extra"):
            _expect(getattr(part, one.field) == one.before, before, f"{one.field} of {what} is another one")


def _moved(before: Definition, there: set[Any], came: tuple[Any, ...], gone: tuple[Any, ...]) -> set[Any]:
    _expect(there.issuperset(gone), before, "it lacks an edge")
    _expect(there.isdisjoint(came), before, "it has an edge already")
    return there.difference(gone) | set(came)


def _expect(holds: bool, before: Definition, what: str) -> None:
    if not holds:
        where = f"workflow {before.code}"
        raise Conflict(f"the diff was made of another definition: {what}", where=where, hint="compare again")
