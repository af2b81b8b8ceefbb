"""A real DolphinScheduler 3.1.1 changed behind our back, through its own REST API: each way is called by its name."""

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.doubles.engine import FaultyEngine
from tests.integration.drift_support import NEW, OLD, STRANGER, a_workflow
from tests.integration.publish_support import Office
from tests.support.dolphin import Dolphin
from tests.support.served import until
from tests.support.size import size
from wfgov_dagster.domain.drift import Kind
from wfgov_dagster.engines.dolphin.engine import DolphinEngine
from wfgov_dagster.ports.publishing import RegisteredEngine
from wfgov_dagster.store.db import Database
from wfgov_dagster.store.dolphin import SqlDolphinMemory
from wfgov_dagster.usecases.inspect_drift import Inspection, Scope, inspect_drift

Body = dict[str, Any]
INSPECTIONS = size(5, 200)


@dataclass(frozen=True)
class Pages:
    """What a person's browser sends."""

    server: Dolphin
    project: int

    @property
    def _definitions(self) -> str:
        return f"/projects/{self.project}/process-definition"

    def code(self, name: str) -> int:
        rows = self.server.call("GET", f"{self._definitions}/simple-list")
        return next(int(row["code"]) for row in rows if row["name"] == name)

    def edit(self, name: str, change: Callable[[Body], None]) -> None:
        """Off, changed, on again, and its schedule too. `change`: of head, tasks, edges."""
        code = self.code(name)
        held = self.server.call("GET", f"{self._definitions}/{code}")
        head = held["processDefinition"]
        body = {"head": head, "tasks": held["taskDefinitionList"], "edges": held["processTaskRelationList"]}
        change(body)
        self.release(name, online=False)
        told = {
            key: head[key] for key in ("name", "description", "locations", "timeout", "tenantCode", "executionType")
        }
        told |= {"globalParams": head["globalParams"]}
        lists = {"taskDefinitionJson": body["tasks"], "taskRelationJson": body["edges"]}
        form = told | {key: orjson.dumps(one).decode() for key, one in lists.items()}
        self.server.call("PUT", f"{self._definitions}/{code}", **form)
        self.release(head["name"], online=True)
        self.fire(head["name"], online=True)

    def release(self, name: str, *, online: bool) -> None:
        state = "ONLINE" if online else "OFFLINE"
        self.server.call("POST", f"{self._definitions}/{self.code(name)}/release", releaseState=state)

    def schedule(self, name: str) -> Body:
        told = {"processDefinitionCode": self.code(name), "pageNo": 1, "pageSize": 10}
        found: Body = self.server.call("GET", f"/projects/{self.project}/schedules", **told)["totalList"][0]
        return found

    def fire(self, name: str, *, online: bool) -> None:
        word = "online" if online else "offline"
        self.server.call("POST", f"/projects/{self.project}/schedules/{self.schedule(name)['id']}/{word}")

    def reschedule(self, name: str, crontab: str) -> None:
        row = self.schedule(name)
        self.fire(name, online=False)
        times = {key: row[key] for key in ("startTime", "endTime", "timezoneId")}
        kept = ("warningType", "warningGroupId", "failureStrategy", "workerGroup", "environmentCode",
                "processInstancePriority")  # fmt: skip
        told = {"schedule": orjson.dumps(times | {"crontab": crontab}).decode()} | {key: row[key] for key in kept}
        self.server.call("PUT", f"/projects/{self.project}/schedules/{row['id']}", **told)
        self.fire(name, online=True)

    def edit_instance(self, name: str, change: Callable[[Body], None], *, sync: bool) -> None:
        """Of a run that is over. `sync`: the definition becomes the same."""
        code = self.code(name)
        self.server.call("POST", f"/projects/{self.project}/executors/start-process-instance", warningType="NONE",
                         processDefinitionCode=code, scheduleTime="", failureStrategy="CONTINUE")  # fmt: skip
        until(lambda: self._last_run(code).get("state"), lambda state: state == "SUCCESS")
        place = f"/projects/{self.project}/process-instances/{self._last_run(code)['id']}"
        held = self.server.call("GET", place)["dagData"]
        body = {"head": held["processDefinition"], "tasks": held["taskDefinitionList"]}
        change(body)
        self.server.call("PUT", place, syncDefine=str(sync).lower(), tenantCode=self.server.tenant,
                         taskDefinitionJson=orjson.dumps(body["tasks"]).decode(),
                         taskRelationJson=orjson.dumps(held["processTaskRelationList"]).decode(),
                         globalParams=body["head"]["globalParams"], locations=body["head"]["locations"])  # fmt: skip

    def _last_run(self, code: int) -> Body:
        told = {"processDefineCode": code, "pageNo": 1, "pageSize": 1}
        rows = self.server.call("GET", f"/projects/{self.project}/process-instances", **told)["totalList"]
        return rows[0] if rows else {}

    def switch(self, name: str, version: int) -> None:
        self.server.call("GET", f"{self._definitions}/{self.code(name)}/versions/{version}")

    def remove(self, name: str) -> None:
        self.release(name, online=False)
        self.server.call("DELETE", f"{self._definitions}/{self.code(name)}")

    def draw(self, name: str) -> None:
        """A workflow of one task, made by hand."""
        code = self.server.call("GET", f"/projects/{self.project}/task-definition/gen-task-codes", genNum=1)[0]
        task = {"code": code, "name": "theirs", "version": 0, "description": "", "taskType": "SHELL", "flag": "YES",
                "taskParams": {"localParams": [], "rawScript": "echo theirs", "resourceList": []},
                "taskPriority": "MEDIUM", "workerGroup": "default", "environmentCode": -1, "failRetryTimes": 0,
                "failRetryInterval": 1, "timeoutFlag": "CLOSE", "timeout": 0, "delayTime": 0}  # fmt: skip
        edge = {"name": "", "preTaskCode": 0, "preTaskVersion": 0, "postTaskCode": code, "postTaskVersion": 0,
                "conditionType": "NONE", "conditionParams": {}}  # fmt: skip
        self.server.call("POST", self._definitions, name=name, description="", globalParams="[]", locations="[]",
                         timeout=0, tenantCode=self.server.tenant, executionType="PARALLEL",
                         taskDefinitionJson=orjson.dumps([task]).decode(),
                         taskRelationJson=orjson.dumps([edge]).decode())  # fmt: skip


