"""A comparison in lines: + came, - went, ~ changed, > moved. What moves the DAG first, as in a change summary."""

from collections.abc import Iterator
from difflib import unified_diff

from wfgov_dagster.domain.change_class import ChangeClass
from wfgov_dagster.domain.compare import Comparison, Moved, NamedChange
from wfgov_dagster.domain.diff import FieldChange, short, waiting

_BY_NAME = frozenset({"parameters", "resources"})


def lines(found: Comparison, before: str, after: str) -> Iterator[str]:
    """`before` and `after`: what the two sides are called. Texts of several lines as a unified diff."""
    diff, came, left = found.diff, dict(_moved(found.moves.came)), dict(_moved(found.moves.left))
    yield from (f"+task {code}{_moving('from', came.get(code))}" for code in diff.tasks_added)
    yield from (f"-task {code}{_moving('to', left.get(code))}" for code in diff.tasks_removed)
    yield from (f"+edge {pre} → {post}" for pre, post in diff.edges_added)
    yield from (f"-edge {pre} → {post}" for pre, post in diff.edges_removed)
    yield from (f"+{waiting(one)}" for one in diff.cross_added)
    yield from (f"-{waiting(one)}" for one in diff.cross_removed)
    names = before, after
    yield from _changes(found, None, diff.settings, names)
    for task in diff.tasks_changed:
        yield f"~task {task.code}"
        yield from (f"  {line}" for line in _changes(found, task.code, task.fields, names))


def verdict(found: Comparison) -> Iterator[str]:
    """The class, and why: only what is as grave, unless that is a name."""
    own = found.verdict
    yield f"class: {own.change_class.value}"
    if own.change_class not in {ChangeClass.NONE, ChangeClass.METADATA}:
        yield from (f"  {one.told}" for one in own.reasons if one.change_class is own.change_class)


def _moved(moves: tuple[Moved, ...]) -> Iterator[tuple[str, str]]:
    return ((one.code, one.workflow_code) for one in moves)


def _moving(word: str, workflow: str | None) -> str:
    return "" if workflow is None else f" (moved {word} {workflow})"


def _changes(
    found: Comparison, task: str | None, changes: tuple[FieldChange, ...], names: tuple[str, str]
) -> Iterator[str]:
    for one in changes:
        if one.field in _BY_NAME:
            yield from (_named(one.field, each) for each in getattr(found, one.field) if each.task_code == task)
        elif one.field == "schedule" and task is None:
            yield from (_valued(f"schedule {part.field}" if part.field != "schedule" else "schedule", part)
                        for part in found.schedule)  # fmt: skip
        elif isinstance(one.before, str) and isinstance(one.after, str) and "\n" in one.before + one.after:
            heads = (f"{one.field} {names[0]}", f"{one.field} {names[1]}")
            yield from _formatting(found, task, one)
            yield from unified_diff(one.before.splitlines(), one.after.splitlines(), *heads, lineterm="")
        elif one.field == "text" and task is not None:
            yield from _formatting(found, task, one)
            yield f"~text: {one.before} → {one.after}"
        else:
            yield _valued(one.field, one)


def _formatting(found: Comparison, task: str | None, one: FieldChange) -> Iterator[str]:
    if one.field == "text" and task in found.effects.formatted:
        yield "~text: formatting only"


def _valued(field: str, one: FieldChange) -> str:
    return f"~{field}: {short(one.before)} → {short(one.after)}"


def _named(field: str, one: NamedChange) -> str:
    kind = field.removesuffix("s")
    if field == "resources":
        return f"{'+' if one.before is None else '-'}{kind} {one.name}"
    if one.before is None:
        return f"+{kind} {one.name}: {short(one.after)}"
    return (
        f"-{kind} {one.name}" if one.after is None else f"~{kind} {one.name}: {short(one.before)} → {short(one.after)}"
    )
