"""A token is in no column, file, log, event, run or output in clear, whatever the worst server makes of it.

A canary goes everywhere that a token goes: it is given, sealed, tried, sent in publishes that fail in every manner, by
command and by Dagster's job, and told of in alerts. Then everything that was written anywhere is searched.
"""

import base64
import json
import urllib.parse
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import dagster as dg
import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from tests.dagster.runs import publish_it
from tests.doubles.echoing_server import MANNERS, EchoingServer, echoing_server
from tests.integration.cli_support import FINANCE, SALES, Cli
from tests.integration.publish_support import DATABASES
from tests.support.size import size
from wfgov_dagster.cli.app import cli
from wfgov_dagster.store.db import Database
from wfgov_dagster.wiring import Platform

TRIED = size(("envelope", "no type"), MANNERS)
QUICK = {
    "WFGOV_LEASE_SECONDS": "3",
    "WFGOV_PUBLISH_ATTEMPTS": "1",
    "WFGOV_BACKOFF_FIRST_SECONDS": "0.01",
    "WFGOV_BREAKER_REST_SECONDS": "0.01",
}


def forms(secret: str) -> set[bytes]:
    """As it could stand somewhere for everybody to read."""
    told = {secret, urllib.parse.quote(secret, safe=""), json.dumps(secret)[1:-1], repr(secret)[1:-1]}
    clear = {one.encode() for one in told}
    return clear | {base64.b64encode(secret.encode()).rstrip(b"="), secret.encode().hex().encode()}


def holds(value: object, secret: str) -> bool:
    told = value if isinstance(value, bytes) else str(value).encode()
    return any(form in told for form in forms(secret))


def in_database(url: str, secret: str) -> list[str]:
    """table.column of every value that holds it."""
    database, found = Database(url), []
    with database.read() as conn:
        reflected = sa.MetaData()
        reflected.reflect(conn)
        assert len(reflected.tables) > 30
        for table in reflected.sorted_tables:
            for row in conn.execute(sa.select(table)).mappings():
                found += [f"{table}.{name}" for name, value in row.items() if holds(value, secret)]
    database.dispose()
    return sorted(set(found))


def in_files(folder: Path, secret: str) -> list[str]:
    """Every file below the folder, databases too, byte by byte."""
    files = sorted(one for one in folder.rglob("*") if one.is_file())
    return [str(one) for one in files if holds(one.read_bytes(), secret)]


class Canary:
    """An installation whose one DolphinScheduler repeats the token in all that it says."""

    def __init__(self, wfgov: Cli, server: EchoingServer) -> None:
        self.wfgov, self.server, self.token = wfgov, server, server.token
        self.said: list[str] = []

    def run(self, *words: str, stdin: str | None = None, **env: str) -> int:
        told = CliRunner().invoke(cli, words, input=stdin, env=self.wfgov.env | QUICK | env)
        self.said.append(f"{words}\n{told.output}\n{told.stderr}")
        return told.exit_code

    def add(self, *, name: str = "ds", token: str | None = None) -> int:
        about = ("--kind", "dolphin", "--url", self.server.url, "--project", "etl", "--token-stdin")
        return self.run("engine", "add", name, *about, stdin=f"{token or self.token}\n")


@pytest.fixture(params=DATABASES)
def canary(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Canary]:
    wfgov = Cli(request.getfixturevalue(request.param), tmp_path / "home").derived(tmp_path / "estate")
    for name, value in (wfgov.env | QUICK).items():
        monkeypatch.setenv(name, str(value))
    with echoing_server(f"cnry/{uuid4().hex}+{uuid4().hex[:6]}=") as server:
        yield Canary(wfgov, server)


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    home = tmp_path / "dagster"
    home.mkdir()
    with dg.DagsterInstance.local_temp(str(home)) as instance:
        instance.add_dynamic_partitions("workflow", [SALES, FINANCE])
        yield instance


def give_and_try(canary: Canary) -> None:
    run, server = canary.run, canary.server
    assert canary.add(name="refused", token=f"{canary.token}x") == 1
    assert run("engine", "add", "refused", "--kind", "dolphin", "--url", server.url, "--token-stdin",
               stdin=canary.token) == 1  # fmt: skip
    assert canary.add() == 0
    assert canary.add() == 1
    for form in ("table", "json", "yaml"):
        assert run("engine", "test", "ds", "-o", form) == 0
        assert run("engine", "list", "-o", form) == 0
    assert run("engine", "token", "ds", "--token-env", "CANARY", CANARY=canary.token) == 0
    assert run("engine", "test", "ds", CANARY=canary.token) == 0
    assert run("engine", "test", "ds") == 1
    assert run("engine", "token", "ds", "--token-stdin", stdin=canary.token) == 0
    assert run("settings") == 0


def publish(canary: Canary) -> None:
    """On the embedded engine it works; on the other one it fails in each manner."""
    for operation in ("deploy", "online"):
        assert canary.run("publish", FINANCE, "--operation", operation) == 0
    assert canary.run("workflow", "engine", SALES, "ds") == 0
    for manner in TRIED:
        canary.server.manners = (manner,)
        assert canary.run("publish", SALES, "--operation", "deploy", "--debug") == 1, manner
        assert canary.run("publish", SALES, "--operation", "deploy", "-o", "json") == 1, manner
        canary.run("publish", SALES, "--operation", "deploy", "--dry-run")
        assert canary.run("instance", "sync", "--engine", "ds", "-o", "json") == 1, manner
        assert canary.run("instance", "list", "--engine", "ds", "-o", "json") == 0, manner
    canary.server.manners = TRIED
    canary.run("record", "sweep")
    records = json.loads(canary.wfgov.ok("record", "list", SALES, "--size", "100", "-o", "json"))["records"]
    assert len(records) >= len(TRIED)
    for one in records:
        assert canary.run("record", "show", str(one["record_id"]), "-o", "json") == 0


def tell(canary: Canary) -> None:
    with closing(Platform()) as platform:
        assert platform.deliver_alerts().delivered
    assert (canary.wfgov.home / "logs" / "alerts.jsonl").exists()
    assert canary.run("alert", "list", "-o", "json") == 0


def test_the_token_is_nowhere_in_clear(canary: Canary, instance: dg.DagsterInstance, tmp_path: Path) -> None:
    give_and_try(canary)
    publish(canary)
    for manner in TRIED:
        canary.server.manners = (manner,)
        assert not publish_it(instance, SALES).success, manner
    assert publish_it(instance, FINANCE).success
    tell(canary)
    assert canary.server.projects == ["etl"]
    assert len(set(canary.server.seen)) > 8
    assert in_database(canary.wfgov.url, canary.token) == []
    assert in_files(tmp_path, canary.token) == []
    shown = "\n".join(canary.said).encode()
    assert len(shown) > 10_000
    assert [form for form in forms(canary.token) if form in shown] == []


def test_the_search_finds_what_is_there(database_url: str, tmp_path: Path) -> None:
    """A search that finds nothing proves nothing, unless it finds."""
    token = f"cnry/{uuid4().hex}"
    for form in forms(token):
        (tmp_path / "log").write_bytes(b"x" + form + b"x")
        assert in_files(tmp_path, token) == [str(tmp_path / "log")]
        (tmp_path / "log").unlink()
    database = Database(database_url)
    with database.write() as conn:
        conn.execute(
            sa.text("INSERT INTO engine (name, kind, credential_sealed) VALUES ('x', 'dolphin', :t)"), {"t": token}
        )
    database.dispose()
    assert in_database(database_url, token) == ["engine.credential_sealed"]
