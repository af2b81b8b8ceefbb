"""On a real DolphinScheduler: what people drew there is adopted, and who waits for another workflow does."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson
import pytest

from tests.support.dolphin import Dolphin
from wfgov_dagster.domain.baseline import Baseline
from wfgov_dagster.domain.definition import Schedule
from wfgov_dagster.domain.publish import Operation
from wfgov_dagster.engines.dolphin.engine import DolphinEngine
from wfgov_dagster.importers.sql_reader import SqlglotReader
from wfgov_dagster.ports.engine import TaskInstance
from wfgov_dagster.ports.metadata import ImportBatch, MembershipDeclaration, RelationRow, TableRow, TaskRow
from wfgov_dagster.ports.publishing import RegisteredEngine
from wfgov_dagster.store.db import Database
from wfgov_dagster.store.dolphin import SqlDolphinMemory
from wfgov_dagster.store.store import SqlStore
from wfgov_dagster.usecases import engines
from wfgov_dagster.usecases.adopt import Adopter, adopt
from wfgov_dagster.usecases.decide_edge import CONFIRMED, Word, decide_edge
from wfgov_dagster.usecases.import_metadata import import_metadata
from wfgov_dagster.usecases.orchestrate import Options, orchestrate
from wfgov_dagster.usecases.publish import drive
from wfgov_dagster.usecases.publisher import Done, Publisher
from wfgov_dagster.usecases.request_publish import Request, request

WITHIN_SECONDS = 120
ROW = {
    "version": 0, "description": "", "flag": "YES", "timeout": 0, "taskPriority": "MEDIUM", "workerGroup": "default",
    "environmentCode": -1, "failRetryTimes": 0, "failRetryInterval": 1, "timeoutFlag": "CLOSE", "delayTime": 0,
    "taskExecuteType": "BATCH",
}  # fmt: skip


@dataclass
class Room:
    """One project of the server, people in it, and our installation beside."""

    server: Dolphin
    store: SqlStore
    registered: RegisteredEngine
    engine: DolphinEngine
    project: int

    def draw(self, name: str, types: dict[str, str], params: Callable[[dict[str, int]], dict[str, Any]],
             edges: list[tuple[str, str]]) -> dict[str, int]:  # fmt: skip
        """As the server's page sends it: codes of the tasks by name, "" = the workflow's own."""
        room = f"/projects/{self.project}"
        numbers = self.server.call("GET", f"{room}/task-definition/gen-task-codes", genNum=len(types))
        codes = dict(zip(types, numbers, strict=True))
        told = params(codes)
        common = {"localParams": [], "resourceList": []}
        rows = [ROW | {"code": codes[one], "name": one, "taskType": kind, "taskParams": common | told[one]}
                for one, kind in types.items()]  # fmt: skip
        later = {post for _, post in edges}
        ends = [(0, codes[one]) for one in types if one not in later]
        ends += [(codes[pre], codes[post]) for pre, post in edges]
        links = [
            {"name": "", "preTaskCode": pre, "preTaskVersion": 0, "postTaskCode": post, "postTaskVersion": 0,
             "conditionType": "NONE", "conditionParams": {}} for pre, post in ends
        ]  # fmt: skip
        made = self.server.call(
            "POST", f"{room}/process-definition", name=name, tenantCode=self.server.tenant, timeout=0,
            globalParams=orjson.dumps([{"prop": "day", "direct": "IN", "type": "VARCHAR", "value": "x"}]).decode(),
            taskDefinitionJson=orjson.dumps(rows).decode(), taskRelationJson=orjson.dumps(links).decode(),
        )  # fmt: skip
        return codes | {"": int(made["code"])}

    def turn_online(self, code: int) -> None:
        self.server.call("POST", f"/projects/{self.project}/process-definition/{code}/release", releaseState="ONLINE")

    def schedule(self, code: int) -> None:
        room = f"/projects/{self.project}"
        self.turn_online(code)
        told = {"startTime": "2026-01-01 00:00:00", "endTime": "2099-01-01 00:00:00", "crontab": "0 30 2 * * ? *",
                "timezoneId": "Asia/Shanghai"}  # fmt: skip
        made = self.server.call(
            "POST", f"{room}/schedules", processDefinitionCode=code, schedule=orjson.dumps(told).decode(),
            warningType="NONE", warningGroupId=0, failureStrategy="CONTINUE", workerGroup="default",
            environmentCode=-1, processInstancePriority="MEDIUM",
        )  # fmt: skip
        self.server.call("POST", f"{room}/schedules/{made['id']}/online")

    def adopt(self, *, dry_run: bool = False) -> Baseline:
        adopter = Adopter(self.store, self.registered, self.engine, SqlglotReader("mysql"), "ann")
        return adopt(adopter, None, dry_run=dry_run)

    def publish(self, code: str, operation: Operation = Operation.DEPLOY) -> Done:
        publisher = Publisher(self.store, lambda _: self.engine, "p", lambda: 0.0)
        record = request(self.store, "ann", Request(code, operation, self.registered.name))
        return drive(publisher, record, time.sleep)

    def versions(self) -> dict[str, int]:
        return {code: head.engine_version for code, head in self.engine.heads().items()}

    def run(self, code: str, key: str) -> str:
        return self.engine.start(code, key, "ann")

    def ended(self, instance: str) -> str:
        end = time.monotonic() + WITHIN_SECONDS
        while (state := self.engine.instance(instance).state) not in {"success", "failed", "stopped"}:
            assert time.monotonic() < end, self.engine.task_instances(instance)
            time.sleep(0.5)
        return state

    def tasks(self, instance: str) -> dict[str, TaskInstance]:
        return {one.task_code: one for one in self.engine.task_instances(instance)}


@pytest.fixture
def room(dolphin_server: Dolphin, sqlite_url: str) -> Iterator[Room]:
    database = Database(sqlite_url)
    store = SqlStore(database)
    name, code = dolphin_server.project()
    with store.write() as work:
        work.publishing.add_engine("ds", "dolphin")
    with store.read() as work:
        row = engines.get(work, "ds")
    registered = RegisteredEngine(row.id, "ds", "dolphin", dolphin_server.url, name, "env:T", dolphin_server.tenant)
    engine = DolphinEngine(registered, lambda: dolphin_server.token, SqlDolphinMemory(database, row.id))
    yield Room(dolphin_server, store, registered, engine, code)
    engine.close()
    database.dispose()


def test_a_project_that_people_made_is_adopted_and_nothing_is_written(room: Room) -> None:
    ods = room.draw("ods", {"load": "SHELL"}, lambda _: {"load": {"rawScript": "echo load"}}, [])
    child = room.draw("child", {"load": "SHELL"}, lambda _: {"load": {"rawScript": "echo child"}}, [])

    def params(codes: dict[str, int]) -> dict[str, Any]:
        item = {"projectCode": room.project, "definitionCode": ods[""], "cycle": "day", "dateValue": "today"}
        items = [item | {"depTaskCode": 0}, item | {"depTaskCode": ods["load"]}]
        group = {"relation": "AND", "dependItemList": items}
        state = {"relation": "AND", "dependItemList": [{"depTaskCode": codes["work"], "status": "SUCCESS"}]}
        return {
            "wait": {"dependence": {"relation": "AND", "dependTaskList": [group]}},
            "work": {"rawScript": "echo ${day}"},
            "check": {
                "dependence": {"relation": "AND", "dependTaskList": [state]},
                "conditionResult": {"successNode": [codes["route"]], "failedNode": [codes["tell"]]},
            },
            "route": {
                "switchResult": {
                    "dependTaskList": [{"condition": "1==1", "nextNode": codes["sub"]}],
                    "nextNode": codes["end"],
                }
            },
            "sub": {"processDefinitionCode": child[""]},
            "tell": {"rawScript": "echo failed"},
            "end": {"rawScript": "echo end"},
        }

    types = {"wait": "DEPENDENT", "work": "SHELL", "check": "CONDITIONS", "route": "SWITCH", "sub": "SUB_PROCESS",
             "tell": "SHELL", "end": "SHELL"}  # fmt: skip
    edges = [("wait", "work"), ("work", "check"), ("check", "route"), ("check", "tell"), ("route", "sub"),
             ("route", "end")]  # fmt: skip
    reader = room.draw("日报 reader", types, params, edges)
    room.turn_online(child[""])
    room.schedule(reader[""])
    before = room.versions()
    assert {one.state for one in room.adopt(dry_run=True).workflows} == {"adoptable"}
    report = room.adopt()
    assert {one.workflow_code: one.state for one in report.workflows} == dict.fromkeys(before, "adopted")
    with room.store.read() as work:
        first = work.versions.definition("日报 reader", 1)
    tasks = first.by_code()
    assert {task.node_type for task in first.tasks} == {
        "DEPENDENT", "SHELL", "CONDITIONS", "SWITCH", "SUB_WORKFLOW",
    }  # fmt: skip
    assert orjson.loads(tasks["sub"].extra) == {"workflowDefinitionCode": {"$workflow": "child"}}
    assert orjson.loads(tasks["route"].extra)["switchResult"]["nextNode"] == {"$task": "end"}
    items = orjson.loads(tasks["wait"].extra)["dependence"]["dependTaskList"][0]["dependItemList"]
    own = {task.task_code for one in report.workflows if one.workflow_code == "ods" for task in one.tasks}
    assert [one["depTaskCode"] for one in items] == ["ALL", {"$workflow": "ods", "$task": own.pop()}]
    assert "$code" not in "".join(task.extra for task in first.tasks)
    assert first.settings.schedule is not None
    assert first.settings.schedule == Schedule(
        "30 2 * * *", "Asia/Shanghai", first.settings.schedule.start, first.settings.schedule.end
    )
    for code in before:
        done = room.publish(code)
        assert (done.status, done.steps) == ("success", 0)
        held = room.engine.observe(code)
        with room.store.read() as work:
            wanted = work.versions.definition(code, 1)
        assert held is not None
        assert held.definition == room.engine.shown(wanted)
        assert held.schedule == wanted.settings.schedule
    assert room.versions() == before
    assert orchestrate(room.store, "ann", Options()).versions == ()
    head = room.engine.heads()["日报 reader"]
    assert (head.online, head.schedule_online) == (True, True)


def test_an_edit_after_adoption_is_one_version_and_the_node_types_still_run(room: Room) -> None:
    def params(codes: dict[str, int]) -> dict[str, Any]:
        cases = [{"condition": "1==1", "nextNode": codes["yes"]}]
        return {
            "route": {"switchResult": {"dependTaskList": cases, "nextNode": codes["no"]}},
            "yes": {"rawScript": "echo yes"},
            "no": {"rawScript": "echo no"},
        }

    room.draw("flow", {"route": "SWITCH", "yes": "SHELL", "no": "SHELL"}, params, [("route", "yes"), ("route", "no")])
    room.adopt()
    with room.store.write() as work:
        work._conn.exec_driver_sql("UPDATE data_task SET task_sql = 'echo YES' WHERE task_code = 'yes'")
    (made,) = orchestrate(room.store, "ann", Options()).versions
    assert made.change_summary == "~task yes: text"
    assert room.publish("flow").status == "success"
    assert room.versions() == {"flow": 2}
    assert room.publish("flow", Operation.ONLINE).status == "success"
    instance = room.run("flow", "once")
    assert room.ended(instance) == "success"
    assert room.tasks(instance)["yes"].state == "success"


def test_a_confirmed_edge_makes_the_reader_wait_for_the_writer(room: Room) -> None:
    batch = ImportBatch(
        tables=[TableRow("t")],
        tasks=[
            TaskRow("write", "write", node_type="SHELL", text="sleep 3"),
            TaskRow("read", "read", node_type="SHELL", text="echo read"),
            TaskRow("free", "free", node_type="SHELL", text="echo free"),
        ],
        relations=[RelationRow("t", "write", "write"), RelationRow("t", "read", "read")],
        memberships=[
            MembershipDeclaration("write", "writer"),
            MembershipDeclaration("read", "reader"),
            MembershipDeclaration("free", "reader"),
        ],
    )
    import_metadata(room.store, "ann", "portal", batch)
    orchestrate(room.store, "ann", Options())
    decided = decide_edge(room.store, "ann", Word("write", "read", CONFIRMED, "it reads it"), "UTC")
    assert [one.version_no for one in decided.versions] == [2]
    for code in ("writer", "reader"):
        assert room.publish(code).status == "success"
        assert room.publish(code, Operation.ONLINE).status == "success"
    held = room.engine.observe("reader")
    assert held is not None
    assert [(one.upstream_workflow, one.task) for one in held.definition.cross_edges] == [("writer", "read")]
    assert set(held.engine_task_codes) == {"read", "free"}
    assert room.publish("reader").steps == 0
    reading = room.run("reader", "r")
    time.sleep(4)
    assert room.tasks(reading).get("read") is None or room.tasks(reading)["read"].state == "waiting"
    writing = room.run("writer", "w")
    assert (room.ended(writing), room.ended(reading)) == ("success", "success")
    wrote, read = room.tasks(writing)["write"], room.tasks(reading)["read"]
    assert wrote.ended_at is not None
    assert read.started_at is not None
    assert read.started_at >= wrote.ended_at