def _task(body: Body, name: str) -> Body:
    found: Body = next(one for one in body["tasks"] if one["name"] == name)
    return found


def _script(body: Body, text: str) -> None:
    _task(body, "extract")["taskParams"]["rawScript"] = text


def _edge_added(body: Body) -> None:
    (root,) = (one for one in body["edges"] if one["postTaskCode"] == _task(body, "check")["code"])
    root |= {"preTaskCode": _task(body, "load")["code"], "preTaskVersion": _task(body, "load")["version"]}


def _edge_removed(body: Body) -> None:
    (edge,) = (one for one in body["edges"] if one["postTaskCode"] == _task(body, "load")["code"])
    edge |= {"preTaskCode": 0, "preTaskVersion": 0}


def _without_check(body: Body) -> None:
    gone = _task(body, "check")["code"]
    body["tasks"] = [one for one in body["tasks"] if one["code"] != gone]
    body["edges"] = [one for one in body["edges"] if one["postTaskCode"] != gone]


def _parameter(body: Body) -> None:
    one = {"prop": "day", "direct": "IN", "type": "VARCHAR", "value": "1"}
    _task(body, "load")["taskParams"]["localParams"] = [one]


def _global_parameter(body: Body) -> None:
    one = {"prop": "region", "direct": "IN", "type": "VARCHAR", "value": "eu"}
    body["head"]["globalParams"] = orjson.dumps([one]).decode()


def _described(body: Body) -> None:
    body["head"]["description"] = body["head"]["description"].replace("told by us", "told by them")


def _renamed(body: Body) -> None:
    body["head"]["name"] = "renamed_old"


def _moved(body: Body) -> None:
    places = [{"taskCode": one["code"], "x": 7, "y": 7} for one in body["tasks"]]
    body["head"]["locations"] = orjson.dumps(places).decode()


def _and_back(pages: Pages, name: str) -> None:
    pages.edit(name, lambda body: _script(body, "echo theirs"))
    pages.edit(name, lambda body: _script(body, NEW))


def _edited(change: Callable[[Body], None]) -> Callable[[Pages, str], None]:
    return lambda pages, name: pages.edit(name, change)


def _instance_edited(*, sync: bool) -> Callable[[Pages, str], None]:
    return lambda pages, name: pages.edit_instance(name, lambda body: _script(body, "echo theirs"), sync=sync)


