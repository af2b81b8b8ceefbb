"""The three functions through which every version is written (spec C); nothing else writes those tables.

They take lists and an open unit of work. Order in one transaction: task definitions, workflow definition, relations.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wfgov_dagster.domain import snapshot
from wfgov_dagster.domain.definition import Edge, Task
from wfgov_dagster.domain.version import Draft, TaskVersion, structure
from wfgov_dagster.ports.store import VersionRow, Work
from wfgov_dagster.usecases.look_above import above_drafts


@dataclass(frozen=True, slots=True)
class Relations:
    """All edges of one workflow version; an empty list means that there are none."""

    workflow_code: str
    version_no: int
    edges: Sequence[Edge]


def save_task_definitions(
    work: Work, actor: str, tasks: Sequence[Task], *, sync: bool = True, known: Mapping[str, int] | None = None
) -> Mapping[str, int]:
    """Task code → version. Equal content keeps its version; other content is the highest version ever + 1.

    With `sync` it becomes what the task runs now; without, it is only kept. `known`: tasks that are word by word the
    version of that number; where it is the current one they are not hashed again.
    """
    current, same = work.versions.tasks([task.code for task in tasks]), known or {}
    new_ones = [task for task in tasks if task.code not in current or same.get(task.code) != current[task.code].version]
    bodies = {task.code: snapshot.task_body(task) for task in new_ones}
    hashes = {code: snapshot.digest(body) for code, body in bodies.items()}
    changed = sorted(code for code in bodies if code not in current or current[code].body_hash != hashes[code])
    highest = work.versions.highest_tasks(changed)
    new = [TaskVersion(code, highest.get(code, 0) + 1, hashes[code]) for code in changed]
    work.versions.keep({hashes[one.code]: bodies[one.code].decode() for one in new})
    work.versions.add_tasks(actor, new, sync=sync)
    return {code: one.version for code, one in current.items()} | {one.code: one.version for one in new}


def save_workflow_definition(
    work: Work, actor: str, drafts: Sequence[Draft], task_versions: Mapping[str, int], *, sync: bool = True
) -> Mapping[str, int]:
    """Workflow code → new version number: the highest ever + 1, so that none is used twice.

    With `sync` it becomes the current version. The platform state is not touched (design rule 7). What is above each is
    looked at now: of those that are saved together, as they are saved.
    """
    above = above_drafts(work.versions, drafts)
    highest = work.versions.highest([draft.workflow_id for draft in drafts])
    numbers = {draft.definition.code: highest.get(draft.workflow_id, 0) + 1 for draft in drafts}
    work.versions.add(
        actor,
        [
            VersionRow(
                workflow_id=draft.workflow_id,
                version_no=numbers[draft.definition.code],
                structure_snapshot=structure(draft, task_versions),
                content_hash=draft.hashes.content,
                functional_hash=draft.hashes.functional,
                change_summary=draft.change_summary,
                trigger_source=draft.trigger_source,
                rollback_of=draft.rollback_of,
                above_hash=above[draft.definition.code],
            )
            for draft in drafts
        ],
        sync=sync,
    )
    if sync:
        work.versions.touch_members(
            [draft.workflow_id for draft in drafts], {code for draft in drafts for code in draft.touched}
        )
    return numbers


def save_task_relations(
    work: Work, actor: str, relations: Sequence[Relations], task_versions: Mapping[str, int], *, sync: bool = True
) -> None:
    """Stamp each edge with the workflow version and the versions of its two tasks; keep unbroken runs as intervals.

    With `sync` they replace the edges of the current version; without, only the log learns of them.
    """
    work.versions.relate(
        actor,
        [
            (one.workflow_code, one.version_no, pre, post, task_versions[pre], task_versions[post])
            for one in relations
            for pre, post in one.edges
        ],
        {one.workflow_code: one.version_no for one in relations},
        sync=sync,
    )
