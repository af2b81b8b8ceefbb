"""A whole definition that came from elsewhere, as the metadata and the first version that make a workflow of it.

What is stated gives the definition back: the next orchestration finds nothing to do.
"""

from collections.abc import Iterable

import orjson

from wfgov_dagster.domain import snapshot
from wfgov_dagster.domain.definition import Definition, Task, entry_tasks, exit_tasks
from wfgov_dagster.domain.diff import SUMMARY_LIMIT, diff, summary
from wfgov_dagster.domain.todo import MANUAL
from wfgov_dagster.domain.version import Draft
from wfgov_dagster.ports.metadata import (
    DependencyDeclaration,
    ImportBatch,
    MembershipDeclaration,
    NodeDeclaration,
    TaskRow,
    WorkflowSettings,
)
from wfgov_dagster.ports.store import Work
from wfgov_dagster.usecases.new_versions import NewVersion, save_drafts


def stated(definition: Definition, new: Iterable[Task], dependencies: Iterable[DependencyDeclaration]) -> ImportBatch:
    """Settings, nodes and memberships of all its tasks; rows of the `new` ones. No lineage."""
    settings = definition.settings
    codes = [task.code for task in definition.tasks]
    return ImportBatch(
        tasks=[_row(task) for task in new],
        memberships=[MembershipDeclaration(code, definition.code) for code in codes],
        dependencies=list(dependencies),
        workflows=[
            WorkflowSettings(
                definition.code,
                settings.name,
                settings.description or None,
                settings=orjson.dumps(orjson.loads(snapshot.settings_body(settings))).decode(),
            )
        ],
        nodes=[NodeDeclaration(task.code, snapshot.task_spec(task)) for task in definition.tasks],
    )


def first_version(
    work: Work, actor: str, workflow_id: int, definition: Definition, told: str, imported_from: str | None = None
) -> NewVersion:
    """V1, and the same as the current definition. `told` begins its summary."""
    changed = diff(None, definition)
    whole = snapshot.document(definition)
    hashes = snapshot.hashes(definition, whole)
    work.workflows.save_definitions([
        {
            "w": workflow_id,
            "definition_json": whole.decode(),
            "definition_hash": hashes.content,
            "definition_error": None,
            "entry_task_ids": orjson.dumps(entry_tasks(definition)).decode(),
            "exit_task_ids": orjson.dumps(exit_tasks(definition)).decode(),
            "status": "ready",
            "updated_by": actor,
        }
    ])  # fmt: skip
    change = f"{told}: {summary(changed, {})}"[:SUMMARY_LIMIT]
    touched = changed.touched()
    draft = Draft(workflow_id, definition, hashes, change, MANUAL, touched=touched, imported_from=imported_from)
    (made,) = save_drafts(work, actor, [draft])
    return made


def _row(task: Task) -> TaskRow:
    return TaskRow(
        code=task.code,
        name=task.name,
        task_type=task.type,
        node_type=task.node_type,
        text=task.text or None,
        description=task.description or None,
        datasource=task.datasource,
        priority=task.priority,
        timeout_seconds=task.timeout,
        retry_times=task.retries,
        retry_interval=task.retry_interval,
    )
