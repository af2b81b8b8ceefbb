"""A scripted series of edits of one workflow, and the numbers that each has to lead to.

Edits are made where people and imports make them: rows of the metadata, declarations, and the use cases for what a
person says. Task a writes table a, and so on; `ab` is the edge from a to b, `b2` is version 2 of task b.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from wfgov_dagster.domain import snapshot
from wfgov_dagster.domain.definition import Parameter, Schedule, Settings, Task
from wfgov_dagster.store.db import Database
from wfgov_dagster.store.store import SqlStore
from wfgov_dagster.usecases.candidates import apply_candidate
from wfgov_dagster.usecases.decide_edge import CONFIRMED, REJECTED, Word, decide_edge
from wfgov_dagster.usecases.engines import ensure_embedded
from wfgov_dagster.usecases.orchestrate import Options, orchestrate
from wfgov_dagster.usecases.pin import unpin
from wfgov_dagster.usecases.rollback import Wanted, rollback

CODE = "w"


class Series:
    """Workflow w, which begins with a → b → c, beside v with task x."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.store = SqlStore(database)
        self.settings = Settings(CODE, "W")
        ensure_embedded(self.store, "system")

    def make(self, edit: "Edit") -> None:
        """The edit, and what orchestration makes of it."""
        edit(self)
        orchestrate(self.store, "system", Options())

    def run(self, statement: str, **values: object) -> None:
        with self.database.write() as conn:
            conn.execute(sa.text(statement), values)

    def all(self, query: str, **values: object) -> list[Any]:
        with self.database.read() as conn:
            return [tuple(row) for row in conn.execute(sa.text(query), values)]

    # --- what is there ---------------------------------------------------------------------------

    def version(self) -> int:
        """The current one; no later one is kept."""
        ((current, last),) = self.all(
            "SELECT max(CASE WHEN v.id = w.current_version_id THEN version_no END), max(version_no) "
            "FROM workflow_version AS v JOIN data_workflow AS w ON w.id = v.workflow_id WHERE workflow_code = :w",
            w=CODE,
        )
        assert current == last
        return int(current)

    def tasks(self, number: int, code: str = CODE) -> str:
        with self.store.read() as work:
            found = work.queries.task_versions(code, number)
        return " ".join(f"{task}{version}" for task, version in sorted(found.items()))

    def edges(self, number: int) -> list[tuple[str, str]]:
        """As spec C's relation log has them: each end with its version."""
        rows = self.all(
            "SELECT pre_task_code, pre_task_version, post_task_code, post_task_version FROM workflow_edge_version "
            "WHERE workflow_code = :w AND workflow_version = :n",
            w=CODE, n=number,
        )  # fmt: skip
        return sorted((f"{pre}{pre_version}", f"{post}{post_version}") for pre, pre_version, post, post_version in rows)

    def current_edges(self) -> list[tuple[str, str]]:
        rows = self.all(
            "SELECT pre_task_code, pre_task_version, post_task_code, post_task_version FROM workflow_edge "
            "WHERE workflow_code = :w AND workflow_version = :n",
            w=CODE, n=self.version(),
        )  # fmt: skip
        return sorted((f"{pre}{pre_version}", f"{post}{post_version}") for pre, pre_version, post, post_version in rows)


# --- edits -----------------------------------------------------------------------------------------

Edit = Callable[[Series], None]


def task(code: str, **columns: object) -> Edit:
    values = ", ".join(f"{name} = :{name}" for name in columns)
    return lambda series: series.run(f"UPDATE data_task SET {values} WHERE task_code = :code", code=code, **columns)


def reads(code: str, others: str) -> Edit:
    """These tasks' tables and no other."""

    def edit(series: Series) -> None:
        series.run("DELETE FROM table_task_relation WHERE task_id = :t AND relation_type = 'read'", t=ord(code))
        for other in others:
            row = "INSERT INTO table_task_relation (table_id, task_id, relation_type) VALUES (:o, :t, 'read')"
            series.run(row, t=ord(code), o=ord(other))

    return edit


def new(code: str, others: str = "", workflow: str = CODE) -> Edit:
    def edit(series: Series) -> None:
        series.run(
            "INSERT INTO data_task (id, task_code, task_name, dolphin_node_type, task_sql) "
            "VALUES (:t, :code, :name, 'SHELL', :text)",
            t=ord(code), code=code, name=code.upper(), text=f"echo {code}",
        )  # fmt: skip
        for statement in (
            "INSERT INTO table_task_relation (table_id, task_id, relation_type) VALUES (:t, :t, 'write')",
            "INSERT INTO task_node_declaration (task_id, spec, declared_by) VALUES (:t, :spec, 'ann')",
            "INSERT INTO task_workflow_declaration (task_id, workflow_code, declared_by) VALUES (:t, :w, 'ann')",
        ):
            series.run(statement, t=ord(code), w=workflow, spec=snapshot.task_spec(Task(code, "")))
        reads(code, others)(series)

    return edit