# way → (what is done, kinds it has to be called)
WAYS: Mapping[str, tuple[Callable[[Pages, str], None], set[Kind]]] = {
    "text": (_edited(lambda body: _script(body, "echo theirs")), {Kind.CONTENT_CHANGED}),
    "retries": (_edited(lambda body: _task(body, "load").update(failRetryTimes=3)), {Kind.CONTENT_CHANGED}),
    "parameter": (_edited(_parameter), {Kind.CONTENT_CHANGED}),
    "global_parameter": (_edited(_global_parameter), {Kind.CONTENT_CHANGED}),
    "description": (_edited(_described), {Kind.CONTENT_CHANGED}),
    "task_removed": (_edited(_without_check), {Kind.TASK_REMOVED}),
    "edge_added": (_edited(_edge_added), {Kind.EDGE_CHANGED}),
    "edge_removed": (_edited(_edge_removed), {Kind.EDGE_CHANGED}),
    "cron": (lambda pages, name: pages.reschedule(name, "0 15 4 * * ? *"), {Kind.SCHEDULE_CHANGED}),
    "offline": (lambda pages, name: pages.release(name, online=False), {Kind.RELEASE_CHANGED}),
    "silent": (lambda pages, name: pages.fire(name, online=False), {Kind.SCHEDULE_STATE_CHANGED}),
    "renamed": (_edited(_renamed), {Kind.RENAMED}),
    "deleted": (lambda pages, name: pages.remove(name), {Kind.DELETED}),
    "switched": (lambda pages, name: pages.switch(name, 1), {Kind.VERSION_SWITCHED, Kind.RELEASE_CHANGED}),
    "instance": (_instance_edited(sync=True), {Kind.CONTENT_CHANGED}),
    "instance_alone": (_instance_edited(sync=False), set()),
    "not_ours": (lambda pages, name: pages.draw(name), {Kind.FOREIGN_DEFINITION}),
    "and_back": (_and_back, set()),
    "layout": (_edited(_moved), set()),
    "untouched": (lambda _pages, _name: None, set()),
}


@dataclass(frozen=True)
class Spoilt:
    office: Office
    before: list[Inspection]
    reads: list[str]
    after: Inspection


@pytest.fixture(scope="module")
def spoilt(
    dolphin_server: Dolphin, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Spoilt]:
    database = Database(f"sqlite:///{shutil.copy(sqlite_template, tmp_path_factory.mktemp('sqlite') / 'wfgov.db')}")
    office = Office(database)
    name, project = dolphin_server.project()
    row = RegisteredEngine(1, "embedded", "dolphin", dolphin_server.url, name, "env:TOKEN", dolphin_server.tenant)
    engine = DolphinEngine(row, lambda: dolphin_server.token, SqlDolphinMemory(database, 1))
    office.inner, office.engine = engine, FaultyEngine(engine)
    pages = Pages(dolphin_server, project)
    for code, (_, called) in WAYS.items():
        for text in (OLD, NEW) if Kind.VERSION_SWITCHED in called else (NEW,):
            office.save(a_workflow(code, text))
            if Kind.FOREIGN_DEFINITION not in called:
                assert office.publish("deploy", code).status == "success"
        if Kind.FOREIGN_DEFINITION not in called:
            assert office.publish("online", code).status == "success"
    inspect_drift(office.publisher(), "ann", Scope(None))
    office.engine.reads.clear()
    before = [inspect_drift(office.publisher(), "ann", Scope(None)) for _ in range(INSPECTIONS)]
    reads = list(office.engine.reads)
    before.append(inspect_drift(office.publisher(), "ann", Scope(None, whole=True)))
    time.sleep(1)
    for code, (act, _) in WAYS.items():
        act(pages, code)
    pages.draw(STRANGER)
    yield Spoilt(office, before, reads, inspect_drift(office.publisher(), "ann", Scope(None)))
    engine.close()
    database.dispose()


@pytest.mark.parametrize("code", WAYS)
def test_each_way_is_called_by_its_name(spoilt: Spoilt, code: str) -> None:
    found = {one.kind: one.differences for one in spoilt.after.findings if one.workflow_code == code}
    assert set(found) == WAYS[code][1], found


def test_no_false_alarm_and_one_list_call_an_inspection(spoilt: Spoilt) -> None:
    assert [one.findings for one in spoilt.before] == [()] * (INSPECTIONS + 1)
    assert spoilt.reads == ["heads"] * INSPECTIONS


def test_what_is_nobodys_is_told(spoilt: Spoilt) -> None:
    assert [one.kind for one in spoilt.after.findings if one.workflow_code == STRANGER] == [Kind.UNMANAGED]
    assert spoilt.after.unseen == ()
