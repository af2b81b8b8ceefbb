"""What an engine cannot hold of a definition: told before a publish, and not lost when an edit is taken over."""

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any, Final, TypeVar

from wfgov_dagster.domain.definition import Definition, Settings, Task
from wfgov_dagster.domain.diff import FieldChange, diff
from wfgov_dagster.domain.publish import bare

_TOLD_ONLY: Final = ("name", "description")  # nothing runs differently for them
Part = TypeVar("Part", Settings, Task)


def warnings(definition: Definition, shown: Definition) -> tuple[str, ...]:
    """A sentence for whatever runs differently on the engine than the version says. `shown`: what the engine makes of
    it."""
    found = diff(bare(definition), shown)
    told = [f"the engine holds {text}" for text in _changes("of the workflow", found.settings)]
    for task in found.tasks_changed:
        told += [f"the engine holds {text}" for text in _changes(f"of task {task.code}", task.fields)]
    told += [f"the engine does not hold that {one.task} waits for {one.upstream_workflow}/{one.upstream_task}"
             for one in found.cross_removed]  # fmt: skip
    return tuple(told)


def kept(before: Definition, shown: Definition, live: Definition) -> Definition:
    """`live` with what is not held as it was `before`: a field that the engine shows as expected is ours still."""
    ours, expected = before.by_code(), shown.by_code()
    tasks = [
        _kept(ours[task.code], expected[task.code], task) if task.code in ours and task.code in expected else task
        for task in live.tasks
    ]
    settings = _kept(bare(before).settings, shown.settings, live.settings)
    crossing = before.cross_edges if live.cross_edges == shown.cross_edges else live.cross_edges
    return replace(live, settings=settings, tasks=tuple(tasks), cross_edges=crossing)


def _kept(before: Part, shown: Part, live: Part) -> Part:
    same: dict[str, Any] = {
        one.name: getattr(before, one.name)
        for one in fields(live)
        if getattr(live, one.name) == getattr(shown, one.name)
    }
    return replace(live, **same)


def _changes(whose: str, changes: tuple[FieldChange, ...]) -> Iterator[str]:
    for one in changes:
        if one.field not in _TOLD_ONLY:
            yield f"{one.field} {whose} as {_plain(one.after)}, the version says {_plain(one.before)}"


def _plain(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return text or "none"