def moved(code: str, workflow: str) -> Edit:
    update = "UPDATE task_workflow_declaration SET workflow_code = :w WHERE task_id = :t"
    return lambda series: series.run(update, t=ord(code), w=workflow)


def node(code: str, **fields: Any) -> Edit:
    """Parameters, flags … of its DAG node."""
    spec = snapshot.task_spec(Task(code, "", **fields))
    return lambda series: series.run(
        "UPDATE task_node_declaration SET spec = :s WHERE task_id = :t", t=ord(code), s=spec
    )


def settings(**fields: Any) -> Edit:
    """Of the workflow; the others stay."""

    def edit(series: Series) -> None:
        series.settings = replace(series.settings, **fields)
        told = {"w": CODE, "s": snapshot.settings_body(series.settings).decode()}
        series.run("DELETE FROM workflow_settings_declaration WHERE workflow_code = :w", w=CODE)
        row = "INSERT INTO workflow_settings_declaration (workflow_code, declared_by, settings) VALUES (:w, 'ann', :s)"
        series.run(row, **told)

    return edit


def all_of(*edits: Edit) -> Edit:
    def edit(series: Series) -> None:
        for one in edits:
            one(series)

    return edit


def crossing(state: str) -> Edit:
    word = Word("x", "a", state, "seen")
    return lambda series: _done(decide_edge(series.store, "ann", word, "UTC"))


def roll_back(to: int) -> Edit:
    wanted = Wanted(CODE, "embedded", "it was better", to=to, unpublished=True, publish=False)
    return lambda series: _done(rollback(series.store, "ann", wanted, "UTC"))


def _done(_: object) -> None:
    """A use case has said its word."""


FIRST = all_of(settings(), new("a"), new("b", "a"), new("c", "b"), new("x", workflow="v"))
NIGHTLY, MORNING = Schedule("30 2 * * *", "UTC"), Schedule("0 6 * * *", "Asia/Shanghai")


# --- the table -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Step:
    """After it: number of the workflow's version, tasks with theirs, edges.

    `server`: what a DolphinScheduler counts more or less than we from here on, `w` for the workflow; None = this and
    what follows is not published to one.
    """

    what: str
    edit: Edit
    version: int
    tasks: str
    edges: str
    server: str | None = ""

    def pairs(self) -> list[tuple[str, str]]:
        versions = {one[0]: one for one in self.tasks.split()}
        return sorted((versions[pre], versions[post]) for pre, post in self.edges.split())


