"""What a real DolphinScheduler refuses: which error it is, what it says, and that everything is as it was before."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import orjson
import pytest
from pydantic import SecretStr

from tests.contract.engine_contract import NIGHTLY, a_definition, a_marker
from tests.contract.test_dolphin_engine import draw
from tests.support.dolphin import Dolphin
from tests.support.served import free_port
from wfgov_dagster.domain.definition import Definition
from wfgov_dagster.domain.extra import pack
from wfgov_dagster.engines.dolphin.calls import Api
from wfgov_dagster.engines.dolphin.dialect import V31
from wfgov_dagster.engines.dolphin.engine import DolphinEngine
from wfgov_dagster.errors import EngineError, EngineRejected, EngineUnreachable, OutcomeUnknown
from wfgov_dagster.ports.publishing import RegisteredEngine
from wfgov_dagster.store.db import Database
from wfgov_dagster.store.dolphin import SqlDolphinMemory

EXPIRED = "0123456789abcdef0123456789abcdef"
D = a_definition()


@dataclass
class Case:
    """`daily` is there and online, `theirs` is there and somebody else's."""

    server: Dolphin
    row: RegisteredEngine
    database: Database
    project: int
    engine: DolphinEngine
    made: list[DolphinEngine] = field(default_factory=list)

    def other(self, token: str = "", **changed: str) -> DolphinEngine:
        """The same with another token or row."""
        used = SecretStr(token) if token else self.server.token
        memory = SqlDolphinMemory(self.database, 1)
        self.made.append(DolphinEngine(replace(self.row, **changed), lambda: used, memory, 5.0))  # type: ignore[arg-type]
        return self.made[-1]

    def state(self) -> object:
        """Whatever the server has in the project."""
        rows = self.server.call(
            "GET", f"/projects/{self.project}/process-definition", pageNo=1, pageSize=99, searchVal=""
        )["totalList"]
        schedules = self.server.call("POST", f"/projects/{self.project}/schedules/list")
        return sorted((row["name"], row["version"], row["releaseState"], row["updateTime"]) for row in rows), schedules


