"""`wfgov clean-up`, `retention`, `tag` and `stats`: what they print, and how they end."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.integration.cli_support import Cli
from tests.integration.retention_support import Archive
from wfgov_dagster.store.db import Database


@pytest.fixture
def archive(sqlite_url: str) -> Iterator[Archive]:
    database = Database(sqlite_url)
    archive = Archive(database)
    archive.save_many(4)
    archive.age()
    yield archive
    database.dispose()


@pytest.fixture
def wfgov(archive: Archive, sqlite_url: str, tmp_path: Path) -> Cli:
    return Cli(sqlite_url, tmp_path / "home")


def test_a_dry_run_prints_the_exact_list_and_removes_nothing(wfgov: Cli, archive: Archive) -> None:
    wfgov.ok("retention", "set", "--keep-last", "1", "--keep-days", "0")
    wfgov.ok("tag", "set", "w", "V2", "release")
    lines = wfgov.ok("clean-up", "w", "--dry-run").splitlines()
    assert lines[:3] == ["would go", "w V1", "w V3"]
    assert "w         V2    tagged" in lines
    assert "w         V4    current, newest, one of the last 1" in lines
    assert lines[-1] == "0 workflows keep everything"
    found = wfgov.json("clean-up", "--all", "--dry-run")
    assert [one["removed"] for one in found["workflows"]] == [[1, 3]]
    assert found["rows"] > 2
    assert archive.there() == [1, 2, 3, 4]


def test_what_was_removed_is_told(wfgov: Cli, archive: Archive) -> None:
    wfgov.ok("retention", "set", "--keep-last", "1", "--keep-days", "0")
    planned = wfgov.json("clean-up", "--all", "--dry-run")
    done = wfgov.json("clean-up", "--all")
    assert (done["rows"], done["bytes"], done["state"]) == (planned["rows"], planned["bytes"], "Finished")
    assert archive.there() == [4]
    assert "all" in wfgov.ok("clean-up", "--all")
    assert wfgov.run("version", "show", "w", "1").exit_code == 1
    assert [one["version_no"] for one in wfgov.json("version", "list", "w")] == [4]
    flow = wfgov.json("flow", "show", str(done["flow_id"]))
    assert [one["node_name"] for one in flow["nodes"]] == ["versions", "edges", "tasks", "bodies", "engines"]


@pytest.mark.parametrize("arguments", [(), ("w", "--all")])
def test_which_workflow_has_to_be_said(wfgov: Cli, arguments: tuple[str, ...]) -> None:
    result = wfgov.run("clean-up", *arguments)
    assert (result.exit_code, "which workflow?" in result.stderr) == (2, True)


def test_an_unknown_workflow_is_refused(wfgov: Cli) -> None:
    for words in (("clean-up", "nobody"), ("retention", "show", "nobody"), ("tag", "set", "nobody", "1", "t")):
        result = wfgov.run(*words)
        assert (result.exit_code, "not_found: no workflow" in result.stderr) == (1, True), words


def test_rules_are_shown_set_and_taken_back(wfgov: Cli, archive: Archive) -> None:
    assert "keep last:       50" in wfgov.ok("retention", "show")
    wfgov.ok("retention", "set", "--keep-days", "30")
    shown = wfgov.json("retention", "set", "w", "--keep-last", "3", "--no-keep-published")
    assert shown["rule"] == {"keep_last": 3, "keep_days": 30, "keep_tagged": True, "keep_published": False}
    assert [one["workflow_code"] for one in shown["said"]] == ["", "w"]
    assert wfgov.json("retention", "unset", "w")["rule"]["keep_last"] == 50
    for words in (("unset", "w"), ("set",), ("set", "--keep-last", "0")):
        assert wfgov.run("retention", *words).exit_code == 1
    rows = [row for row in archive.rows("workflow_operation_log") if "retention" in row["action"]]
    assert [(row["action"].partition("_")[0], row["outcome"]) for row in rows] == [
        ("set", "done"), ("set", "done"), ("unset", "done"),
        ("unset", "refused"), ("set", "refused"), ("set", "refused")]  # fmt: skip


def test_a_tag_names_one_version_and_moves(wfgov: Cli) -> None:
    assert wfgov.ok("tag", "list", "w") == "no tag\n"
    wfgov.ok("tag", "set", "w", "1", "stable")
    assert [(one["tag"], one["version_no"]) for one in wfgov.json("tag", "set", "w", "3", "stable")] == [("stable", 3)]
    assert wfgov.json("tag", "remove", "w", "stable") == []
    for words in (("remove", "w", "stable"), ("set", "w", "9", "t"), ("set", "w", "1", " ")):
        assert wfgov.run("tag", *words).exit_code == 1


def test_stats_tell_rows_bytes_months_and_where_it_leads(wfgov: Cli, archive: Archive) -> None:
    archive.save(text="echo later")
    found = {one["what"]: one for one in yaml.safe_load(wfgov.ok("stats", "-o", "yaml"))}
    assert {what: one["rows"] for what, one in found.items()} == {
        "versions": 5, "tasks": 6, "edges": 4, "members": 6, "bodies": 6, "all": 27}  # fmt: skip
    versions = found["versions"]
    assert sum(one["bytes"] for one in versions["months"]) == versions["bytes"]
    assert len(versions["months"]) > 12
    assert versions["in_12"] > versions["in_3"] > versions["bytes"]
    assert found["all"]["bytes"] == sum(one["bytes"] for what, one in found.items() if what != "all")
    lines = wfgov.ok("stats", "--months", "1").splitlines()
    assert lines[0].split()[:3] == ["what", "rows", "bytes"]
