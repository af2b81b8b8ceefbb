"""A comparison in lines: + came, - went, ~ changed, > moved. What moves the DAG first, as in a change summary."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import unified_diff

from wfgov_dagster.domain.change_class import ChangeClass
from wfgov_dagster.domain.compare import Comparison, Moved, NamedChange
from wfgov_dagster.domain.diff import FieldChange, short, waiting

_BY_NAME = frozenset({"parameters", "resources"})
_TEXTS = frozenset({"text", "description"})


def lines(found: Comparison, before: str, after: str, *, whole: bool = True) -> Iterator[str]:
    """`before` and `after`: what the two sides are called. Texts of several lines as a unified diff. Not `whole`: no
    texts, no values of parameters, nothing of what else a node type needs."""
    diff, came, left = found.diff, dict(_moved(found.moves.came)), dict(_moved(found.moves.left))
    yield from (f"+task {code}{_moving('from', came.get(code))}" for code in diff.tasks_added)
    yield from (f"-task {code}{_moving('to', left.get(code))}" for code in diff.tasks_removed)
    yield from (f"+edge {pre} → {post}" for pre, post in diff.edges_added)
    yield from (f"-edge {pre} → {post}" for pre, post in diff.edges_removed)
    yield from (f"+{waiting(one)}" for one in diff.cross_added)
    yield from (f"-{waiting(one)}" for one in diff.cross_removed)
    teller = _Teller(found, (before, after), whole)
    yield from teller.changes(None, diff.settings)
    for task in diff.tasks_changed:
        yield f"~task {task.code}"
        yield from (f"  {line}" for line in teller.changes(task.code, task.fields))


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


@dataclass(frozen=True, slots=True)
class _Teller:
    found: Comparison
    names: tuple[str, str]
    whole: bool

    def changes(self, task: str | None, changes: Iterable[FieldChange]) -> Iterator[str]:
        for one in changes:
            if one.field in _BY_NAME:
                named = (each for each in getattr(self.found, one.field) if each.task_code == task)
                yield from (_named(one.field, each, whole=self.whole) for each in named)
            elif one.field == "schedule":
                yield from (_valued(_of_schedule(part), part) for part in self.found.schedule)
            elif one.field in _TEXTS:
                yield from self._text(task, one)
            elif self.whole or not one.field.startswith("extra"):
                yield _valued(one.field, one)
            else:
                yield f"~{one.field}"

    def _text(self, task: str | None, one: FieldChange) -> Iterator[str]:
        before, after = str(one.before), str(one.after)
        if one.field == "text" and task in self.found.effects.formatted:
            yield "~text: formatting only"
        elif not self.whole and one.field == "text":
            yield f"~text: {len(before.splitlines())} → {len(after.splitlines())} lines"
        if self.whole and "\n" in before + after:
            old, new = (f"{one.field} {name}" for name in self.names)
            yield from unified_diff(before.splitlines(), after.splitlines(), old, new, lineterm="")
        elif self.whole:
            yield f"~{one.field}: {before} → {after}"
        elif one.field != "text":
            yield _valued(one.field, one)


def _of_schedule(part: FieldChange) -> str:
    return "schedule" if part.field == "schedule" else f"schedule {part.field}"


def _valued(field: str, one: FieldChange) -> str:
    return f"~{field}: {short(one.before)} → {short(one.after)}"


def _named(field: str, one: NamedChange, *, whole: bool) -> str:
    kind = field.removesuffix("s")
    sign = "+" if one.before is None else "-" if one.after is None else "~"
    if field == "resources" or sign == "-" or not whole:
        return f"{sign}{kind} {one.name}"
    before = "" if one.before is None else f"{short(one.before)} → "
    return f"{sign}{kind} {one.name}: {before}{short(one.after)}"
