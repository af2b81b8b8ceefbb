"""The canonical document `w1`: same meaning, same bytes. Its golden vectors are in tests/unit/test_w1.py.

Sorted keys, lists sorted by code, UTF-8, no spaces, only strings, integers, booleans and null; text exactly as given.
A document is assembled from the bytes of its parts, so that one changed task costs one serialisation.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from wfgov_dagster.domain.definition import CrossEdge, Definition, Edge, Parameter, Schedule, Settings, Task
from wfgov_dagster.errors import InvalidInput

SCHEME: Final = "w1"  # change it whenever the bytes change for equal content; old hashes stay readable
NODE_FIELDS: Final = ("extra", "flags", "parameters", "resources")  # of a task, for which its row has no column
_TOLD_ONLY = ("name", "description")  # what the functional hash leaves out
_BETWEEN_TASKS = b'},{"code":'


@dataclass(frozen=True, slots=True)
class Hashes:
    """`content` of everything; `functional` without names and descriptions: equal = nothing runs differently."""

    content: str
    functional: str


def canonical(value: object) -> bytes:
    """Canonical JSON. Raises InvalidInput for a float, a key that is no string, or text that is not UTF-8."""
    _refuse(value)
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError as exc:
        raise InvalidInput(f"cannot be written canonically: {exc}") from exc


def digest(content: bytes) -> str:
    return f"{SCHEME}:{hashlib.sha256(content).hexdigest()}"


def task_body(task: Task) -> bytes:
    """Canonical bytes of one task."""
    return canonical(_task(task))


def task_spec(task: Task) -> str:
    """NODE_FIELDS of a task as JSON text that is never empty."""
    body = _task(task)
    return canonical({name: body[name] for name in NODE_FIELDS if name in body}).decode()


def document(definition: Definition, bodies: Mapping[str, bytes] | None = None) -> bytes:
    """Canonical bytes of the whole. `bodies`: `task_body` of each task, where it is known already."""
    if bodies is None:
        bodies = {task.code: task_body(task) for task in definition.tasks}
    return assemble(
        definition.edges,
        (bodies[task.code] for task in definition.tasks),
        canonical(_settings(definition.settings)),
        definition.cross_edges,
    )


def assemble(
    edges: Iterable[Edge], bodies: Iterable[bytes], settings: bytes, cross_edges: Iterable[CrossEdge] = ()
) -> bytes:
    """The document from parts that are canonical and sorted already."""
    crossing = [edge.row() for edge in cross_edges]
    return b"".join(
        (
            b'{"cross_workflow_edges":',
            _listed(crossing),
            b',"edges":',
            _listed(edges),
            b',"scheme":"w1","tasks":[',
            b",".join(bodies),
            b'],"workflow":',
            settings,
            b"}",
        )
    )


def _listed(rows: Iterable[tuple[str, ...]]) -> bytes:
    """Lists of text need no look for floats, and there are very many."""
    try:
        return orjson.dumps(list(rows))
    except TypeError as exc:
        raise InvalidInput(f"cannot be written canonically: {exc}") from exc


def hashes(definition: Definition, whole: bytes | None = None) -> Hashes:
    """Both hashes; `whole` is `document(definition)` where it is known already: then no task is written again."""
    whole = document(definition) if whole is None else whole
    functional = assemble(
        definition.edges,
        map(_untold, leaves(whole)),
        canonical(_bare(_settings(definition.settings))),
        definition.cross_edges,
    )
    return Hashes(digest(whole), digest(functional))


def leaves(whole: bytes) -> list[bytes]:
    """`task_body` of each task, in order, cut out of a document. A quote inside a text has a backslash before it, so
    the marks are found where they are keys, and nowhere else."""
    first, last = whole.index(b'"tasks":[') + len(b'"tasks":['), whole.rindex(b'],"workflow":{')
    if first == last:
        return []
    head, *rest = whole[first:last].split(_BETWEEN_TASKS)
    bodies = [head, *(b'{"code":' + one for one in rest)]
    return [*(one + b"}" for one in bodies[:-1]), bodies[-1]]


def parse(whole: bytes | str) -> Definition:
    """The definition that a document was made of. Raises InvalidInput for another scheme or shape."""
    try:
        found = orjson.loads(whole)
        if found["scheme"] != SCHEME:
            raise InvalidInput(f"document has scheme {found['scheme']!r}, this release reads {SCHEME!r}")
        return Definition(
            settings_from(found["workflow"]),
            tuple(task_from(task) for task in found["tasks"]),
            tuple((pre, post) for pre, post in found["edges"]),
            tuple(CrossEdge(*edge) for edge in found["cross_workflow_edges"]),
        )
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as exc:
        raise InvalidInput(f"not a {SCHEME} document: {exc!r}") from exc


def task_from(found: Mapping[str, Any]) -> Task:
    """A task from its parsed body."""
    return Task(**{**found, "parameters": _parameters_from(found), "resources": tuple(found["resources"]),
                   "flags": tuple(found["flags"])})  # fmt: skip


def settings_from(found: Mapping[str, Any]) -> Settings:
    """Settings from the parsed `workflow` part."""
    schedule = found["schedule"]
    return Settings(**{**found, "parameters": _parameters_from(found), "resources": tuple(found["resources"]),
                       "schedule": None if schedule is None else Schedule(**schedule)})  # fmt: skip


def settings_body(settings: Settings) -> bytes:
    """Canonical bytes of the `workflow` part."""
    return canonical(_settings(settings))


def schedule_body(schedule: Schedule | None) -> bytes:
    """Canonical bytes of a schedule alone: engines keep it apart from the definition."""
    return canonical(_schedule(schedule))


def _parameters_from(found: Mapping[str, Any]) -> tuple[Parameter, ...]:
    return tuple(Parameter(**parameter) for parameter in found["parameters"])


def _parameters(parameters: Iterable[Parameter]) -> list[dict[str, str]]:
    return [
        {"direction": one.direction, "name": one.name, "type": one.type, "value": one.value}
        for one in sorted(parameters)
    ]


def _schedule(schedule: Schedule | None) -> dict[str, str | None] | None:
    if schedule is None:
        return None
    return {"cron": schedule.cron, "end": schedule.end, "start": schedule.start, "time_zone": schedule.time_zone}


def _task(task: Task) -> dict[str, object]:
    """`extra` came later: without it the bytes are those of before."""
    extra = {"extra": task.extra} if task.extra else {}
    return extra | {
        "code": task.code,
        "datasource": task.datasource,
        "description": task.description,
        "flags": sorted(task.flags),
        "name": task.name,
        "node_type": task.node_type,
        "parameters": _parameters(task.parameters),
        "priority": task.priority,
        "resources": sorted(task.resources),
        "retries": task.retries,
        "retry_interval": task.retry_interval,
        "text": task.text,
        "timeout": task.timeout,
        "type": task.type,
    }


def _settings(settings: Settings) -> dict[str, object]:
    return {
        "code": settings.code,
        "description": settings.description,
        "environment": settings.environment,
        "failure_strategy": settings.failure_strategy,
        "name": settings.name,
        "parameters": _parameters(settings.parameters),
        "priority": settings.priority,
        "resources": sorted(settings.resources),
        "schedule": _schedule(settings.schedule),
        "tenant": settings.tenant,
        "timeout": settings.timeout,
        "worker_group": settings.worker_group,
    }


def _untold(body: bytes) -> bytes:
    """A task's body without _TOLD_ONLY."""
    told = body.index(b'"description":')
    told_end = body.index(b'"flags":', told)
    extra = body.find(b'"extra":', told, told_end)
    name = body.index(b'"name":', told_end)
    kept = (body[:told], body[told_end if extra < 0 else extra : name], body[body.index(b'"node_type":', name) :])
    return b"".join(kept)


def _bare(part: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in part.items() if name not in _TOLD_ONLY}


def _refuse(value: object) -> None:
    match value:
        case None | str() | int():
            return
        case float():
            raise InvalidInput(f"a canonical document holds no float: {value!r}", hint="write it as text")
        case Mapping():
            for item in value.values():
                _refuse(item)
        case list() | tuple():
            for item in value:
                _refuse(item)
        case _:
            raise InvalidInput(f"a canonical document holds no {type(value).__name__}: {value!r}")
