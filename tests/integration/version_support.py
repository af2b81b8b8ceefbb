"""One workflow, w, whose versions are written by the three save functions."""

from collections.abc import Mapping
from dataclasses import replace

import sqlalchemy as sa

from wfgov_dagster.domain import snapshot
from wfgov_dagster.domain.definition import CrossEdge, Definition, Parameter, Schedule, Settings, Task, make
from wfgov_dagster.domain.diff import diff
from wfgov_dagster.domain.version import Draft
from wfgov_dagster.store.db import Database
from wfgov_dagster.store.store import SqlStore, SqlWork
from wfgov_dagster.usecases.new_versions import drafts_of, save_drafts
from wfgov_dagster.usecases.save import (
    Known,
    Relations,
    save_task_definitions,
    save_task_relations,
    save_workflow_definition,
)

A, B, C = Task("a", "A", text="select 1"), Task("b", "B", text="select 2"), Task("c", "C", text="select '三'")
SETTINGS = Settings("w", "W", schedule=Schedule("0 1 * * *", "UTC"), parameters=(Parameter("p", "1"),))
TABLES = ("canonical_document", "task_definition", "task_definition_log", "data_workflow", "workflow_version",
          "workflow_edge", "workflow_edge_log", "workflow_task_log", "workflow_task_relation")  # fmt: skip
FIRST = make(SETTINGS, [A, B, C], [("a", "b"), ("b", "c")], [CrossEdge("up", "u", "a")])


class Kept:
    """What is kept of one workflow, w, whose members are a, b and c."""

    def __init__(self, database: Database) -> None:
        self.store = SqlStore(database)
        self.database = database
        with self.store.write() as work:
            row = {"workflow_name": "W", "origin": "manual", "created_by": "anna", "updated_by": "anna"}
            work.workflows.create([row | {"workflow_code": "w"}])
        with database.write() as conn:
            for at, code in enumerate("abc", start=1):
                conn.exec_driver_sql(f"INSERT INTO data_task (id, task_code, task_name) VALUES ({at}, '{code}', '')")
                conn.exec_driver_sql(
                    "INSERT INTO workflow_task_relation (workflow_id, task_id, workflow_inheritance_mode, placed_by) "
                    f"SELECT id, {at}, 'auto', 'system' FROM data_workflow"
                )

    def save(
        self, definition: Definition, actor: str = "anna", *, sync: bool = True, based_on: int | None = None
    ) -> tuple[int, Mapping[str, int]]:
        """(workflow version, task versions) after all three functions, in one transaction."""
        with self.store.write() as work:
            return saved(work, definition, actor, sync=sync, based_on=based_on)

    def all(self, query: str) -> list[tuple[object, ...]]:
        with self.database.read() as conn:
            return [tuple(row) for row in conn.execute(sa.text(query))]

    def everything(self) -> list[list[tuple[object, ...]]]:
        return [self.all(f"SELECT * FROM {table} ORDER BY 1, 2") for table in TABLES]

    def edges_of(self, number: int) -> list[tuple[object, ...]]:
        """As spec C's relation log has them."""
        return self.all(
            "SELECT pre_task_code, pre_task_version, post_task_code, post_task_version FROM workflow_edge_version "
            f"WHERE workflow_code = 'w' AND workflow_version = {number} ORDER BY pre_task_code, post_task_code"
        )

    def state(self) -> tuple[object, ...]:
        (found,) = self.all("SELECT status, publish_status FROM data_workflow")
        return found


def saved(
    work: SqlWork, definition: Definition, actor: str, *, sync: bool = True, based_on: int | None = None
) -> tuple[int, Mapping[str, int]]:
    (workflow,) = work.workflows.all()["workflow"].to_list()
    before = work.versions.latest_definitions([workflow]).get(workflow)
    same = {} if before is None else before.same(definition)
    versions = save_task_definitions(work, actor, definition.tasks, Known(same=same), sync=sync)
    touched = diff(None if before is None else before.definition, definition).touched()
    draft = Draft(
        workflow, definition, snapshot.hashes(definition), "changed", "manual", (), touched, based_on=based_on
    )
    number = save_workflow_definition(work, actor, [draft], versions, sync=sync)["w"]
    save_task_relations(work, actor, [Relations("w", number, definition.edges)], versions, sync=sync)
    return number, versions


def drafted(kept: Kept, definition: Definition, whole: bytes | None = None) -> int:
    """The next version, as step 3 of an orchestration makes it of a current definition."""
    document = (snapshot.document(definition) if whole is None else whole).decode()
    with kept.store.write() as work:
        (workflow,) = work.workflows.all()["workflow"].to_list()
        (made,) = save_drafts(work, "anna", drafts_of(work, {workflow: document}, {workflow: "manual"}))
    return made.version_no


def changed(definition: Definition, code: str, **fields: object) -> Definition:
    tasks = tuple(replace(task, **fields) if task.code == code else task for task in definition.tasks)
    return replace(definition, tasks=tasks)
