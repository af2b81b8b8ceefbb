"""A definition as lines for people: what a unified diff is made of. One field a line, a text line by line."""

from collections.abc import Iterator
from dataclasses import fields
from difflib import unified_diff

from wfgov_dagster.domain.definition import CrossEdge, Definition, Parameter, Schedule, Settings, Task


def readable(definition: Definition) -> list[str]:
    lines = [f"workflow {definition.code}", *_fields(definition.settings)]
    for task in definition.tasks:
        lines += [f"task {task.code}", *_fields(task)]
    lines += [f"edge {pre} → {post}" for pre, post in definition.edges]
    return [*lines, *(_crossing(edge) for edge in definition.cross_edges)]


def unified(before: Definition, after: Definition, names: tuple[str, str]) -> list[str]:
    """() for equal ones. `names`: what the two are called in its head."""
    return list(unified_diff(readable(before), readable(after), *names, lineterm=""))


def _fields(part: Settings | Task) -> Iterator[str]:
    for field in fields(part):
        value = getattr(part, field.name)
        if field.name == "code" or value in ("", (), None):
            continue
        lines = [told for one in value for told in _value(one)] if isinstance(value, tuple) else _value(value)
        if len(lines) == 1 and not isinstance(value, tuple):
            yield f"  {field.name}: {lines[0]}"
        else:
            yield f"  {field.name}:"
            yield from (f"    {line}" for line in lines)


def _value(value: object) -> list[str]:
    match value:
        case Parameter():
            return [f"{value.name} = {value.value} ({value.direction} {value.type})"]
        case Schedule():
            bounds = (("from", value.start), ("until", value.end))
            return [" ".join((value.cron, value.time_zone, *(f"{word} {at}" for word, at in bounds if at)))]
        case _:
            return str(value).split("\n")


def _crossing(edge: CrossEdge) -> str:
    window = f" ({edge.window})" if edge.window else ""
    return f"edge {edge.upstream_workflow}/{edge.upstream_task} → {edge.task}{window}"
