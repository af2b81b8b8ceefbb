"""The three functions through which every version is written (spec C); nothing else writes those tables.

They take lists and an open unit of work. Order in one transaction: task definitions, workflow definition, relations.
Where they differ from the code in spec C: docs/handbook/versions.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from wfgov_dagster.domain import snapshot
from wfgov_dagster.domain.definition import Edge, Task
from wfgov_dagster.domain.version import NEW, Draft, TaskVersion, structure
from wfgov_dagster.errors import Conflict, InvalidInput, NotFound
from wfgov_dagster.ports.store import EdgeRow, VersionRow, Work
from wfgov_dagster.usecases.look_above import above_drafts


@dataclass(frozen=True, slots=True)
class Relations:
    """All edges of one workflow version; an empty list means that there are none."""

    workflow_code: str
    version_no: int
    edges: Sequence[Edge]


@dataclass(frozen=True, slots=True)
class Known:
    """What the caller knows of tasks, by code. `based_on`: the version that each was made from. `same`: the version
    that it is word by word; where that is the one it is compared with, it is not hashed again."""

    based_on: Mapping[str, int] = field(default_factory=dict)
    same: Mapping[str, int] = field(default_factory=dict)


def save_task_definitions(
    work: Work, actor: str, tasks: Sequence[Task], known: Known = Known(), *, sync: bool = True
) -> Mapping[str, int]:
    """Task code → version, in the order of `tasks`; one without a code is given one. Equal content keeps its version;
    other content is the highest version ever + 1.

    With `sync` it becomes what the task runs now, and is compared with that; without, it is only kept, and compared
    with the newest that is kept. Raises NotFound for a base that never was, Conflict for one that is not the newest.
    """
    tasks = _with_codes(work, tasks)
    codes = [task.code for task in tasks]
    held = work.versions.tasks(codes) if sync else work.versions.newest_tasks(codes)
    told = [task for task in tasks if task.code not in held or known.same.get(task.code) != held[task.code].version]
    bodies = {task.code: snapshot.task_body(task) for task in told}
    hashes = {code: snapshot.digest(body) for code, body in bodies.items()}
    changed = sorted(code for code in bodies if code not in held or held[code].body_hash != hashes[code])
    newest = {code: one.version for code, one in work.versions.newest_tasks([*changed, *known.based_on]).items()}
    for code in sorted(known.based_on):
        _refuse_base(f"task {code}", known.based_on[code], newest.get(code, 0))
    new = [TaskVersion(code, newest.get(code, 0) + 1, hashes[code]) for code in changed]
    work.versions.keep({hashes[one.code]: bodies[one.code].decode() for one in new})
    work.versions.add_tasks(actor, new, sync=sync)
    versions = {code: one.version for code, one in held.items()} | {one.code: one.version for one in new}
    return {code: versions[code] for code in codes}


def save_workflow_definition(
    work: Work, actor: str, drafts: Sequence[Draft], task_versions: Mapping[str, int], *, sync: bool = True
) -> Mapping[str, int]:
    """Workflow code → version number: the newest one's where content is equal, else the highest ever + 1, so that none
    is used twice. A draft without an id makes its workflow.

    With `sync` it becomes the current version. The platform state is not touched (design rule 7). Raises NotFound for
    a base that never was, Conflict for one that is not the newest. What is above each is looked at now: of those that
    are saved together, as they are saved.
    """
    drafts = _with_ids(work, actor, drafts, sync=sync)
    newest = work.versions.newest([draft.workflow_id for draft in drafts])
    numbers: dict[str, int] = {}
    fresh: list[Draft] = []
    for draft in drafts:
        last, code = newest.get(draft.workflow_id), draft.definition.code
        number = 0 if last is None else last.version_no
        if draft.based_on is not None:
            _refuse_base(f"workflow {code}", draft.based_on, number)
        same = last is not None and last.content_hash == draft.hashes.content and (last.is_current or not sync)
        numbers[code] = number if same else number + 1
        fresh += [] if same else [draft]
    above = above_drafts(work.versions, fresh)
    rows = [_row(one, numbers[one.definition.code], above[one.definition.code], task_versions) for one in fresh]
    work.versions.add(actor, rows, sync=sync)
    if sync and fresh:
        work.versions.touch_members([one.workflow_id for one in fresh], {code for one in fresh for code in one.touched})
    return numbers


def save_task_relations(
    work: Work, actor: str, relations: Sequence[Relations], task_versions: Mapping[str, int], *, sync: bool = True
) -> None:
    """Stamp each edge with the workflow version and the versions of its two tasks; keep unbroken runs as intervals.

    With `sync` they become the edges of the current version: rows that are as before stay, and get its number; without,
    only the log learns of them. Raises InvalidInput for an edge of a task that is not of this save.
    """
    rows = [_edge(one, edge, task_versions) for one in relations for edge in one.edges]
    work.versions.relate(actor, rows, {one.workflow_code: one.version_no for one in relations}, sync=sync)


def _with_codes(work: Work, tasks: Sequence[Task]) -> Sequence[Task]:
    free = iter(work.versions.free_codes(sum(not task.code for task in tasks)))
    return [task if task.code else replace(task, code=next(free)) for task in tasks]


def _with_ids(work: Work, actor: str, drafts: Sequence[Draft], *, sync: bool) -> Sequence[Draft]:
    new = [draft for draft in drafts if draft.workflow_id == NEW]
    if not new:
        return drafts
    if not sync:
        where, hint = f"workflow {new[0].definition.code}", "save it with sync"
        raise InvalidInput("its first version cannot be kept only: there is no workflow yet", where=where, hint=hint)
    work.workflows.create([_workflow(one, actor) for one in new])
    ids = dict(work.workflows.all().select("code", "workflow").iter_rows())
    return [one if one.workflow_id != NEW else replace(one, workflow_id=ids[one.definition.code]) for one in drafts]


def _workflow(draft: Draft, actor: str) -> dict[str, object]:
    """Its row. Tasks come into it by their memberships, which are no part of a save."""
    settings = draft.definition.settings
    return {
        "workflow_code": settings.code,
        "workflow_name": settings.name,
        "description": settings.description or None,
        "origin": "manual",
        "definition_json": snapshot.document(draft.definition).decode(),
        "definition_hash": draft.hashes.content,
        "created_by": actor,
        "updated_by": actor,
    }


def _refuse_base(where: str, base: int, newest: int) -> None:
    if 1 <= base < newest:
        told = f"it was made from V{base}, and V{newest} is the newest"
        raise Conflict(told, where=where, hint="read the newest one, and change that")
    if base != newest:
        raise NotFound(f"there never was a version {base} of it", where=where, hint=f"the newest one is {newest}")


def _row(draft: Draft, number: int, above_hash: str, task_versions: Mapping[str, int]) -> VersionRow:
    return VersionRow(
        workflow_id=draft.workflow_id,
        version_no=number,
        structure_snapshot=structure(draft),
        content_hash=draft.hashes.content,
        functional_hash=draft.hashes.functional,
        change_summary=draft.change_summary,
        trigger_source=draft.trigger_source,
        rollback_of=draft.rollback_of,
        above_hash=above_hash,
        tasks={task.code: task_versions[task.code] for task in draft.definition.tasks},
        imported_from=draft.imported_from,
    )


def _edge(one: Relations, edge: Edge, task_versions: Mapping[str, int]) -> EdgeRow:
    pre, post = edge
    for code in edge:
        if code not in task_versions:
            told = f"edge {pre} → {post}: task {code} is not of this save"
            raise InvalidInput(told, where=f"workflow {one.workflow_code}", hint="save the tasks of its edges too")
    return one.workflow_code, one.version_no, pre, post, task_versions[pre], task_versions[post]
