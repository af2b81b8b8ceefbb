"""What `engine test` learns of a DolphinScheduler, and what it says when something is missing there."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from tests.doubles.echoing_server import EchoingServer, echoing_server
from wfgov_dagster.engines.dolphin import marks
from wfgov_dagster.engines.dolphin.probe import DolphinProbe
from wfgov_dagster.errors import EngineRejected, EngineUnreachable
from wfgov_dagster.ports.engine import Marker
from wfgov_dagster.ports.engine_probe import ProbeReport
from wfgov_dagster.ports.publishing import RegisteredEngine

TOKEN = "c4n4ry-pr0be-0123456789"
OURS = marks.write("", Marker("w", 1, f"w1:{'0' * 64}"), {})


@pytest.fixture
def server() -> Iterator[EchoingServer]:
    with echoing_server(TOKEN) as server:
        server.projects.append("etl")
        yield server


def probe(
    server: EchoingServer, token: str = TOKEN, *, create: bool = False, ahead: float = 0.0, **told: str
) -> ProbeReport:
    registered = replace(RegisteredEngine(1, "ds", "dolphin", server.url, "etl"), **told)
    late = timedelta(seconds=ahead)
    one = DolphinProbe(registered, lambda: SecretStr(token), lambda: datetime.now(UTC) - late)
    return one.probe(create_project=create)


def test_a_server_in_order(server: EchoingServer) -> None:
    found = probe(server, tenant="default", worker_group="default")
    assert (found.family, found.version, found.clock_skew_seconds) == ("3.1", None, 0.0)
    assert (found.permissions, found.problems, list(found.foreign_writers)) == (("read", "write"), [], [])
    assert not any(one.startswith(("POST", "PUT", "DELETE")) for one in server.seen)


@pytest.mark.parametrize("ahead", [90.0, -90.0])
def test_a_clock_that_is_off_is_seen(server: EchoingServer, ahead: float) -> None:
    skew = probe(server, ahead=ahead).clock_skew_seconds
    assert skew is not None
    assert abs(skew - ahead) < 3


def test_everything_that_is_missing_is_named_and_nothing_is_made(server: EchoingServer) -> None:
    server.projects.clear()
    tenant, group = probe(server, create=True, tenant="etl", worker_group="gpu").problems
    assert "tenant 'etl' is not there" in tenant
    assert "known: default" in tenant
    assert "worker group 'gpu' is not there" in group
    assert server.projects == []
    (project,) = probe(server).problems
    assert "project 'etl' is not there" in project
    assert probe(server, create=True).project_created
    assert server.projects == ["etl"]
    assert not probe(server, create=True).project_created


def test_whoever_else_writes_into_the_project_is_named(server: EchoingServer) -> None:
    server.definitions = [
        {"code": 1, "version": 1, "name": "by hand", "description": "", "modifyBy": "bob"},
        {"code": 2, "version": 1, "name": "ours", "description": OURS, "modifyBy": "admin"},
        {"code": 3, "version": 1, "name": "edited", "description": OURS, "modifyBy": "bob"},
    ]
    assert list(probe(server).foreign_writers) == [
        "1 definitions of the project are not ours: by hand",
        "user bob changed 1 of ours last: edited",
    ]


def test_a_wrong_token_and_a_server_that_is_away_are_told_apart(server: EchoingServer) -> None:
    with pytest.raises(EngineRejected, match="401: its token is wrong") as caught:
        probe(server, "c4n4ry-other-0123456")
    assert "wfgov engine token ds" in caught.value.hint
    with pytest.raises(EngineUnreachable):
        probe(server, url="http://127.0.0.1:1/dolphinscheduler")
