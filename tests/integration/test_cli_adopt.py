"""`wfgov adopt` on the embedded engine."""

import json
from pathlib import Path

import pytest

from tests.integration.cli_support import Cli
from tests.integration.test_adopt import HAND_MADE, OTHER
from wfgov_dagster.domain.definition import Definition, make
from wfgov_dagster.domain.snapshot import digest, document
from wfgov_dagster.engines.embedded.engine import EmbeddedEngine
from wfgov_dagster.ports.engine import Marker
from wfgov_dagster.store.db import Database
from wfgov_dagster.store.embedded import SqlEmbeddedStore


@pytest.fixture
def wfgov(sqlite_url: str, tmp_path: Path) -> Cli:
    return Cli(sqlite_url, tmp_path / "home")


def draw(wfgov: Cli, *definitions: Definition) -> None:
    database = Database(wfgov.url)
    engine = EmbeddedEngine("embedded", SqlEmbeddedStore(database), Path())
    for definition in definitions:
        engine.deploy(definition, Marker(definition.code, 1, digest(document(definition))))
    database.dispose()


def test_a_workflow_of_the_embedded_engine_is_adopted_and_published_unchanged(wfgov: Cli, tmp_path: Path) -> None:
    draw(wfgov, HAND_MADE)
    folder = tmp_path / "reports"
    dry = wfgov.json("adopt", "--engine", "embedded", "--all", "--dry-run")
    assert (dry["dry_run"], dry["totals"]["states"]) == (True, {"adoptable": 1})
    assert wfgov.json("workflow", "list") == []
    said = wfgov.ok("adopt", "--engine", "embedded", "--workflow", HAND_MADE.code, "--report", folder)
    assert f"{HAND_MADE.code}  adopted" in said
    kept = json.loads((folder / "baseline.json").read_text(encoding="utf-8"))
    assert kept["workflows"][0]["types"]["SWITCH"] == 1
    assert (folder / "baseline.md").read_text(encoding="utf-8").startswith("# Baseline of engine embedded\n")
    preview = wfgov.json("publish", HAND_MADE.code, "--operation", "deploy", "--dry-run")
    assert (preview["steps"], preview["change_summary"], preview["foreign_edit"]) == ([], "", [])
    assert wfgov.json("publish", HAND_MADE.code, "--operation", "deploy")["steps"] == 0
    assert wfgov.json("orchestrate", "--full")["versions"] == []
    (version,) = wfgov.json("version", "list", HAND_MADE.code)
    assert version["change_summary"].startswith("adopted: +edge check → route; ")


def test_an_engine_that_knows_tasks_by_our_codes_alone_says_which_are_taken(wfgov: Cli) -> None:
    draw(wfgov, HAND_MADE, make(OTHER.settings, OTHER.tasks, ()))
    result = wfgov.run("adopt", "--engine", "embedded", "--all", "-o", "json")
    assert result.exit_code == 1
    states = {one["workflow_code"]: one["state"] for one in json.loads(result.stdout)["workflows"]}
    assert states == {"other": "adopted", HAND_MADE.code: "failed"}
    assert "codes that other tasks have: load" in result.stdout
    assert json.loads(result.stderr)["code"] == "conflict"
    assert [one["workflow_code"] for one in wfgov.json("workflow", "list")] == ["other"]


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("--engine", "nobody", "--all"), 1, "not_found: no engine 'nobody'"),
        (("--engine", "embedded", "--workflow", "nobody"), 1, "not_found: no workflow 'nobody'"),
        (("--engine", "embedded", "--all", "--dialect", "klingon"), 1, "invalid: unknown SQL dialect 'klingon'"),
        (("--engine", "embedded"), 2, "Usage"),
        (("--engine", "embedded", "--all", "--workflow", "x"), 2, "Usage"),
    ],
)
def test_what_cannot_be_adopted_is_said(wfgov: Cli, arguments: tuple[str, ...], code: int, told: str) -> None:
    result = wfgov.run("adopt", *arguments)
    assert (result.exit_code, result.stderr.startswith(told)) == (code, True), result.stderr
