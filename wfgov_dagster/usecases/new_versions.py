"""From definitions to versions, through the three save functions; in an open unit of work."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wfgov_dagster.domain import snapshot
from wfgov_dagster.domain.diff import diff, summary
from wfgov_dagster.domain.version import Draft
from wfgov_dagster.ports.store import Work
from wfgov_dagster.usecases.save import (
    Known,
    Relations,
    save_task_definitions,
    save_task_relations,
    save_workflow_definition,
)


@dataclass(frozen=True, slots=True)
class NewVersion:
    workflow_code: str
    version_no: int
    content_hash: str
    change_summary: str
    tasks: int
    edges: int


def drafts_of(work: Work, documents: Mapping[int, str], triggers: Mapping[int, str]) -> list[Draft]:
    """In the order of `documents`. Both by workflow id: w1 texts, and what led to them."""
    ids = list(documents)
    definitions = {workflow: snapshot.parse(documents[workflow]) for workflow in ids}
    before = work.versions.latest_definitions(ids)
    diffs = {one: diff(before[one].definition if one in before else None, definitions[one]) for one in ids}
    evidence = work.workflows.evidence([edge for found in diffs.values() for edge in found.edges_added])
    crossing = work.versions.inter_workflow_edges(ids)
    return [
        Draft(
            workflow,
            definitions[workflow],
            snapshot.hashes(definitions[workflow], documents[workflow].encode()),
            summary(diffs[workflow], evidence),
            triggers[workflow],
            crossing.get(workflow, ()),
            touched=diffs[workflow].touched(),
            known=before[workflow].same(definitions[workflow]) if workflow in before else {},
        )
        for workflow in ids
    ]


def save_drafts(work: Work, actor: str, drafts: Sequence[Draft]) -> list[NewVersion]:
    """Each becomes the current version of its workflow."""
    tasks = [task for draft in drafts for task in draft.definition.tasks]
    same = {task.code: draft.known.get(task.code, 0) for draft in drafts for task in draft.definition.tasks}
    versions = save_task_definitions(work, actor, tasks, Known(same=same))
    numbers = save_workflow_definition(work, actor, drafts, versions)
    relations = [Relations(one.definition.code, numbers[one.definition.code], one.definition.edges) for one in drafts]
    save_task_relations(work, actor, relations, versions)
    return [_told(draft, numbers[draft.definition.code]) for draft in drafts]


def _told(draft: Draft, number: int) -> NewVersion:
    definition = draft.definition
    return NewVersion(
        definition.code,
        number,
        draft.hashes.content,
        draft.change_summary,
        len(definition.tasks),
        len(definition.edges),
    )
