"""A version without the bodies of its tasks: which of them differ is known by their versions alone.

A task and its version stand for one body hash, so equal ones cost a comparison of two numbers, whatever their size.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from wfgov_dagster.domain import snapshot
from wfgov_dagster.domain.definition import CrossEdge, Definition, Edge, Settings, Task


@dataclass(frozen=True, slots=True)
class Outline:
    """`tasks`: code → version. What two versions have in common may be left out of the outlines of both."""

    settings: Settings
    tasks: Mapping[str, int]
    edges: Sequence[Sequence[str]]
    cross_edges: Sequence[Sequence[str]]


def outline(structure_snapshot: str, tasks: Mapping[str, int], edges: Sequence[Edge]) -> Outline:
    found: dict[str, Any] = orjson.loads(structure_snapshot)
    return Outline(snapshot.settings_from(found["workflow"]), tasks, edges, found["cross_workflow_edges"])


def differing(one: Outline, other: Outline) -> dict[str, int]:
    """Tasks of `one` that `other` does not have in the same version."""
    return dict(one.tasks.items() - other.tasks.items())


def thin(one: Outline, other: Outline, tasks: tuple[Iterable[Task], Iterable[Task]]) -> tuple[Definition, Definition]:
    """Both without what they have in common: their diff is that of the whole ones. `tasks`: those of `differing`, of
    each of the two."""
    edges, cross = _apart(one.edges, other.edges), _apart(one.cross_edges, other.cross_edges)
    first, second = (
        Definition(
            side.settings,
            tuple(sorted(some, key=lambda task: task.code)),
            tuple((pre, post) for pre, post in inner),
            tuple(CrossEdge(*edge) for edge in crossing),
        )
        for side, some, inner, crossing in zip((one, other), tasks, edges, cross, strict=True)
    )
    return first, second


_Edges = list[tuple[str, ...]]


def _apart(mine: Sequence[Sequence[str]], theirs: Sequence[Sequence[str]]) -> tuple[_Edges, _Edges]:
    """Those that only one of the two has."""
    if mine == theirs:
        return [], []
    one, other = set(map(tuple, mine)), set(map(tuple, theirs))
    return sorted(one - other), sorted(other - one)
