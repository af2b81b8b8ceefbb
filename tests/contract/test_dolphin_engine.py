"""A real DolphinScheduler 3.1.1 keeps the contract."""

import time
from collections.abc import Callable, Iterator

import orjson
import pytest

from tests.contract.engine_contract import EngineContract, RunSubmitted
from tests.support.dolphin import Dolphin
from tests.support.fault_proxy import fault_proxy
from tests.support.faults import Fault, Rule
from tests.support.served import free_port
from wfgov_dagster.engines.dolphin.engine import DolphinEngine
from wfgov_dagster.ports.engine import Engine
from wfgov_dagster.ports.publishing import RegisteredEngine
from wfgov_dagster.store.db import Database
from wfgov_dagster.store.dolphin import SqlDolphinMemory

ENDED = {"success", "failed", "stopped"}


class DolphinContract(EngineContract):
    """What the real server and the doubles have in common."""


class TestDolphin(EngineContract):
    @pytest.fixture
    def project(self, dolphin_server: Dolphin) -> tuple[str, int]:
        return dolphin_server.project()

    @pytest.fixture
    def memory(self, sqlite_url: str) -> Iterator[SqlDolphinMemory]:
        database = Database(sqlite_url)
        yield SqlDolphinMemory(database, 1)
        database.dispose()

    @pytest.fixture
    def at(
        self, dolphin_server: Dolphin, project: tuple[str, int], memory: SqlDolphinMemory
    ) -> Iterator[Callable[[str], DolphinEngine]]:
        """The engine behind a URL."""
        made: list[DolphinEngine] = []

        def engine(url: str) -> DolphinEngine:
            row = RegisteredEngine(1, "dolphin", "dolphin", url, project[0], "env:TOKEN", dolphin_server.tenant)
            made.append(DolphinEngine(row, lambda: dolphin_server.token, memory))
            return made[-1]

        yield engine
        for one in made:
            one.close()

    @pytest.fixture
    def engine(self, dolphin_server: Dolphin, at: Callable[[str], DolphinEngine]) -> DolphinEngine:
        return at(dolphin_server.url)

    @pytest.fixture
    def run_submitted(self) -> RunSubmitted:
        def wait(engine: Engine) -> None:
            end = time.monotonic() + 60
            while any(one.state not in ENDED for one in engine.instances(None, 100)):
                assert time.monotonic() < end, engine.instances(None, 100)
                time.sleep(0.3)

        return wait

    @pytest.fixture
    def unreachable(self, at: Callable[[str], DolphinEngine]) -> DolphinEngine:
        return at(f"http://127.0.0.1:{free_port()}/dolphinscheduler")

    @pytest.fixture
    def mute(self, dolphin_server: Dolphin, at: Callable[[str], DolphinEngine]) -> Iterator[DolphinEngine]:
        base, _, path = dolphin_server.url.rpartition("/")
        rules = [Rule(Fault.DROP_REPLY, method, "process-definition") for method in ("POST", "PUT")]
        with fault_proxy(base, rules) as proxy:
            yield at(f"{proxy.url}/{path}")

    @pytest.fixture
    def foreign(self, dolphin_server: Dolphin, project: tuple[str, int]) -> Callable[[Engine], str]:
        def make(_engine: Engine) -> str:
            room = f"/projects/{project[1]}"
            (code,) = dolphin_server.call("GET", f"{room}/task-definition/gen-task-codes", genNum=1)
            task = {
                "code": code, "name": "by hand", "version": 0, "description": "", "taskType": "SHELL", "flag": "YES",
                "taskParams": {"localParams": [], "rawScript": "echo hi", "resourceList": []}, "timeout": 0,
                "taskPriority": "MEDIUM", "workerGroup": "default", "environmentCode": -1, "failRetryTimes": 0,
                "failRetryInterval": 1, "timeoutFlag": "CLOSE", "delayTime": 0, "taskExecuteType": "BATCH",
            }  # fmt: skip
            edge = {"name": "", "preTaskCode": 0, "preTaskVersion": 0, "postTaskCode": code, "postTaskVersion": 0}
            dolphin_server.call(
                "POST",
                f"{room}/process-definition",
                name="theirs",
                tenantCode=dolphin_server.tenant,
                taskDefinitionJson=orjson.dumps([task]).decode(),
                taskRelationJson=orjson.dumps([edge | {"conditionType": "NONE", "conditionParams": {}}]).decode(),
            )
            return "theirs"

        return make
