"""`wfgov instance` for an engine over a network: what is kept, how old it is, and what could not be read."""

import json
from pathlib import Path

import pytest

from tests.integration.cli_support import Cli
from tests.integration.history_support import BASE, NAME, Bureau
from wfgov_dagster.errors import EngineUnreachable
from wfgov_dagster.store.db import Database
from wfgov_dagster.wiring import Platform


@pytest.fixture
def bureau(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Bureau:
    """What is asked of the database is tested elsewhere, on PostgreSQL too."""
    bureau = Bureau(Database(sqlite_url), "a", "b")
    monkeypatch.setattr(Platform, "engine_of", lambda _self, _row: bureau.engine)
    bureau.engine.ran("a", "success", "e-t=success")
    bureau.engine.ran("b", "failed", "e-t=failed")
    return bureau


@pytest.fixture
def wfgov(bureau: Bureau, sqlite_url: str, tmp_path: Path) -> Cli:
    return Cli(sqlite_url, tmp_path)


def test_what_is_kept_is_listed_with_its_age_also_while_the_engine_is_down(bureau: Bureau, wfgov: Cli) -> None:
    assert "was never read: wfgov instance sync --engine ds" in wfgov.ok("instance", "list", "--engine", NAME)
    (report,) = wfgov.json("instance", "sync")
    assert (report["engine"], report["read"], report["changed"], report["alerts"], report["error"]) == (
        NAME, 2, 2, 0, None,
    )  # fmt: skip
    bureau.engine.down = EngineUnreachable("no answer", where="engine ds")
    wfgov.run("instance", "sync")
    bureau.engine.calls.clear()

    head, _, columns, *lines = wfgov.ok("instance", "list", "--engine", NAME).splitlines()
    listed = wfgov.run("instance", "list", "a", "--engine", NAME, "-o", "json")

    assert head.startswith("as of 20")
    assert "(0 minutes old); tried at" in head
    assert "engine_unreachable: no answer — engine ds" in head
    assert columns.startswith("instance_id  workflow_code  version_no  state")
    assert [line.split()[:4] for line in lines] == [["2", "b", "1", "failed"], ["1", "a", "1", "success"]]
    (one,) = json.loads(listed.stdout)
    assert (one["instance_id"], one["page"]) == ("1", f"{BASE}/ui/projects/77/workflow/instances/1?code=e-a")
    assert one["as_of"] is not None
    assert "minutes old" in listed.stderr
    assert bureau.engine.calls == {}


def test_one_is_shown_with_its_tasks_and_one_that_is_not_kept_is_asked_for(bureau: Bureau, wfgov: Cli) -> None:
    wfgov.ok("instance", "sync", "--engine", NAME)
    bureau.engine.calls.clear()
    shown = wfgov.json("instance", "show", "2", "--engine", NAME)
    assert (shown["state"], [task["task_code"] for task in shown["tasks"]]) == ("failed", ["t"])
    assert bureau.engine.calls == {}

    new = bureau.engine.ran("b", "running", "e-t=running")
    assert wfgov.json("instance", "show", new, "--engine", NAME)["state"] == "running"
    assert "50001" in wfgov.run("instance", "show", "99", "--engine", NAME).stderr


def test_a_sync_that_could_not_read_ends_with_one_and_says_of_which_engine(bureau: Bureau, wfgov: Cli) -> None:
    bureau.engine.down = EngineUnreachable("no answer", where="engine ds")
    result = wfgov.run("instance", "sync", "-o", "json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)[0]["error"] == "engine_unreachable: no answer — engine ds"
    assert json.loads(result.stderr)["where"] == "engine ds"


def test_an_engine_that_nobody_knows_is_said_so(wfgov: Cli) -> None:
    for verb in ("list", "sync"):
        result = wfgov.run("instance", verb, "--engine", "nowhere")
        assert (result.exit_code, "no engine 'nowhere'" in result.stderr) == (1, True)


def test_without_an_engine_over_a_network_there_is_nothing_to_read(sqlite_url: str, tmp_path: Path) -> None:
    assert "no engine over a network is registered" in Cli(sqlite_url, tmp_path).ok("instance", "sync")
