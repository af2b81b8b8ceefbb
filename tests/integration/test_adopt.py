"""Adoption: a foreign workflow becomes ours as it is, and publishing it right after writes nothing."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from tests.doubles.dolphin_manners import DolphinManners
from wfgov_dagster.domain.baseline import Baseline, WorkflowBaseline, markdown, value
from wfgov_dagster.domain.definition import Definition, Parameter, Schedule, Settings, Task, make
from wfgov_dagster.domain.extra import pack
from wfgov_dagster.domain.publish import Operation
from wfgov_dagster.errors import NotFound
from wfgov_dagster.importers.sql_reader import SqlglotReader
from wfgov_dagster.ports.metadata import (
    ImportBatch,
    MembershipDeclaration,
    RelationRow,
    TableRow,
    TaskRow,
)
from wfgov_dagster.ports.publishing import RegisteredEngine
from wfgov_dagster.store.db import Database
from wfgov_dagster.store.schema.types import metadata
from wfgov_dagster.store.store import SqlStore
from wfgov_dagster.usecases import engines
from wfgov_dagster.usecases.adopt import Adopter, adopt
from wfgov_dagster.usecases.import_metadata import import_metadata
from wfgov_dagster.usecases.orchestrate import Options, OrchestrationReport, orchestrate
from wfgov_dagster.usecases.preview_publish import preview
from wfgov_dagster.usecases.publish import drive
from wfgov_dagster.usecases.publisher import Done, Publisher
from wfgov_dagster.usecases.request_publish import Request, request
from wfgov_dagster.usecases.version_history import live_version

NIGHTLY = Schedule("30 2 * * *", "Asia/Shanghai", "2026-01-01T00:00:00Z")
HAND_MADE = make(
    Settings(
        "夜间 nightly", "夜间 nightly", "made by hand", 7200, "end", (Parameter("day", "$[yyyyMMdd]"),),
        worker_group="gpu", tenant="dw", priority=4,
    ),
    [
        Task("load", "load", "", node_type="SQL", text="insert into ods.t select * from src.t", datasource="dw",
             parameters=(Parameter("p", "1"),), retries=2, retry_interval=60, timeout=600, priority=5),
        Task("clean", "clean", node_type="SQL", text="INSERT INTO dwd.t SELECT * FROM ods.t", datasource="dw"),
        Task("check", "check", node_type="CONDITIONS", extra=pack({
            "dependence": {"relation": "AND", "dependTaskList": [
                {"relation": "AND", "dependItemList": [{"depTaskCode": {"$task": "clean"}, "status": "SUCCESS"}]}]},
            "conditionResult": {"successNode": [{"$task": "route"}], "failedNode": [{"$task": "tell"}]}})),
        Task("route", "route", node_type="SWITCH", extra=pack({"switchResult": {
            "dependTaskList": [{"condition": "1", "nextNode": {"$task": "sub"}}], "nextNode": {"$task": "tell"}}})),
        Task("sub", "sub", node_type="SUB_WORKFLOW", extra=pack({"workflowDefinitionCode": {"$code": 10**13}})),
        Task("tell", "tell", node_type="SHELL", text="echo 'done'", resources=("a.sh",)),
        Task("wait", "wait", node_type="DEPENDENT",
             extra=pack({"dependence": {"dependTaskList": [], "relation": "OR"}})),
        Task("odd", "odd", node_type="OUR_OWN", extra=pack({"a": [1, None, {"b": 1.5}]})),
    ],
    [("wait", "load"), ("load", "clean"), ("clean", "check"), ("check", "route"), ("check", "tell"),
     ("route", "sub"), ("route", "tell"), ("load", "odd")],
)  # fmt: skip
OTHER = make(
    Settings("other", "other"),
    [Task("load", "load", node_type="SQL", text="insert into x.a select 1", datasource="dw"),
     Task("read", "read", node_type="SQL", text="insert into x.b select * from x.a", datasource="dw")],
    [("read", "load")],
)  # fmt: skip


@dataclass
class Estate:
    """An installation beside a server that people draw on."""

    store: SqlStore
    database: Database
    server: DolphinManners = field(default_factory=DolphinManners)

    @property
    def engine(self) -> RegisteredEngine:
        with self.store.read() as work:
            return engines.get(work, "ds")

    def draw(self, definition: Definition, schedule: Schedule | None = None, *, online: bool = False) -> None:
        self.server.draw(definition)
        if online or schedule is not None:
            self.server.turn(definition.code, online=True)
        if schedule is not None:
            self.server.reschedule(definition.code, schedule, online=True)

    def adopt(self, workflow: str | None = None, *, dry_run: bool = False) -> Baseline:
        adopter = Adopter(self.store, self.engine, self.server, SqlglotReader("duckdb"), "ann")
        return adopt(adopter, workflow, dry_run=dry_run)

    def only(self, workflow: str, *, dry_run: bool = False) -> WorkflowBaseline:
        (found,) = self.adopt(workflow, dry_run=dry_run).workflows
        return found

    def orchestrate(self, *, full: bool = False) -> OrchestrationReport:
        return orchestrate(self.store, "ann", Options(full=full))

    def publisher(self) -> Publisher:
        return Publisher(self.store, lambda _: self.server, "p", lambda: 0.0)

    def publish(self, code: str, operation: Operation = Operation.DEPLOY) -> Done:
        record = request(self.store, "ann", Request(code, operation, "ds"))
        return drive(self.publisher(), record, lambda _: None)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.database.read() as conn:
            return [tuple(row) for row in conn.execute(sa.text(query))]

    def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        return {table.name: self.rows(f"SELECT * FROM {table.name}") for table in metadata.sorted_tables}

    def version(self, code: str, number: int = 1) -> Definition:
        with self.store.read() as work:
            return work.versions.definition(code, number)

    def writes(self) -> list[str]:
        return [one.call for one in self.server.history if one.who != "a person"]


@pytest.fixture
def estate(new_database: Callable[[], str]) -> Iterator[Estate]:
    database = Database(new_database())
    store = SqlStore(database)
    with store.write() as work:
        work.publishing.add_engine("ds", "dolphin")
    yield Estate(store, database)
    database.dispose()


def test_what_the_engine_holds_is_v1_and_a_publish_right_after_writes_nothing(estate: Estate) -> None:
    estate.draw(HAND_MADE, NIGHTLY)
    told = estate.only(HAND_MADE.code)
    assert (told.state, told.online, told.schedule_online) == ("adopted", True, True)
    scheduled = replace(HAND_MADE, settings=replace(HAND_MADE.settings, schedule=NIGHTLY))
    assert estate.version(HAND_MADE.code) == scheduled
    live = [live_version(estate.store, HAND_MADE.code, "ds", datetime.now(UTC) + hour * timedelta(hours=1))
            for hour in (-1, 1)]  # fmt: skip
    assert [(one.version_no, one.record_id, one.operator) for one in live] == [(None, None, None), (1, None, "ann")]
    assert preview(estate.publisher(), Request(HAND_MADE.code, Operation.DEPLOY, "ds")).steps == ()
    done = estate.publish(HAND_MADE.code)
    assert (done.status, done.version_no, done.steps) == ("success", 1, 0)
    assert estate.publish(HAND_MADE.code, Operation.ONLINE).steps == 0
    assert estate.writes() == []
    flow = "SELECT origin, status, publish_status, created_by, engine_id FROM data_workflow"
    assert estate.rows(flow) == [("manual", "ready", "published", "ann", estate.engine.id)]
    baseline = "SELECT is_baseline, status, publisher FROM workflow_definition_snapshot"
    assert estate.rows(baseline) == [(1, "published", "ann")]
    held = estate.rows("SELECT engine_workflow_code, online, schedule_online, engine_task_codes FROM engine_deployment")
    assert held[0][:3] == ("9000", 1, 1)
    assert '"load":' in held[0][3]
    assert estate.rows("SELECT actor, action, object_code, outcome FROM workflow_operation_log WHERE action = 'adopt'")


def test_orchestration_does_not_tear_it_apart(estate: Estate) -> None:
    estate.draw(HAND_MADE, NIGHTLY)
    estate.adopt()
    for full in (False, True, False):
        report = estate.orchestrate(full=full)
        assert (report.versions, report.definitions.moved) == ((), 0)
    kinds = "SELECT kind, count(*) FROM task_dependency_view GROUP BY kind ORDER BY kind"
    assert estate.rows(kinds) == [("declared", 7), ("direct", 1)]
    assert set(estate.rows("SELECT reason, declared_by FROM task_dependency_declaration")) == {
        ("adopted", "import:adopted:ds")
    }
    assert estate.rows("SELECT definition_error FROM data_workflow") == [(None,)]
    done = estate.publish(HAND_MADE.code)
    assert (done.status, done.version_no, done.steps, estate.writes()) == ("success", 1, 0, [])


def test_an_edit_of_the_metadata_after_it_is_a_version_with_that_edit_alone(estate: Estate) -> None:
    estate.draw(HAND_MADE, NIGHTLY)
    estate.adopt()
    with estate.database.write() as conn:
        conn.exec_driver_sql("UPDATE data_task SET task_sql = 'echo 2' WHERE task_code = 'tell'")
    (made,) = estate.orchestrate().versions
    assert (made.version_no, made.change_summary) == (2, "~task tell: text")
    assert estate.publish(HAND_MADE.code).status == "success"
    assert estate.server.observe(HAND_MADE.code).online  # type: ignore[union-attr]


def test_a_node_that_names_a_task_which_is_gone_makes_a_draft_and_a_finding_that_names_both(estate: Estate) -> None:
    estate.draw(HAND_MADE, NIGHTLY)
    estate.adopt()
    with estate.database.write() as conn:
        conn.exec_driver_sql("UPDATE data_task SET deleted = 1 WHERE task_code = 'tell'")
    report = estate.orchestrate()
    lost = [f"task {code} names a task that is not in the workflow: tell" for code in ("check", "route")]
    assert report.definitions.broken == {HAND_MADE.code: "; ".join(lost)}
    assert report.versions == ()
    query = "SELECT message FROM inspection_finding WHERE rule = 'node' AND closed_at IS NULL ORDER BY message"
    assert estate.rows(query) == [(told,) for told in lost]
    with estate.database.write() as conn:
        conn.exec_driver_sql("UPDATE data_task SET deleted = 0 WHERE task_code = 'tell'")
    assert (estate.orchestrate().versions, estate.rows(query)) == ((), [])


def test_a_dry_run_says_the_same_and_writes_nothing(estate: Estate) -> None:
    estate.draw(HAND_MADE, NIGHTLY)
    estate.draw(OTHER)
    before = estate.everything()
    planned = estate.adopt(dry_run=True)
    assert estate.everything() == before
    assert {one.state for one in planned.workflows} == {"adoptable"}
    done = estate.adopt()
    first, first_done = planned.workflows[0], done.workflows[0]
    assert replace(first, state="adopted") == first_done


def test_all_of_a_project_and_tasks_of_one_name_stay_apart(estate: Estate) -> None:
    estate.draw(HAND_MADE)
    estate.draw(OTHER)
    report = estate.adopt()
    assert [(one.workflow_code, one.state) for one in report.workflows] == [
        ("other", "adopted"), ("夜间 nightly", "adopted"),
    ]  # fmt: skip
    codes = {task.code for task in estate.version(HAND_MADE.code).tasks}
    assert "夜间 nightly.load" in codes
    assert estate.version("other").by_code().keys() == {"load", "read"}
    for definition in (HAND_MADE, OTHER):
        done = estate.publish(definition.code)
        assert (done.status, done.steps) == ("success", 0)
    assert estate.writes() == []
    assert [(one.state, one.reason) for one in estate.adopt().workflows] == [
        ("skipped", "it is governed already")
    ] * 2  # fmt: skip
    assert estate.rows("SELECT count(*) FROM data_task WHERE deleted = 0") == [(10,)]


def test_lineage_that_is_not_drawn_and_drawn_edges_against_it_are_told(estate: Estate) -> None:
    estate.draw(OTHER)
    told = estate.only("other")
    assert told.declared_edges == (("read", "load"),)
    assert told.undrawn_edges == (("load", "read"),)
    assert any("circle (load → read → load)" in risk for risk in told.risks)
    (broken,) = estate.orchestrate().definitions.broken.items()  # type: ignore[union-attr]
    assert broken[0] == "other"
    assert estate.publish("other").steps == 0  # V1 stays


def known(*tasks: TaskRow, workflow: str | None = None, writes: str = "dwd.t") -> ImportBatch:
    return ImportBatch(
        tables=[TableRow(writes)],
        tasks=tasks,
        relations=[RelationRow(writes, task.code, "write") for task in tasks],
        memberships=[MembershipDeclaration(task.code, workflow) for task in tasks if workflow],
    )


SAME = TaskRow("dwd_t", "clean", text="insert into dwd.t -- again\nselect * from ods.t;", datasource="dw")


@pytest.mark.parametrize(
    ("row", "match"),
    [
        (SAME, "text"),
        (replace(SAME, name="another", code="clean"), "text"),
        (replace(SAME, text="insert into dwd.t select a from ods.t"), "table"),
        (replace(SAME, name="another"), "new"),
    ],
)
def test_a_task_is_matched_where_it_is_sure(estate: Estate, row: TaskRow, match: str) -> None:
    import_metadata(estate.store, "ann", "portal", known(row))
    estate.draw(HAND_MADE)
    told = {task.name: task for task in estate.only(HAND_MADE.code).tasks}
    assert told["clean"].match == match
    assert told["clean"].task_code == (row.code if match != "new" else "clean")
    assert told["load"].match == "new"
    assert told["clean"].lineage == ("unmatched")  # ods.t is new
    assert estate.publish(HAND_MADE.code).steps == 0
    assert estate.rows("SELECT count(*) FROM data_task") == [(8 + (match == "new"),)]
    assert import_metadata(estate.store, "ann", "portal", known(row)).changes == 0


def test_a_matched_task_with_another_text_is_a_risk_and_the_metadata_counts_next(estate: Estate) -> None:
    row = replace(SAME, text="insert into dwd.t select a from ods.t")
    import_metadata(estate.store, "ann", "portal", known(row))
    estate.draw(HAND_MADE)
    assert any("dwd_t has another text" in risk for risk in estate.only(HAND_MADE.code).risks)
    (made,) = (one for one in estate.orchestrate().versions if one.workflow_code == HAND_MADE.code)
    assert "~task dwd_t: text" in made.change_summary


@pytest.mark.parametrize("placed", [True, False])
def test_a_task_of_another_workflow_is_told_and_stays_there(estate: Estate, placed: bool) -> None:
    import_metadata(estate.store, "ann", "portal", known(SAME, workflow="mine"))
    if placed:
        estate.orchestrate()
    estate.draw(HAND_MADE)
    told = estate.only(HAND_MADE.code)
    (clean,) = (task for task in told.tasks if task.name == "clean")
    assert (clean.match, clean.task_code, clean.elsewhere) == ("new", "clean", "also task dwd_t of workflow mine")
    assert any("it runs in both" in risk for risk in told.risks)
    estate.orchestrate()
    members = """
        SELECT w.workflow_code FROM workflow_task_relation r JOIN data_workflow w ON w.id = r.workflow_id
        JOIN data_task t ON t.id = r.task_id WHERE t.task_code = 'dwd_t'"""
    assert estate.rows(members) == [("mine",)]


def test_what_the_engine_cannot_give_is_a_risk(estate: Estate) -> None:
    estate.draw(HAND_MADE)
    estate.server.edit(make(HAND_MADE.settings, HAND_MADE.tasks, HAND_MADE.edges[:-1]))
    estate.server.turn(HAND_MADE.code, online=True)
    estate.server._held[HAND_MADE.code].schedule = Schedule("0 0 3 L * ? *", "UTC")
    told = estate.only(HAND_MADE.code)
    assert (told.engine_version, told.unreadable_versions) == (2, 1)
    assert told.risks == (
        "1 older versions on the engine cannot be read: one can go back to V1, not further",
        f"task sub names what nobody can name ({10**13}): it fits this engine only",
        "its schedule is kept as it is, but '0 0 3 L * ? *' is no cron that ever fires",
    )
    assert estate.publish(HAND_MADE.code).steps == 0
    assert estate.orchestrate(full=True).versions == ()


def test_a_name_that_cannot_be_a_code_is_told_and_the_others_are_taken(estate: Estate) -> None:
    estate.draw(make(replace(OTHER.settings, code="x" * 101), OTHER.tasks, ()))
    estate.draw(OTHER)
    found = {one.workflow_code[:5]: one.state for one in estate.adopt().workflows}
    assert found == {"xxxxx": "failed", "other": "adopted"}
    with pytest.raises(NotFound, match="nobody"):
        estate.adopt("nobody")


def test_the_report_is_there_for_people_and_for_programs(estate: Estate) -> None:
    estate.draw(HAND_MADE, NIGHTLY)
    estate.draw(OTHER)
    report = estate.adopt(dry_run=True)
    told = value(report)
    assert told["totals"] == {
        "workflows": 2, "states": {"adoptable": 2}, "online": 1, "scheduled": 1, "tasks": 10,
        "types": {"CONDITIONS": 1, "DEPENDENT": 1, "OUR_OWN": 1, "SHELL": 1, "SQL": 4, "SUB_WORKFLOW": 1, "SWITCH": 1},
        "matches": {"new": 10}, "lineage": {"found": 0, "unmatched": 4, "missing": 6}, "elsewhere": 0,
        "unreadable_versions": 0, "risks": 3,
    }  # fmt: skip
    text = markdown(report)
    assert "| 夜间 nightly | adoptable | yes | 30 2 * * * (Asia/Shanghai) (online) |" in text
    assert "| route | SWITCH | new | missing (no SQL in a SWITCH node) |" in text
    assert f"- task sub names what nobody can name ({10**13}): it fits this engine only" in text