@pytest.fixture(scope="module")
def case(dolphin_server: Dolphin, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    file = shutil.copy(sqlite_template, tmp_path_factory.mktemp("refusals") / "wfgov.db")
    database = Database(f"sqlite:///{file}")
    name, project = dolphin_server.project()
    row = RegisteredEngine(1, "ds", "dolphin", dolphin_server.url, name, None, dolphin_server.tenant)
    engine = DolphinEngine(row, lambda: dolphin_server.token, SqlDolphinMemory(database, 1))
    case = Case(dolphin_server, row, database, project, engine)
    engine.deploy(D, a_marker(D))
    engine.online("daily")
    engine.deploy(a_definition("still"), a_marker(a_definition("still")))
    draw(dolphin_server.call, f"/projects/{project}", "process", tenantCode=dolphin_server.tenant)
    yield case
    for one in (engine, *case.made):
        one.close()
    database.dispose()


def deploy(engine: DolphinEngine, definition: Definition) -> None:
    engine.deploy(definition, a_marker(definition))


def an_edit(**changed: object) -> Definition:
    """Of `still`, which is offline, in its first task."""
    still = a_definition("still", text="echo edited")
    first = replace(still.tasks[0], **changed)  # type: ignore[arg-type]
    return replace(still, tasks=(first, *still.tasks[1:]))


def in_settings(**changed: object) -> Definition:
    still = a_definition("still", text="echo edited")
    return replace(still, settings=replace(still.settings, **changed))  # type: ignore[arg-type]


def expired(case: Case) -> str:
    case.server.call("POST", "/access-tokens", userId=1, expireTime="2020-01-01 00:00:00", token=EXPIRED)
    return EXPIRED


def powerless(case: Case) -> str:
    """Of a user who was given nothing."""
    user = {"userName": "nobody", "userPassword": "nobody123", "tenantId": 1, "phone": "", "queue": "", "state": 1}
    with suppress(AssertionError):  # a second run of it finds that user
        case.server.call("POST", "/users/create", **user, email="nobody@example.com")
    found = case.server.call("GET", "/users/list-paging", pageNo=1, pageSize=99, searchVal="nobody")["totalList"]
    wanted = {"userId": found[0]["id"], "expireTime": "2099-01-01 00:00:00"}
    return str(case.server.call("POST", "/access-tokens", **wanted)["token"])


def reschedule(case: Case, code: str = "daily", **changed: object) -> None:
    case.engine.put_schedule(code, replace(NIGHTLY, **changed))  # type: ignore[arg-type]


def take_name(case: Case) -> None:
    """Ours is known by its code, and somebody else's has the name that it is to have."""
    memory = SqlDolphinMemory(case.database, 1)
    memory.remember_workflow("theirs", memory.workflows()["still"])
    deploy(case.engine, a_definition("theirs"))


Act = Callable[[Case], object]
R, U = EngineRejected, EngineUnreachable
CIRCLE = (("extract", "load"), ("load", "extract"))
TO_A_GHOST = pack({"switchResult": {"dependTaskList": [], "nextNode": {"$task": "ghost"}}})
REFUSED: list[tuple[str, Act, type[EngineError], str]] = [
    ("token wrong", lambda c: c.other("wr0ng-t0ken").observe("daily"), R, "401: its token is wrong"),
    ("token wrong, write", lambda c: deploy(c.other("wr0ng"), D), R, "401: its token is wrong"),
    ("token expired", lambda c: c.other(expired(c)).observe("daily"), R, "401: its token .* has expired"),
    ("user without rights", lambda c: c.other(powerless(c)).observe("daily"), R, "may not see it|30002"),
    ("server down", lambda c: c.other(url=_nowhere()).observe("daily"), U, "no connection"),
    ("server down, write", lambda c: c.other(url=_nowhere()).online("daily"), U, "no connection"),
    ("another application", lambda c: c.other(url=c.server.url.rpartition("/")[0]).observe("daily"), R, "404"),
    ("project missing", lambda c: c.other(project="none of it").observe("daily"), R, "no project 'none of it'"),
    ("tenant missing", lambda c: deploy(c.other(tenant="ghost"), a_definition("new")), R, "10017 tenant"),
    ("environment missing", lambda c: deploy(c.engine, in_settings(environment="moon")), R, "no environment 'moon'"),
    ("data source missing", lambda c: deploy(c.engine, an_edit(node_type="SQL", datasource="mart")), R,
     "no data source 'mart'"),
    ("name taken", take_name, R, "10168"),
    ("definition online", lambda c: deploy(c.engine, a_definition(text="echo other")), R, "daily is online"),
    ("cycle", lambda c: deploy(c.engine, replace(a_definition("new"), edges=CIRCLE)), R, "50019"),
    ("unknown node type", lambda c: deploy(c.engine, an_edit(node_type="TELEPORT", extra=pack({"to": 1}))), R, "50020"),
    ("no tasks", lambda c: deploy(c.engine, replace(a_definition("new"), tasks=(), edges=())), R, "50017"),
    ("name of no task", lambda c: deploy(c.engine, an_edit(node_type="SWITCH", extra=TO_A_GHOST)), R, "ghost"),
    ("cron that is none", lambda c: reschedule(c, cron="every night"), R, "is no cron"),
    ("cron that Quartz cannot say", lambda c: reschedule(c, cron="0 0 1 * 1"), R, "of the month and of the week"),
    ("zone that is none", lambda c: reschedule(c, time_zone="Mars"), R, "is no time zone"),
    ("schedule that ends before it begins", lambda c: reschedule(c, start=NIGHTLY.end, end=NIGHTLY.start), R, "80003"),
    ("schedule of an offline definition", lambda c: reschedule(c, "still"), R, "still is offline"),
    ("schedule of nobody", lambda c: reschedule(c, "nobody"), R, "unknown"),
    ("no schedule to take online", lambda c: c.engine.schedule_online("daily"), R, "has no schedule"),
    ("online of an unknown one", lambda c: c.engine.online("nobody"), R, "unknown"),
    ("start of an offline one", lambda c: c.engine.start("still", "k", "ann"), R, "50004"),
    ("start of an unknown one", lambda c: c.engine.start("nobody", "k", "ann"), R, "unknown"),
    ("a key that is too long", lambda c: c.engine.start("daily", "k" * 101, "ann"), R, "101 characters"),
    ("the version in use", lambda c: c.engine.delete_version("daily", 1), R, "is the current one"),
    ("an unknown instance", lambda c: c.engine.stop("999999999"), R, "is unknown"),
]  # fmt: skip


def _nowhere() -> str:
    return f"http://127.0.0.1:{free_port()}/dolphinscheduler"


@pytest.mark.parametrize(("act", "kind", "words"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_is_refused_leaves_everything_as_it_was(case: Case, act: Act, kind: type[EngineError], words: str) -> None:
    before = case.state()
    with pytest.raises(EngineError, match=words) as caught:
        act(case)
    assert type(caught.value) is kind
    assert caught.value.where.startswith("engine ds")
    assert caught.value.hint
    for secret in (case.server.token.get_secret_value(), EXPIRED, "wr0ng"):
        assert secret not in caught.value.sentence()
    assert case.state() == before


def test_what_is_too_long_or_not_whole_is_cut_and_rounded(case: Case) -> None:
    long = in_settings(description="长" * 300, timeout=61)
    found = case.engine.shown(long)
    assert found.settings.timeout == 120
    assert len(found.settings.description) < 200
    deploy(case.engine, long)
    seen = case.engine.observe("still")
    assert seen is not None
    assert seen.definition == found
    assert case.engine.shown(found) == found


def test_two_schedules_of_one_workflow_become_one_again(case: Case) -> None:
    """3.1 takes a second one from a request that came twice, and then fires neither."""
    case.engine.put_schedule("daily", NIGHTLY)
    seen = case.engine.observe("daily")
    assert seen is not None
    code = seen.engine_workflow_code
    told = {"startTime": "2026-01-01 00:00:00", "endTime": "2030-01-01 00:00:00", "crontab": "0 0 3 * * ? *",
            "timezoneId": "UTC"}  # fmt: skip
    case.server.call(
        "POST", f"/projects/{case.project}/schedules", processDefinitionCode=code, schedule=orjson.dumps(told).decode()
    )
    with pytest.raises(OutcomeUnknown, match="10108"):  # what the server says to whoever does not tidy up
        case.engine._connection.talk().ask(Api(V31, case.project).release(int(code), online=False))
    case.engine.schedule_online("daily")
    seen = case.engine.observe("daily")
    assert seen is not None
    assert (seen.schedule, seen.schedule_online) == (NIGHTLY, True)
    case.engine.schedule_offline("daily")
    case.engine.put_schedule("daily", None)