STEPS = (
    Step("it is made", FIRST, 1, "a1 b1 c1", "ab bc"),
    Step("text of a task", task("a", task_sql="echo 2"), 2, "a2 b1 c1", "ab bc"),
    Step("the same text again", task("a", task_sql="echo 2"), 2, "a2 b1 c1", "ab bc"),
    Step("the text of before", task("a", task_sql="echo a"), 3, "a3 b1 c1", "ab bc"),
    Step("name of a task", task("b", task_name="Other"), 4, "a3 b2 c1", "ab bc"),
    Step("another edge", reads("c", "ab"), 5, "a3 b2 c1", "ab ac bc"),
    Step("an edge less", reads("c", "b"), 6, "a3 b2 c1", "ab bc"),
    Step("one edge for another", reads("c", "a"), 7, "a3 b2 c1", "ab ac"),
    Step("no edges", all_of(reads("b", ""), reads("c", "")), 8, "a3 b2 c1", ""),
    Step("edges again", all_of(reads("b", "a"), reads("c", "b")), 9, "a3 b2 c1", "ab bc"),
    Step("description of the workflow", settings(description="told"), 10, "a3 b2 c1", "ab bc"),
    Step("name of the workflow", settings(name="The W"), 11, "a3 b2 c1", "ab bc", "w-1"),
    Step("a schedule", settings(schedule=NIGHTLY), 12, "a3 b2 c1", "ab bc", "w-1"),
    Step("worker group of the workflow", settings(worker_group="big"), 13, "a3 b2 c1", "ab bc", "a+1 b+1 c+1"),
    Step("a task more", new("d", "c"), 14, "a3 b2 c1 d1", "ab bc cd"),
    Step("that task gone", task("d", deleted=1), 15, "a3 b2 c1", "ab bc"),
    Step("that task back", task("d", deleted=0), 16, "a3 b2 c1 d1", "ab bc cd"),
    Step("two tasks at once", all_of(task("a", task_sql="echo 3"), task("c", task_sql="echo 3")), 17,
         "a4 b2 c2 d1", "ab bc cd"),
    Step("a task and an edge", all_of(task("d", task_sql="echo 3"), reads("d", "ac")), 18,
         "a4 b2 c2 d2", "ab ad bc cd"),
    Step("a task in the middle gone", task("b", deleted=1), 19, "a4 c2 d2", "ad cd"),
    Step("back with another text", task("b", deleted=0, task_sql="echo back"), 20, "a4 b3 c2 d2", "ab ad bc cd"),
    Step("owner of a task", task("a", owner="eve"), 20, "a4 b3 c2 d2", "ab ad bc cd"),
    Step("description of a task", task("c", task_desc="told"), 21, "a4 b3 c3 d2", "ab ad bc cd"),
    Step("retries of a task", task("a", retry_times=2), 22, "a5 b3 c3 d2", "ab ad bc cd"),
    Step("time-out of a task", task("b", timeout_seconds=60), 23, "a5 b4 c3 d2", "ab ad bc cd"),
    Step("seconds in that minute", task("b", timeout_seconds=59), 24, "a5 b5 c3 d2", "ab ad bc cd", "w-1 b-1"),
    Step("priority of a task", task("c", priority=5), 25, "a5 b5 c4 d2", "ab ad bc cd"),
    Step("kind of a task", task("d", dolphin_node_type="PYTHON", task_sql="pass"), 26, "a5 b5 c4 d3", "ab ad bc cd"),
    Step("parameter of a task", node("a", parameters=(Parameter("p", "1"),)), 27, "a6 b5 c4 d3", "ab ad bc cd"),
    Step("flag of a task", node("b", flags=("wide",)), 28, "a6 b6 c4 d3", "ab ad bc cd", "w-1 b-1"),
    Step("parameter of the workflow", settings(parameters=(Parameter("day", "x"),)), 29, "a6 b6 c4 d3", "ab ad bc cd"),
    Step("time-out of the workflow", settings(timeout=120), 30, "a6 b6 c4 d3", "ab ad bc cd"),
    Step("failure strategy", settings(failure_strategy="end"), 31, "a6 b6 c4 d3", "ab ad bc cd"),
    Step("priority of the workflow", settings(priority=5), 32, "a6 b6 c4 d3", "ab ad bc cd"),
    Step("resource of the workflow", settings(resources=("r",)), 33, "a6 b6 c4 d3", "ab ad bc cd", "w-1"),
    Step("another schedule", settings(schedule=MORNING), 34, "a6 b6 c4 d3", "ab ad bc cd", "w-1"),
    Step("all at once", all_of(settings(description="more"), task("a", task_name="Last"), reads("d", "c")), 35,
         "a7 b6 c4 d3", "ab bc cd"),
    Step("another code of a task", task("d", task_code="e"), 36, "a7 b6 c4 e1", "ab bc ce"),
    Step("the code of before", task("e", task_code="d"), 37, "a7 b6 c4 d3", "ab bc cd"),
    Step("a circle", reads("a", "d"), 37, "a7 b6 c4 d3", "ab bc cd"),
    Step("no circle", reads("a", ""), 37, "a7 b6 c4 d3", "ab bc cd"),
    Step("a task goes elsewhere", moved("d", "v"), 38, "a7 b6 c4", "ab bc"),
    Step("and comes back", moved("d", CODE), 39, "a7 b6 c4 d3", "ab bc cd"),
    Step("back to V1", roll_back(1), 40, "a8 b7 c5", "ab bc"),
    Step("an edit while it is pinned", task("c", task_sql="echo 4"), 40, "a8 b7 c5", "ab bc"),
    Step("a person applies the candidate", lambda series: _done(apply_candidate(series.store, "ann", CODE)), 41,
         "a9 b8 c6 d3", "ab bc cd"),
    Step("no pin", lambda series: _done(unpin(series.store, "ann", CODE)), 41, "a9 b8 c6 d3", "ab bc cd"),
    Step("a reader of another workflow", reads("a", "x"), 41, "a9 b8 c6 d3", "ab bc cd", None),
    Step("which somebody confirms", crossing(CONFIRMED), 42, "a9 b8 c6 d3", "ab bc cd", None),
    Step("and rejects", crossing(REJECTED), 43, "a9 b8 c6 d3", "ab bc cd", None),
)  # fmt: skip
