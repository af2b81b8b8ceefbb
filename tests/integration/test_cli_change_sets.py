"""Many workflows on the command line: what it prints, what it tells on the way, and how it ends."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.integration.cli_support import FINANCE, LOOP, SALES, Cli
from tests.integration.publish_support import a_definition
from wfgov_dagster.engines.embedded.engine import EmbeddedEngine
from wfgov_dagster.ports.engine import Marker
from wfgov_dagster.store.db import Database
from wfgov_dagster.store.embedded import SqlEmbeddedStore

DEPLOY = ("--operation", "deploy")


@pytest.fixture
def wfgov(derived: Cli) -> Cli:
    return derived


@pytest.fixture
def on_both(derived_on_both: Cli) -> Cli:
    return derived_on_both


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    file = tmp_path / "members.yaml"
    file.write_text(yaml.safe_dump([FINANCE, SALES], allow_unicode=True), encoding="utf-8")
    return file


def edit_by_hand(wfgov: Cli, code: str) -> None:
    """Somebody changes it on the engine, past the platform."""
    database = Database(wfgov.url)
    engine = EmbeddedEngine("embedded", SqlEmbeddedStore(database), Path())
    engine.deploy(a_definition(code, "echo by hand", None), Marker(code, 9, "w1:by-hand"))
    database.dispose()


def test_everything_that_changed_is_published_upstream_first(on_both: Cli) -> None:
    result = on_both.run("publish", "--all-changed", *DEPLOY, "-o", "json")
    told = json.loads(result.stdout)
    assert (result.exit_code, told["state"], told["counts"]) == (0, "success", {"success": 3})
    waves = {one["workflow_code"]: one["wave"] for one in told["members"]}
    assert (waves[SALES], waves[FINANCE], LOOP in waves) == (1, 2, False)
    assert result.stderr.splitlines()[0] == "change set 1"
    assert f"wave 2 {FINANCE}: success" in result.stderr.splitlines()
    assert on_both.ok("publish", "--all-changed", *DEPLOY).startswith("nothing to publish")
    assert on_both.json("publish", "--all-changed", *DEPLOY) == {"change_set": None, "members": []}


def test_listed_workflows_go_online_and_are_rolled_back(on_both: Cli, listed: Path) -> None:
    on_both.ok("publish", "--change-set", listed, *DEPLOY)
    options = ("--parallel", "2", "--rate", "0", "--on-failure", "restore")
    assert on_both.json("publish", "--change-set", listed, "--operation", "online", *options)["state"] == "success"
    back = on_both.json("change-set", "restore", 2)
    assert (back["state"], back["restored_by"]) == ("restored", 3)
    assert {one["brought_back"] for one in back["members"]} == {"success"}
    assert on_both.json("publish", SALES, "--operation", "offline")["steps"] == 0
    rows = on_both.json("change-set", "list")
    assert [(row["change_set"], row["state"], row["restores"]) for row in rows] == [
        (3, "success", 2),
        (2, "restored", None),
        (1, "success", None),
    ]
    assert "brought back by:  change set 3" in on_both.ok("change-set", "show", 2)


def test_a_failure_is_told_for_each_member_and_ends_with_1(wfgov: Cli, listed: Path) -> None:
    wfgov.ok("publish", "--all-changed", *DEPLOY)
    edit_by_hand(wfgov, SALES)
    wfgov.ok("publish", FINANCE, "--operation", "online")
    result = wfgov.run("publish", "--change-set", listed, *DEPLOY)
    assert result.exit_code == 1
    assert "change_set_failed: failed: 1 failed, 1 skipped — change set 2" in result.stderr
    assert f"{SALES} failed before it" in result.stdout
    assert "foreign_edit" in result.stdout
    whole = wfgov.run("publish", "--change-set", listed, *DEPLOY, "--on-failure", "restore", "-o", "json")
    assert (whole.exit_code, json.loads(whole.stdout)["state"]) == (1, "restored")


def test_a_set_that_nobody_waits_for_can_be_canceled(wfgov: Cli, listed: Path) -> None:
    begun = wfgov.run("publish", "--change-set", listed, *DEPLOY, "--no-wait", "-o", "json")
    assert (begun.exit_code, json.loads(begun.stdout)["state"]) == (0, "running")
    assert "wfgov change-set show 1" in begun.stderr
    refused = wfgov.run("publish", "--all-changed", *DEPLOY)
    assert refused.exit_code == 1
    assert f"{SALES}: change set 1 has not ended with it" in refused.stderr
    told = wfgov.json("change-set", "cancel", 1, "--reason", "wrong day")
    assert (told["state"], told["canceled_by"], told["counts"]) == ("canceled", "tester", {"skipped": 2})
    assert wfgov.run("change-set", "cancel", "1", "--reason", "again").exit_code == 1
    assert wfgov.run("change-set", "show", "9").exit_code == 1


def test_a_process_that_was_killed_is_taken_over_at_once_and_only_the_rest_is_done(wfgov: Cli, listed: Path) -> None:
    program = (sys.executable, "-c", "from wfgov_dagster.cli import main; main()")
    command = (*program, "publish", "--change-set", str(listed), *DEPLOY, "--rate", "0.5")
    env = {**os.environ, **{name: value for name, value in wfgov.env.items() if value is not None}}
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, env=env) as process:
        assert process.stderr is not None
        lines = iter(process.stderr.readline, b"")
        assert any(line.endswith(b": success\n") for line in lines), "it ended before a member did"
        process.kill()
    before = wfgov.json("change-set", "show", 1)
    assert before["state"] == "running"
    told = wfgov.json("change-set", "resume", 1)
    assert (told["state"], told["counts"]) == ("success", {"success": 2})
    done = {one["workflow_code"]: one["publish_record"] for one in before["members"] if one["publish_record"]}
    assert done
    assert done.items() <= {one["workflow_code"]: one["publish_record"] for one in told["members"]}.items()


def test_bad_members_are_all_named_and_nothing_is_published(wfgov: Cli, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text(json.dumps([SALES, LOOP, "nobody"]), encoding="utf-8")
    result = wfgov.run("publish", "--change-set", tmp_path / "bad.json", *DEPLOY, "-o", "json")
    told = json.loads(result.stderr)
    assert (result.exit_code, told["code"], set(told["members"])) == (1, "change_set_refused", {LOOP, "nobody"})
    assert wfgov.json("change-set", "list") == []
    assert wfgov.json("workflow", "show", SALES)["publish_status"] == "never"


def test_a_plan_is_kept_applied_and_then_refused(wfgov: Cli, listed: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    looked = wfgov.run("plan", "--change-set", listed, *DEPLOY)
    assert (looked.exit_code, f"{SALES} V1" in looked.stdout) == (3, True)
    kept = wfgov.run("plan", "--change-set", listed, *DEPLOY, "-o", plan)
    assert (kept.exit_code, kept.stdout) == (0, looked.stdout)
    assert wfgov.ok("apply", plan, "--dry-run") == looked.stdout
    assert wfgov.json("apply", plan)["state"] == "success"
    again = wfgov.run("apply", plan)
    assert again.exit_code == 1
    assert again.stderr.startswith("plan_moved: 2 of its workflows moved since it was planned")
    assert wfgov.run("plan", "--change-set", listed, *DEPLOY).exit_code == 0
    plan.write_text(plan.read_text(encoding="utf-8").replace(FINANCE, "other"), encoding="utf-8")
    assert "it was changed after it was written" in wfgov.run("apply", plan).stderr
    plan.write_text("{", encoding="utf-8")
    assert "it is no JSON" in wfgov.run("apply", plan).stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("publish", *DEPLOY),
        ("publish", SALES, "--all-changed", *DEPLOY),
        ("publish", "--all-changed", "--change-set", "x.yaml", *DEPLOY),
        ("publish", "--all-changed", "--operation", "online"),
        ("publish", SALES, "--on-failure", "stop", *DEPLOY),
        ("publish", "--all-changed", "--version", "V1", *DEPLOY),
        ("publish", "--all-changed", "--parallel", "65", *DEPLOY),
        ("publish", "--all-changed", "--rate", "-1", *DEPLOY),
        ("plan", *DEPLOY),
        ("plan", "--all-changed", *DEPLOY, "-o", "plan"),
        ("change-set", "cancel", "1"),
        ("change-set", "show", "0"),
    ],
    ids=" ".join,
)
def test_what_makes_no_sense_is_a_matter_of_usage(sqlite_url: str, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    assert Cli(sqlite_url, tmp_path).run(*arguments).exit_code == 2
