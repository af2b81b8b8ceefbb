"""`wfgov drift`: what it prints, and its exit codes."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.integration.cli_support import Cli
from tests.integration.drift_support import EmbeddedHands, a_task, a_workflow
from tests.integration.publish_support import Office
from wfgov_dagster.store.db import Database


@pytest.fixture
def office(sqlite_url: str) -> Iterator[Office]:
    database = Database(sqlite_url)
    office = Office(database)
    office.save(a_workflow("w", "echo 1\necho 2\n"))
    office.publish("deploy")
    office.publish("online")
    yield office
    database.dispose()


@pytest.fixture
def wfgov(office: Office, sqlite_url: str, tmp_path: Path) -> Cli:
    return Cli(sqlite_url, tmp_path / "home")


@pytest.fixture
def edited(office: Office) -> None:
    hands = EmbeddedHands(office.database)
    hands.content("w", a_task("extract", text="echo 1\necho theirs\n"))
    hands.release("w", online=False)


@pytest.mark.parametrize("which", ["w", "--all"])
def test_no_difference_is_exit_code_0(wfgov: Cli, which: str) -> None:
    assert wfgov.ok("drift", which) == "embedded: 1 workflows compared, 1 looked at whole, 0 differ\n"


def test_a_difference_is_exit_code_3_and_a_row_a_field(wfgov: Cli, edited: None) -> None:
    result = wfgov.run("drift", "w")
    assert (result.exit_code, result.stderr) == (3, "")
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["workflow", "engine", "class", "field", "confirmed", "current", "on", "the", "engine",
                                "since"]  # fmt: skip
    assert [line.split()[2] for line in lines[1:3]] == ["content_changed", "release_changed"]
    assert "-echo 2" in lines
    assert "+echo theirs" in lines
    assert "  undo it: wfgov publish w --engine embedded --operation online" in lines


def test_json_and_yaml_have_all_of_it(wfgov: Cli, edited: None) -> None:
    result = wfgov.run("drift", "--all", "-o", "json")
    told = json.loads(result.stdout)
    assert (result.exit_code, told["differs"], told["complete"]) == (3, True, True)
    content, release = told["findings"]
    assert (content["kind"], content["severity"], release["kind"]) == ("content_changed", "error", "release_changed")
    (text,) = content["differences"]
    assert (text["confirmed"], text["current"]) == ("echo 1\necho 2\n", "echo 1\necho 2\n")
    assert text["engine"] == "echo 1\necho theirs\n"
    assert content["since"].endswith("Z")
    again = yaml.safe_load(wfgov.run("drift", "--all", "-o", "yaml").stdout)
    assert again["findings"] == told["findings"]


def test_an_engine_that_cannot_be_seen_is_exit_code_1_with_what_is_known(
    wfgov: Cli, office: Office, edited: None
) -> None:
    with office.database.write() as conn:
        conn.exec_driver_sql("INSERT INTO engine (name, kind) VALUES ('far', 'dinky')")
    result = wfgov.run("drift", "--all")
    assert result.exit_code == 1
    assert "no adapter for dinky engines" in result.stderr
    assert "Not seen" in result.stdout
    assert "content_changed" in result.stdout
    assert wfgov.run("drift", "--all", "--engine", "embedded").exit_code == 3


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "which workflow?"),
        (["w", "--all"], 2, "which workflow?"),
        (["x"], 1, "not_found: no workflow 'x'"),
        (["w", "--engine", "x"], 1, "not_found: no engine 'x'"),
    ],
)
def test_what_cannot_be_asked(wfgov: Cli, arguments: list[str], code: int, said: str) -> None:
    result = wfgov.run("drift", *arguments)
    assert result.exit_code == code
    assert said in result.stderr
