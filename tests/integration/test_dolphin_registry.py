"""`wfgov engine …` against a real server: what is made there, what is refused, and what is left behind."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from tests.integration.dolphin_front import ENGINE, Front, projects
from tests.support.dolphin import Dolphin
from tests.support.served import free_port

WRONG = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def front(sqlite_url: str, tmp_path: Path) -> Iterator[Front]:
    front = Front(sqlite_url, tmp_path / "home", project=f"reg {os.urandom(4).hex()}")
    yield front
    front.platform.close()


def add(front: Front, server: Dolphin, **other: Any) -> Result:
    told = {"url": server.url, "project": front.project, "tenant": server.tenant} | other
    token = told.pop("token", server.token.get_secret_value())
    options = [word for name, value in told.items() for word in (f"--{name}", value)]
    return front.run("engine", "add", ENGINE, "--kind", "dolphin", *options, "--token-stdin", stdin=token)


def test_add_test_remove(dolphin_server: Dolphin, front: Front) -> None:
    assert projects(dolphin_server, front.project) == []
    added = add(front, dolphin_server)
    assert added.exit_code == 0, added.output
    assert "was not there: it is made" in added.stderr
    assert len(projects(dolphin_server, front.project)) == 1
    tried = front.json("engine", "test", ENGINE)
    report = tried["report"]
    assert (report["family"], report["problems"], report["permissions"]) == ("3.1", [], ["read", "write"])
    assert abs(report["clock_skew_seconds"]) < 5
    assert tried["warnings"] == []
    removed = front.run("engine", "remove", ENGINE)
    assert removed.exit_code == 0, removed.output
    assert ENGINE not in [one["name"] for one in front.json("engine", "list")]
    assert len(projects(dolphin_server, front.project)) == 1
    again = add(front, dolphin_server)
    assert again.exit_code == 0, again.output
    assert "it is made" not in again.stderr


@pytest.mark.parametrize(
    ("other", "code", "says"),
    [
        ({"token": WRONG}, "engine_rejected", "401: its token is wrong or has expired"),
        ({"tenant": "nobody-here"}, "engine_rejected", "tenant 'nobody-here' is not there"),
        ({"worker-group": "gpu"}, "engine_rejected", "worker group 'gpu' is not there"),
        ({"url": "closed"}, "engine_unreachable", "no connection"),
        ({"url": "elsewhere"}, "engine_rejected", "is its URL the one of its API"),
    ],
    ids=["token", "tenant", "worker group", "down", "not its API"],
)
def test_one_that_cannot_be_used_is_not_registered_and_nothing_is_made(
    dolphin_server: Dolphin, front: Front, other: dict[str, str], code: str, says: str
) -> None:
    places = {
        "closed": f"http://127.0.0.1:{free_port()}/dolphinscheduler",
        "elsewhere": dolphin_server.url.rpartition("/")[0] + "/elsewhere",
    }
    told = other | {"url": places.get(other.get("url", ""), dolphin_server.url)}
    refused = add(front, dolphin_server, **told)
    assert refused.exit_code == 1
    assert refused.stderr.startswith(f"{code}: ")
    assert says in refused.stderr
    assert dolphin_server.token.get_secret_value() not in refused.output
    assert told.get("token", "no token") not in refused.output
    assert ENGINE not in [one["name"] for one in front.json("engine", "list")]
    assert projects(dolphin_server, front.project) == []


def test_a_token_that_has_expired_since_is_told_and_replaced(dolphin_server: Dolphin, front: Front) -> None:
    made = dolphin_server.call("POST", "/access-tokens", userId=1, expireTime="2099-01-01 00:00:00")
    assert add(front, dolphin_server, token=made["token"]).exit_code == 0
    dolphin_server.call("DELETE", f"/access-tokens/{made['id']}")
    refused = front.run("engine", "test", ENGINE)
    assert refused.exit_code == 1
    assert f"wfgov engine token {ENGINE}" in refused.stderr
    given = front.run("engine", "token", ENGINE, "--token-stdin", stdin=dolphin_server.token.get_secret_value())
    assert given.exit_code == 0, given.output
    assert front.run("engine", "test", ENGINE).exit_code == 0
