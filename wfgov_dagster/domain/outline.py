"""A version without the bodies of its tasks: which of them differ is known by their versions alone.

A task and its version stand for one body hash, so equal ones cost a comparison of two numbers, whatever their size.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from wfgov_dagster.domain import snapshot
from wfgov_dagster.domain.definition import CrossEdge, Definition, Settings, Task


@dataclass(frozen=True, slots=True)
class Outline:
    """`tasks`: code → version. `edges` and `cross_edges` as a document has them: lists of text, sorted."""

    settings: Settings
    tasks: Mapping[str, int]
    edges: Sequence[Sequence[str]]
    cross_edges: Sequence[Sequence[str]]


def outline(structure_snapshot: str) -> Outline:
    found: dict[str, Any] = orjson.loads(structure_snapshot)
    settings = snapshot.settings_from(found["workflow"])
    return Outline(settings, dict(found["tasks"]), found["edges"], found["cross_workflow_edges"])


def differing(one: Outline, other: Outline) -> dict[str, int]:
    """Tasks of `one` that `other` does not have in the same version."""
    return dict(one.tasks.items() - other.tasks.items())


def thin(one: Outline, other: Outline, tasks: Iterable[Task]) -> Definition:
    """`one` without what it has in common with `other`: the diff of two thin ones is that of the whole ones. `tasks`:
    those of `differing`."""
    return Definition(
        one.settings,
        tuple(sorted(tasks, key=lambda task: task.code)),
        tuple((pre, post) for pre, post in _only(one.edges, other.edges)),
        tuple(CrossEdge(*edge) for edge in _only(one.cross_edges, other.cross_edges)),
    )


def _only(mine: Sequence[Sequence[str]], theirs: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    if mine == theirs:
        return []
    return sorted({tuple(edge) for edge in mine} - {tuple(edge) for edge in theirs})
