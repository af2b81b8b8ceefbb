"""workflow_task_log: the tasks of versions as intervals, as their edges are; structure_snapshot names them no more.

Not safe with old code running: it finds no tasks in new versions. Stop every process first; each refuses to start with
a database that is newer than its release.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from wfgov_dagster.store import views

revision, down_revision = "0012", "0011"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
CODE = sa.String(255).with_variant(postgresql.VARCHAR(255, collation="C"), "postgresql")
VIEW = "workflow_task_version"
COMMENT = "COMMENT ON COLUMN workflow_version.structure_snapshot IS '{}'"
VERSIONS = """SELECT id, version_no, structure_snapshot, created_by FROM workflow_version
    WHERE workflow_id = :workflow AND removed_at IS NULL ORDER BY version_no"""
EDGES = """SELECT pre_task_code, post_task_code, pre_task_version, post_task_version, from_version, to_version
    FROM workflow_edge_log WHERE workflow_code = :code"""
ADD_TASK = """INSERT INTO workflow_task_log (workflow_id, task_code, task_version, from_version, to_version)
    VALUES (:workflow, :task, :version, :first, :last)"""
ADD_EDGE = """INSERT INTO workflow_edge_log (workflow_code, pre_task_code, post_task_code, pre_task_version,
    post_task_version, from_version, to_version, operator) VALUES (:code, :pre, :post, :v1, :v2, :first, :last, :who)"""
SET = "UPDATE workflow_version SET structure_snapshot = :text WHERE id = :id"


def upgrade() -> None:
    op.create_table(
        "workflow_task_log",
        sa.Column("id", ID, autoincrement=True, nullable=False, comment="Never leaves the database."),
        sa.Column("workflow_id", ID, nullable=False, comment="Workflow."),
        sa.Column("task_code", CODE, nullable=False, comment="Task of it."),
        sa.Column("task_version", sa.Integer(), nullable=False, comment="Version of the task."),
        sa.Column("from_version", sa.Integer(), nullable=False, comment="First version of the unbroken run."),
        sa.Column("to_version", sa.Integer(), nullable=True, comment="Last one; NULL = still there."),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workflow_task_log")),
        comment="One row per task, its version and unbroken run of workflow versions.",
    )
    op.create_index("ix_workflow_task_log_task", "workflow_task_log", ["task_code"], unique=False)
    op.create_index("ix_workflow_task_log_workflow", "workflow_task_log", ["workflow_id", "to_version"], unique=False)
    op.execute(views.text(VIEW))
    for workflow, code in _workflows():
        _split(workflow, code)
    _comment("JSON: settings, edges from other workflows.")


def downgrade() -> None:
    for workflow, code in _workflows():
        _join(workflow, code)
    op.execute(f"DROP VIEW {VIEW}")
    op.drop_table("workflow_task_log")
    _comment("JSON: settings, tasks with versions, edges.")


def _workflows() -> Iterator[tuple[int, str]]:
    yield from [(row[0], row[1]) for row in _rows("SELECT id, workflow_code FROM data_workflow ORDER BY id")]


def _split(workflow: int, code: str) -> None:
    """Also mends a log of edges in which a clean-up left out what was saved beside it: the structures had them all."""
    rows = _rows(VERSIONS, workflow=workflow)
    newest = rows[-1][1] if rows else 0
    logged = _rows(EDGES, code=code)
    running: dict[tuple[str, int], int] = {}
    for at, (row_id, number, text, who) in enumerate(rows):
        structure = orjson.loads(text)
        tasks = {(task, version) for task, version in structure.pop("tasks")}
        before = rows[at - 1][1] if at else 0
        _end(workflow, {one: running.pop(one) for one in running.keys() - tasks}, before)
        running |= dict.fromkeys(tasks - running.keys(), number)
        versions = dict(tasks)
        held = {row[:4] for row in logged if _covers(row[4:], number)}
        for pre, post in structure.pop("edges"):
            edge = (pre, post, versions[pre], versions[post])
            if edge not in held:
                last = None if number == newest else number
                _run(ADD_EDGE, [_edge(code, edge) | {"first": number, "last": last, "who": who}])
        _run(SET, [{"id": row_id, "text": orjson.dumps(structure).decode()}])
    _end(workflow, running, None)


def _end(workflow: int, tasks: Mapping[tuple[str, int], int], last: int | None) -> None:
    _run(
        ADD_TASK,
        [
            {"workflow": workflow, "task": task, "version": version, "first": first, "last": last}
            for (task, version), first in sorted(tasks.items())
        ],
    )


def _edge(code: str, edge: tuple[str, str, int, int]) -> dict[str, Any]:
    return dict(zip(("code", "pre", "post", "v1", "v2"), (code, *edge), strict=True))


def _join(workflow: int, code: str) -> None:
    members = _rows(
        "SELECT task_code, task_version, from_version, to_version FROM workflow_task_log WHERE workflow_id = :workflow",
        workflow=workflow,
    )
    logged = _rows(EDGES, code=code)
    for row_id, number, text, _ in _rows(VERSIONS, workflow=workflow):
        structure = orjson.loads(text)
        tasks = sorted(row[:2] for row in members if _covers(row[2:], number))
        edges = sorted(row[:2] for row in logged if _covers(row[4:], number))
        _run(SET, [{"id": row_id, "text": orjson.dumps(structure | {"tasks": tasks, "edges": edges}).decode()}])


def _covers(interval: tuple[int, int | None], number: int) -> bool:
    first, last = interval
    return first <= number and (last is None or last >= number)


def _comment(text: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(COMMENT.format(text))


def _rows(statement: str, **values: Any) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in op.get_bind().execute(sa.text(statement), values)]


def _run(statement: str, rows: list[dict[str, Any]]) -> None:
    if rows:
        op.get_bind().execute(sa.text(statement), rows)
