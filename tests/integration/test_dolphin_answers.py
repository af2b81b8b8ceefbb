"""A server that says yes and sends data of another kind: that is no answer; what it means goes by what was asked."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from tests.doubles.dolphin_server import TOKEN, Double, Told, dolphin_double
from tests.doubles.engine import FaultyEngine
from tests.integration.publish_support import Office, a_definition
from tests.support.dolphin_engines import engines
from tests.support.size import size
from wfgov_dagster.domain.snapshot import hashes
from wfgov_dagster.engines.dolphin.dialect import V32, V33, Dialect
from wfgov_dagster.engines.dolphin.engine import DolphinEngine
from wfgov_dagster.errors import EngineUnreachable, OutcomeUnknown
from wfgov_dagster.ports.engine import Marker
from wfgov_dagster.store.db import Database

PROJECT = "etl"
OBJECTS: tuple[Any, ...] = (None, "text", 7, True, [], {}, {"code": None}, {"code": "text"}, {"code": []})
LISTS: tuple[Any, ...] = (None, "text", 7, {}, [None], ["text"], [{}], [[]])
PAGES: tuple[Any, ...] = (
    None, "text", [], {}, {"totalList": "text", "total": "text"}, {"totalList": "text", "total": 1},
    {"totalList": None, "total": 1}, {"totalList": [None], "total": 1}, {"totalList": [{}], "total": 1},
    {"totalList": [], "total": None}, {"totalList": {}, "total": 0},
)  # fmt: skip
SOME = size(slice(None, None, 3), slice(None))
Act = Callable[[DolphinEngine], object]


def deploy(code: str) -> Act:
    definition = a_definition(code, schedule=None)
    return lambda engine: engine.deploy(definition, Marker(code, 1, hashes(definition).content))


def run(engine: DolphinEngine) -> str:
    return engine.instances("w", 1)[0].instance_id


READS: dict[str, tuple[str, str, tuple[Any, ...], Act]] = {
    "projects": ("GET", "/projects", PAGES, lambda engine: engine.observe("w")),
    "names": ("GET", ".*-definition/simple-list", LISTS, lambda engine: engine.observe("nobody")),
    "definitions": ("GET", ".*-definition", PAGES, lambda engine: engine.heads()),
    "definition": ("GET", r".*-definition/\d+", OBJECTS, lambda engine: engine.observe("w")),
    "schedules": ("GET", ".*/schedules", PAGES, lambda engine: engine.observe("w")),
    "all schedules": ("POST", ".*/schedules/list", LISTS, lambda engine: engine.heads()),
    "versions": ("GET", ".*/versions", PAGES, lambda engine: engine.versions("w")),
    "task codes": ("GET", ".*/gen-task-codes", (*LISTS, [], [1]), deploy("new")),
    "instances": ("GET", ".*-instances", PAGES, lambda engine: engine.instances("w", 5)),
    "instance": ("GET", r".*-instances/\d+", OBJECTS, lambda engine: engine.instance("1")),
    "tasks": ("GET", ".*/task-instances", PAGES, lambda engine: engine.task_instances(run(engine))),
}  # fmt: skip


@pytest.fixture(params=[V32, V33], ids=lambda one: one.family)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def double(dialect: Dialect) -> Iterator[Double]:
    with dolphin_double(dialect) as double:
        double.world.create_project(PROJECT)
        yield double


@pytest.fixture
def new(double: Double, sqlite_url: str) -> Iterator[Callable[[], DolphinEngine]]:
    """One that has asked nothing yet, before a server that holds workflow `w`, which has run."""
    with engines(sqlite_url, PROJECT, SecretStr(TOKEN)) as at:
        engine = at(double.url)
        deploy("w")(engine)
        engine.online("w")
        engine.start("w", "first", "ann")
        yield lambda: at(double.url)


def spoil(double: Double, verb: str, path: str, data: Any) -> None:
    """From now on it answers that with this."""
    answer = type(double).answer

    def odd(asked: str, at: str, told: Told) -> Any:
        said = answer(double, asked, at, told)
        if said is not None and said[1]["code"] == 0 and asked == verb and re.fullmatch(path, at):
            return said[0], said[1] | {"data": data}
        return said

    double.answer = odd  # type: ignore[method-assign]


@pytest.mark.parametrize("what", READS)
def test_a_read_is_as_if_there_were_no_server(double: Double, new: Callable[[], DolphinEngine], what: str) -> None:
    verb, path, odd, act = READS[what]
    for data in odd[SOME]:
        spoil(double, verb, path, data)
        with pytest.raises(EngineUnreachable, match="a yes with data of another kind"):
            act(new())


def test_a_write_may_have_been_applied(double: Double, new: Callable[[], DolphinEngine]) -> None:
    for at, data in enumerate(OBJECTS[SOME]):
        spoil(double, "POST", ".*-definition", data)
        with pytest.raises(OutcomeUnknown, match="a yes with data of another kind"):
            deploy(f"new{at}")(new())
        assert new().observe(f"new{at}") is not None
    for at, data in enumerate(("text", {}, True)):
        spoil(double, "POST", ".*/start-.*", data)
        with pytest.raises(OutcomeUnknown):
            new().start("w", f"odd {at}", "ann")


def test_a_publish_ends_as_with_a_server_that_is_down_and_nobody_keeps_its_lease(
    double: Double, sqlite_url: str
) -> None:
    database = Database(sqlite_url)
    office = Office(database)
    with engines(sqlite_url, PROJECT, SecretStr(TOKEN)) as at:
        engine = at(double.url)
        office.inner, office.engine = engine, FaultyEngine(engine)
        office.save(a_definition())
        assert office.publish("deploy").status == "success"
        office.save(a_definition(text="echo other"))
        spoil(double, "GET", ".*/schedules", {"totalList": "text", "total": 1})
        end = office.publish("deploy")
        assert (end.status, end.error_code) == ("failed", "engine_unreachable")
        del double.answer
        assert office.publish("deploy").status == "success"
    database.dispose()
