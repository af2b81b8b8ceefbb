"""A version as it is kept: settings here, tasks and edges in logs of their own. Together they are the document."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from wfgov_dagster.domain import snapshot
from wfgov_dagster.domain.definition import CrossEdge, Definition, Edge

NEW: Final = 0  # Draft.workflow_id of a workflow that is not there yet


@dataclass(frozen=True, slots=True)
class TaskVersion:
    code: str
    version: int
    body_hash: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A definition that is about to become the next version of its workflow. `based_on`: number of the version that it
    was made from, where that is known."""

    workflow_id: int
    definition: Definition
    hashes: snapshot.Hashes
    change_summary: str
    trigger_source: str
    inter_workflow_edges: Sequence[tuple[str, str, str, str]] = ()  # workflow, task, waiting task, state
    touched: Collection[str] = ()  # its tasks whose content or edges differ from the version before
    rollback_of: int | None = None
    imported_from: str | None = None
    based_on: int | None = None
    known: Mapping[str, int] = field(default_factory=dict)  # its tasks that are word by word the version of that number


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """Content of a version. `tasks`: code → version."""

    definition: Definition
    tasks: Mapping[str, int]

    def same(self, after: Definition) -> dict[str, int]:
        """Tasks of `after` that are the same here: nobody has to write or hash them again to know their version."""
        mine = self.definition.by_code()
        return {task.code: self.tasks[task.code] for task in after.tasks if mine.get(task.code) == task}


def structure(draft: Draft) -> str:
    """`workflow_version.structure_snapshot`: JSON; its tasks and edges are in workflow_task_log and workflow_edge_log,
    where those that stay cost nothing."""
    definition = draft.definition
    return orjson.dumps(
        {
            "scheme": snapshot.SCHEME,
            "workflow": orjson.loads(snapshot.settings_body(definition.settings)),
            "cross_workflow_edges": [edge.row() for edge in definition.cross_edges],
            "inter_workflow_edges": draft.inter_workflow_edges,
        }
    ).decode()


def waits_for(structure_snapshot: str) -> frozenset[str]:
    """Codes of the workflows that its cross-workflow edges come from."""
    return frozenset(edge[0] for edge in orjson.loads(structure_snapshot)["cross_workflow_edges"])


def rebuild(structure_snapshot: str, bodies: Sequence[str], edges: Sequence[Edge]) -> Definition:
    """The definition again; `bodies`: texts of its tasks. Raises InvalidInput for what is no such snapshot."""
    found: dict[str, Any] = orjson.loads(structure_snapshot)
    return Definition(
        snapshot.settings_from(found["workflow"]),
        tuple(snapshot.task_from(orjson.loads(body)) for body in bodies),
        tuple(edges),
        tuple(CrossEdge(*edge) for edge in found["cross_workflow_edges"]),
    )
