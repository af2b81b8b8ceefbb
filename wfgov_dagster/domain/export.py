"""A version on its way to another installation: what is known of it, around its w1 document.

The hash says that nothing was lost or changed on the way; it is no signature, so a document is looked at like any that
somebody wrote by hand.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from types import UnionType
from typing import Any, Final, get_args, get_origin, get_type_hints

import orjson

from wfgov_dagster.domain import extra, graph, snapshot
from wfgov_dagster.domain.definition import CrossEdge, Definition, Parameter, Schedule, Settings, Task
from wfgov_dagster.domain.window import WINDOWS
from wfgov_dagster.errors import InvalidInput

KIND: Final = "wfgov version"
FORMAT: Final = 1  # of what is around the document; the document has a scheme of its own
_PARTS: Final = (Task, Settings, Parameter, Schedule, CrossEdge)
_LONGEST: Final = {"code": 100, "name": 200}, {"code": 255, "name": 255, "node_type": 50, "datasource": 255}
_INTEGERS: Final = 2**31  # what a column holds


@dataclass(frozen=True, slots=True)
class Exported:
    """`based_on`: content hash of the version before it, None = there was none. `created_at`: ISO 8601."""

    workflow_code: str
    version_no: int
    content_hash: str
    functional_hash: str
    based_on: str | None
    change_summary: str
    trigger_source: str
    created_by: str
    created_at: str
    rollback_of: int | None
    published: bool
    definition: Definition

    @property
    def origin(self) -> str:
        """`V3 of sales by ann, 2026-11-27T02:14:00Z`"""
        return f"V{self.version_no} of {self.workflow_code} by {self.created_by}, {self.created_at}"[:300]


_HINTS: Final[Mapping[type, Mapping[str, Any]]] = {kind: get_type_hints(kind) for kind in (*_PARTS, Exported)}
_FACTS: Final = tuple(one.name for one in fields(Exported) if one.name != "definition")


def value(exported: Exported) -> dict[str, object]:
    """As JSON and YAML have it."""
    facts = {name: getattr(exported, name) for name in _FACTS}
    return {"kind": KIND, "format": FORMAT, **facts, "document": orjson.loads(snapshot.document(exported.definition))}


def read(found: object) -> Exported:
    """Of a value that was read from a file. Raises InvalidInput for what no export is, or is none any more."""
    try:
        return _read(found)
    except RecursionError:
        raise InvalidInput("it is nested too deeply", where="export") from None


def _read(found: object) -> Exported:
    if not isinstance(found, Mapping) or found.get("kind") != KIND:
        raise InvalidInput("no exported version", where="export", hint="wfgov version export CODE N makes one")
    if found.get("format") != FORMAT:
        told = f"format {found.get('format')!r}, this release reads {FORMAT}"
        raise InvalidInput(told, where="export", hint="import it with the release that made it, or a newer one")
    names, wanted = set(map(str, found)), {"kind", "format", *_FACTS, "document"}
    if names != wanted:
        told = ", ".join(sorted(names ^ wanted))
        raise InvalidInput(f"it lacks, or has beside what it should: {told}", where="export")
    definition = snapshot.parse(whole := snapshot.canonical(found["document"]))
    exported = Exported(**{name: found[name] for name in _FACTS}, definition=definition)
    for told in _misfits(exported, skip="definition"):
        raise InvalidInput(told, where="export")
    if exported.version_no < 1:
        raise InvalidInput(f"there is no version {exported.version_no}", where="export")
    _check_hashes(exported, whole)
    check(definition)
    if definition.code != exported.workflow_code:
        raise InvalidInput(f"its document is of {definition.code!r}", where=f"export of {exported.workflow_code}")
    return exported


def _check_hashes(exported: Exported, whole: bytes) -> None:
    told = exported.content_hash, exported.functional_hash
    try:
        own = snapshot.hashes(exported.definition)
    except (InvalidInput, TypeError):  # TypeError: lists of what has no order
        own = None
    if own is None or (own.content, own.functional) != told or snapshot.digest(whole) != exported.content_hash:
        raise InvalidInput(
            f"its content is not what its hash says ({exported.content_hash})",
            where=f"export of {exported.workflow_code} V{exported.version_no}",
            hint="somebody or something changed it on the way: export it again",
        )


def check(definition: Definition) -> None:
    """That it can be a version here. Raises InvalidInput."""
    where = f"document of workflow {str(definition.settings.code)[:100]}"
    for told in _wrong(definition):
        raise InvalidInput(told, where=where, hint="no version of an installation can look like this")


def _wrong(definition: Definition) -> Iterator[str]:
    yield from _part_wrong("workflow", definition.settings, _LONGEST[0])
    for task in definition.tasks:
        yield from _part_wrong(f"task {str(task.code)[:100]}", task, _LONGEST[1])
        if task.type not in {"batch", "stream"}:
            yield f"task {task.code}: type {task.type!r:.60} is neither batch nor stream"
    for edge in definition.cross_edges:
        yield from (f"wait for another workflow: {told}" for told in _misfits(edge))
        if edge.window and edge.window not in WINDOWS:
            yield f"wait for another workflow: window {edge.window!r:.60} is none"
    yield from (f"edge {one!r:.60} is no pair of codes" for one in definition.edges if not _fits(one, tuple[str, ...]))
    codes = {task.code for task in definition.tasks}
    if not codes:
        yield "it has no task"
    if len(codes) != len(definition.tasks):
        yield "two tasks have one code"
    ends = {code for edge in definition.edges for code in edge} | {edge.task for edge in definition.cross_edges}
    if lost := sorted(map(str, ends - codes)):
        yield f"edges name tasks that it does not have: {', '.join(lost)[:200]}"
    yield from (f"task {pre} waits for itself" for pre, post in definition.edges if pre == post)
    for circle in graph.cycles(list(definition.edges)):
        yield f"tasks depend on each other in a circle: {' → '.join((*circle, circle[0]))}"
    yield from extra.problems(definition)


def _part_wrong(where: str, part: Settings | Task, longest: Mapping[str, int]) -> Iterator[str]:
    yield from (f"{where}: {told}" for told in _misfits(part))
    for name, limit in longest.items():
        text = getattr(part, name)
        if isinstance(text, str) and len(text) > limit:
            yield f"{where}: {name} has more than {limit} characters"
    if not part.code.strip() or not part.code.isprintable():
        yield f"{where}: a code is printable characters"


def _misfits(part: object, skip: str = "") -> Iterator[str]:
    for name, hint in _HINTS[type(part)].items():
        found = getattr(part, name)
        if name != skip and not _fits(found, hint):
            yield f"{name} is no {_told(hint)}: {found!r:.60}"


def _fits(found: object, hint: Any) -> bool:
    if isinstance(hint, UnionType):
        return any(_fits(found, one) for one in get_args(hint))
    if get_origin(hint) is tuple:
        return isinstance(found, tuple) and all(_fits(one, get_args(hint)[0]) for one in found)
    if hint in _PARTS:
        return isinstance(found, hint) and not list(_misfits(found))
    if hint is int:
        return type(found) is int and -_INTEGERS <= found < _INTEGERS
    return isinstance(found, hint) and not (isinstance(found, str) and "\x00" in found)


def _told(hint: Any) -> str:
    words = {"str": "text (without NUL)", "int": "whole number that a column holds", "NoneType": "null"}
    if isinstance(hint, UnionType):
        return " or ".join(_told(one) for one in get_args(hint))
    return words.get(getattr(hint, "__name__", ""), getattr(hint, "__name__", str(hint)).lower())
