"""A diff as people ask for it: what was renamed and moved, parameters by name, resources, schedule, and its class."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from wfgov_dagster.domain.change_class import Effects, Verdict, judge
from wfgov_dagster.domain.definition import Schedule
from wfgov_dagster.domain.diff import Diff, FieldChange


@dataclass(frozen=True, slots=True)
class Renamed:
    """The same code, another name."""

    code: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Moved:
    """`workflow_code`: where it came from, or is now."""

    code: str
    workflow_code: str


@dataclass(frozen=True, slots=True)
class NamedChange:
    """One parameter or resource. `task_code` None: of the workflow. `before` None = added, `after` None = removed."""

    task_code: str | None
    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Moves:
    """By code. Those that came are among the added tasks, those that left among the removed ones."""

    came: tuple[Moved, ...] = ()
    left: tuple[Moved, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """`diff` has all; the rest are views of it. `schedule`: its parts; the field `schedule` = it came or went."""

    diff: Diff
    verdict: Verdict
    effects: Effects
    moves: Moves
    renamed: tuple[Renamed, ...]
    parameters: tuple[NamedChange, ...]
    resources: tuple[NamedChange, ...]
    schedule: tuple[FieldChange, ...]


def compare(found: Diff, effects: Effects, moves: Moves) -> Comparison:
    renamed = (Renamed(code, one.before, one.after) for code, one in _fields(found) if code and one.field == "name")
    return Comparison(
        found,
        judge(found, effects),
        effects,
        moves,
        tuple(renamed),
        tuple(_named(found, "parameters")),
        tuple(_named(found, "resources")),
        tuple(part for one in found.settings if one.field == "schedule" for part in _schedule(one)),
    )


def _fields(found: Diff) -> Iterator[tuple[str | None, FieldChange]]:
    yield from ((None, one) for one in found.settings)
    yield from ((task.code, one) for task in found.tasks_changed for one in task.fields)


def _named(found: Diff, field: str) -> Iterator[NamedChange]:
    for code, one in _fields(found):
        if one.field == field:
            old, new = _values(one.before), _values(one.after)
            for name in sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name)):
                yield NamedChange(code, name, old.get(name), new.get(name))


def _values(named: Iterable[Any]) -> Mapping[str, str]:
    """Parameters of one name and both directions are told together; a resource is its own value."""
    values: dict[str, str] = {}
    for one in named:
        if isinstance(one, str):
            values[one] = one
        else:
            usual = (one.direction, one.type) == ("IN", "VARCHAR")
            told = one.value if usual else f"{one.value} ({one.direction} {one.type})"
            values[one.name] = told if one.name not in values else f"{values[one.name]}, {told}"
    return values


def _schedule(one: FieldChange) -> list[FieldChange]:
    before, after = one.before, one.after
    if not isinstance(before, Schedule) or not isinstance(after, Schedule):
        return [one]
    names = (part.name for part in fields(Schedule))
    return [
        FieldChange(name, getattr(before, name), getattr(after, name))
        for name in names
        if getattr(before, name) != getattr(after, name)
    ]
