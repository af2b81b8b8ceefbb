"""Step 3: current definitions whose content changed → versions V1, V2 …"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wfgov_dagster.domain import snapshot
from wfgov_dagster.domain.diff import diff, summary
from wfgov_dagster.domain.todo import TASK_CHANGE, VERSIONS, workflow_of
from wfgov_dagster.domain.version import Draft
from wfgov_dagster.ports.store import Store, Todo, Work
from wfgov_dagster.usecases.save import (
    Relations,
    save_task_definitions,
    save_task_relations,
    save_workflow_definition,
)

_SLICE = 500  # workflows a round: bounds the memory of a first run over a large estate


@dataclass(frozen=True, slots=True)
class NewVersion:
    workflow_code: str
    version_no: int
    content_hash: str
    change_summary: str
    tasks: int
    edges: int


def save_versions(store: Store, actor: str, *, full: bool = False) -> tuple[NewVersion, ...]:
    """New versions, by workflow code. Equal content makes none; a draft keeps its last good version.

    `full` looks at every workflow, not only at those that the step before changed.
    """
    with store.write() as work:
        work.derivation.lock()
        reasons = {workflow_of(one.key): one for one in work.derivation.take_todo(VERSIONS)}
        waiting = work.versions.waiting(None if full else [code for code in reasons if code is not None])
        made: list[NewVersion] = []
        for start in range(0, len(waiting), _SLICE):
            made += _save(work, actor, waiting[start : start + _SLICE], reasons)
        if made:
            work.audit.add(actor, "save_versions", ("metadata", ""), {"versions": len(made)})
        return tuple(made)


def _save(
    work: Work, actor: str, waiting: Sequence[tuple[int, str]], reasons: Mapping[str | None, Todo]
) -> list[NewVersion]:
    drafts = _drafts(work, waiting, reasons)
    tasks = [task for draft in drafts for task in draft.definition.tasks]
    versions = save_task_definitions(work, actor, tasks)
    numbers = save_workflow_definition(work, actor, drafts, versions)
    relations = [Relations(one.definition.code, numbers[one.definition.code], one.definition.edges) for one in drafts]
    save_task_relations(work, actor, relations, versions)
    return [_told(draft, numbers[draft.definition.code]) for draft in drafts]


def _drafts(work: Work, waiting: Sequence[tuple[int, str]], reasons: Mapping[str | None, Todo]) -> list[Draft]:
    ids = [workflow for workflow, _ in waiting]
    documents = work.versions.current_documents(ids)
    definitions = {workflow: snapshot.parse(documents[workflow]) for workflow in ids}
    before = work.versions.latest_definitions(ids)
    diffs = {workflow: diff(before.get(workflow), definitions[workflow]) for workflow in ids}
    evidence = work.workflows.evidence([edge for found in diffs.values() for edge in found.edges_added])
    crossing = work.versions.inter_workflow_edges(ids)
    return [
        Draft(
            workflow,
            definitions[workflow],
            snapshot.hashes(definitions[workflow], documents[workflow].encode()),
            summary(diffs[workflow], evidence),
            reasons[code].reason if code in reasons else TASK_CHANGE,
            crossing.get(workflow, ()),
            touched=diffs[workflow].touched(),
        )
        for workflow, code in waiting
    ]


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
