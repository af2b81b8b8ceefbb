"""DolphinScheduler keeps the contract: a real server of 3.1.1, and doubles of families without a published server."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import orjson
import pytest
from pydantic import SecretStr

from tests.contract.engine_contract import EngineContract, RunSubmitted
from tests.doubles.dolphin_server import TOKEN, Double, dolphin_double
from tests.support.dolphin import Dolphin
from tests.support.dolphin_engines import At, engines
from tests.support.fault_proxy import fault_proxy
from tests.support.faults import Fault, Rule
from tests.support.served import free_port
from wfgov_dagster.engines.dolphin.dialect import V32, V33, Dialect
from wfgov_dagster.engines.dolphin.engine import DolphinEngine
from wfgov_dagster.ports.engine import Engine

ENDED = {"success", "failed", "stopped"}
RUNS_WITHIN_SECONDS = 60
BY_HAND = {
    "name": "by hand", "version": 0, "description": "", "taskType": "SHELL", "flag": "YES", "timeout": 0,
    "taskParams": {"localParams": [], "rawScript": "echo hi", "resourceList": []}, "taskPriority": "MEDIUM",
    "workerGroup": "default", "environmentCode": -1, "failRetryTimes": 0, "failRetryInterval": 1,
    "timeoutFlag": "CLOSE", "delayTime": 0, "taskExecuteType": "BATCH",
}  # fmt: skip
Say = Callable[..., Any]


def wait(engine: Engine) -> None:
    end = time.monotonic() + RUNS_WITHIN_SECONDS
    while any(one.state not in ENDED for one in engine.instances(None, 100)):
        assert time.monotonic() < end, engine.instances(None, 100)
        time.sleep(0.2)


def draw(say: Say, room: str, noun: str, **told: str) -> str:
    """Somebody makes a workflow of one task by hand."""
    (code,) = say("GET", f"{room}/task-definition/gen-task-codes", genNum=1)
    edge = {"name": "", "preTaskCode": 0, "preTaskVersion": 0, "postTaskCode": code, "postTaskVersion": 0}
    say(
        "POST",
        f"{room}/{noun}-definition",
        name="theirs",
        taskDefinitionJson=orjson.dumps([BY_HAND | {"code": code}]).decode(),
        taskRelationJson=orjson.dumps([edge | {"conditionType": "NONE", "conditionParams": {}}]).decode(),
        **told,
    )
    return "theirs"


@contextmanager
def without_replies(url: str) -> Iterator[str]:
    """The same server, but nobody hears what it says to a deploy."""
    base, _, path = url.rpartition("/")
    rules = [Rule(Fault.DROP_REPLY, method, "-definition") for method in ("POST", "PUT")]
    with fault_proxy(base, rules) as proxy:
        yield f"{proxy.url}/{path}"


class DolphinContract(EngineContract):
    """A subclass brings `url` and `at`."""

    @pytest.fixture
    def url(self) -> str:
        raise AssertionError("a subclass brings its server")

    @pytest.fixture
    def engine(self, url: str, at: At) -> DolphinEngine:
        return at(url)

    @pytest.fixture
    def run_submitted(self) -> RunSubmitted:
        return wait

    @pytest.fixture
    def unreachable(self, at: At) -> DolphinEngine:
        return at(f"http://127.0.0.1:{free_port()}/dolphinscheduler")

    @pytest.fixture
    def mute(self, url: str, at: At) -> Iterator[DolphinEngine]:
        with without_replies(url) as silent:
            yield at(silent)


class TestDolphin31(DolphinContract):
    @pytest.fixture
    def project(self, dolphin_server: Dolphin) -> tuple[str, int]:
        return dolphin_server.project()

    @pytest.fixture
    def url(self, dolphin_server: Dolphin) -> str:
        return dolphin_server.url

    @pytest.fixture
    def at(self, dolphin_server: Dolphin, project: tuple[str, int], sqlite_url: str) -> Iterator[At]:
        with engines(sqlite_url, project[0], dolphin_server.token, dolphin_server.tenant) as at:
            yield at

    @pytest.fixture
    def foreign(self, dolphin_server: Dolphin, project: tuple[str, int]) -> Callable[[Engine], str]:
        tenant = dolphin_server.tenant
        return lambda _: draw(dolphin_server.call, f"/projects/{project[1]}", "process", tenantCode=tenant)


class DoubleContract(DolphinContract):
    """A subclass brings `dialect`. Every request has to be one that its family knows, without a parameter more."""

    dialect: Dialect

    @pytest.fixture
    def double(self) -> Iterator[Double]:
        with dolphin_double(self.dialect) as double:
            double.world.create_project("p")
            yield double
            assert double.ignored == []

    @pytest.fixture
    def url(self, double: Double) -> str:
        return double.url

    @pytest.fixture
    def at(self, double: Double, sqlite_url: str) -> Iterator[At]:
        with engines(sqlite_url, "p", SecretStr(TOKEN)) as at:
            yield at

    @pytest.fixture
    def foreign(self, double: Double) -> Callable[[Engine], str]:
        def say(method: str, path: str, **told: object) -> Any:
            where: dict[str, Any] = {"params" if method == "GET" else "data": told}
            return httpx.request(method, f"{double.url}{path}", headers={"token": TOKEN}, **where).json()["data"]

        (project,) = double.world.projects
        return lambda _: draw(say, f"/projects/{project}", self.dialect.noun)


class TestDolphin32(DoubleContract):
    dialect = V32


class TestDolphin34(DoubleContract):
    dialect = V33
