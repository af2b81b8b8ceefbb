"""`wfgov edge …`: what people say about dependencies between two workflows, and what follows from it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.integration.cli_support import FINANCE, SALES, TASKS, Cli, write_estate
from wfgov_dagster.store.db import Database

CIRCLE_TASKS = (
    ("w1_a", "t.a", "sql", "t", "", "", "one", "", ""),
    ("w1_b", "t.b", "sql", "t", "", "", "one", "", ""),
    ("w2_a", "t.c", "sql", "t", "", "", "two", "", ""),
    ("w2_b", "t.d", "sql", "t", "", "", "two", "", ""),
)
# w1_a → w2_a → w2_b → w1_b, w1_b → w1_a: tasks in a circle over two workflows
CIRCLE = (("t.a", "t.c", "w2_a"), ("t.c", "t.d", "w2_b"), ("t.d", "t.b", "w1_b"), ("t.b", "t.a", "w1_a"))


@pytest.fixture
def empty(new_database: Callable[[], str], tmp_path: Path) -> Cli:
    return Cli(new_database(), tmp_path / "home")


@pytest.fixture
def wfgov(derived_on_both: Cli) -> Cli:
    return derived_on_both


def audit(wfgov: Cli) -> list[tuple[str, str, str]]:
    database = Database(wfgov.url)
    query = "SELECT actor, object_code, outcome FROM workflow_operation_log WHERE action = 'decide_edge' ORDER BY id"
    with database.read() as conn:
        found = [tuple(row) for row in conn.execute(sa.text(query))]
    database.dispose()
    return found


def test_an_edge_is_a_warning_until_somebody_decides(wfgov: Cli) -> None:
    (edge,) = wfgov.json("edge", "list")
    assert (edge["upstream_task_code"], edge["task_code"], edge["state"]) == ("clean_orders", "report", "unconfirmed")
    assert wfgov.json("edge", "list", FINANCE, "--state", "confirmed") == []
    preview = wfgov.json("publish", FINANCE, "--operation", "deploy", "--dry-run")
    assert preview["waits"] == []
    told = f"report reads what {SALES}/clean_orders writes and will not wait for it: "
    assert preview["warnings"] == [f"{told}wfgov edge confirm report clean_orders, or reject"]
    assert wfgov.json("publish", SALES, "--operation", "deploy", "--dry-run")["warnings"] == []
    planned = wfgov.run("plan", "--all-changed", "--operation", "deploy", "-o", "json")
    members = {one["workflow_code"]: one["warnings"] for wave in json.loads(planned.stdout)["waves"] for one in wave}
    assert members[FINANCE] == preview["warnings"]
    assert "    warning: report reads what" in wfgov.run("plan", "--all-changed", "--operation", "deploy").stdout


def test_confirming_makes_a_version_of_the_readers_workflow_and_rejecting_takes_it_back(wfgov: Cli) -> None:
    said = wfgov.json("edge", "confirm", "report", "clean_orders", "--reason", "it reads it")
    assert (said["before"], said["edge"]["state"], said["edge"]["decided_by"]) == ("unconfirmed", "confirmed", "tester")
    (made,) = said["versions"]
    assert (made["workflow_code"], made["version_no"]) == (FINANCE, 2)
    assert made["change_summary"] == f"+waits report for {SALES}/clean_orders"
    shown = wfgov.json("version", "show", FINANCE, "2")
    assert (shown["created_by"], shown["trigger_source"]) == ("tester", "manual")
    preview = wfgov.json("publish", FINANCE, "--operation", "deploy", "--dry-run")
    assert preview["warnings"] == []
    assert preview["waits"] == [
        f"report waits for {SALES}/clean_orders: day/today (the reader has no schedule: a run of the same day)"
    ]
    assert wfgov.json("edge", "confirm", "report", "clean_orders", "--reason", "again")["versions"] == []
    assert wfgov.json("orchestrate", "--full")["versions"] == []
    said = wfgov.json("edge", "reject", "report", "clean_orders", "--reason", "it need not")
    assert [(one["version_no"], one["change_summary"]) for one in said["versions"]] == [
        (3, f"-waits report for {SALES}/clean_orders")
    ]
    assert wfgov.json("version", "list", SALES)[-1]["version_no"] == 1
    assert audit(wfgov) == [("tester", "report", "done")] * 2


def test_while_the_reader_is_pinned_the_candidate_is_named(wfgov: Cli) -> None:
    wfgov.ok("pin", FINANCE, "--reason", "month end")
    said = wfgov.json("edge", "confirm", "report", "clean_orders", "--reason", "it reads it")
    told = f"+waits report for {SALES}/clean_orders"
    assert (said["versions"], said["broken"]) == ([], None)
    assert (said["candidate"]["workflow_code"], said["candidate"]["change_summary"]) == (FINANCE, told)
    assert [one["content_hash"] for one in wfgov.json("candidate", "list")] == [said["candidate"]["content_hash"]]
    again = wfgov.json("edge", "confirm", "report", "clean_orders", "--reason", "again")
    assert (again["versions"], again["candidate"]) == ([], None), "nothing came of it"
    rejected = wfgov.ok("edge", "reject", "report", "clean_orders", "--reason", "it need not")
    assert ("new version:" in rejected, wfgov.json("candidate", "list")) == (True, [])


def test_the_window_follows_from_both_crons_and_is_content(wfgov: Cli, tmp_path: Path) -> None:
    rows = [list(row) for row in TASKS]
    rows[2][7] = "30 0 * * *"
    for row in rows[:2]:
        row[7] = "30 23 * * *"
    wfgov.ok("import", "csv", write_estate(tmp_path / "estate", rows), "--source", "estate")
    wfgov.ok("orchestrate")
    (made,) = wfgov.json("edge", "confirm", "report", "clean_orders", "--reason", "night")["versions"]
    assert made["change_summary"] == f"+waits report for {SALES}/clean_orders (day/last1Days)"
    (told,) = wfgov.json("publish", FINANCE, "--operation", "deploy", "--dry-run")["waits"]
    assert told.startswith(f"report waits for {SALES}/clean_orders: day/last1Days (the writer's nearest fire is on the")
    for row in rows[:2]:
        row[7] = "0 0 * * *"
    wfgov.ok("import", "csv", write_estate(tmp_path / "estate", rows), "--source", "estate")
    made = {one["workflow_code"]: one["change_summary"] for one in wfgov.json("orchestrate")["versions"]}
    assert made[FINANCE] == (
        f"+waits report for {SALES}/clean_orders; -waits report for {SALES}/clean_orders (day/last1Days)"
    )
    assert wfgov.json("orchestrate", "--full")["versions"] == []


def test_an_edge_that_closes_a_circle_of_tasks_is_refused_with_the_circle(empty: Cli, tmp_path: Path) -> None:
    empty.ok("import", "csv", write_estate(tmp_path / "estate", CIRCLE_TASKS, CIRCLE), "--source", "estate")
    empty.ok("orchestrate")
    empty.ok("edge", "confirm", "w2_a", "w1_a", "--reason", "one way")
    result = empty.run("edge", "confirm", "w1_b", "w2_b", "--reason", "and back")
    assert result.exit_code == 1
    assert result.stderr.startswith(
        "cycle: the tasks would wait for each other in a circle: w2_b → w1_b → w1_a → w2_a → w2_b"
    )
    assert [one["state"] for one in empty.json("edge", "list")] == ["confirmed", "unconfirmed"]
    assert audit(empty)[-1] == ("tester", "w1_b", "refused")
    empty.ok("edge", "reject", "w2_a", "w1_a", "--reason", "the other way is right")
    empty.ok("edge", "confirm", "w1_b", "w2_b", "--reason", "now it may")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("confirm", "report", "load_orders", "--reason", "x"), "not_found: no dependency between two workflows"),
        (("reject", "report", "nobody", "--reason", "x"), "not_found: no dependency between two workflows"),
        (("confirm", "report", "clean_orders", "--reason", " "), "invalid: why?"),
        (("list", "nobody"), "not_found: no workflow 'nobody'"),
    ],
)
def test_what_cannot_be_decided_is_said(wfgov: Cli, arguments: tuple[str, ...], told: str) -> None:
    result = wfgov.run("edge", *arguments)
    assert (result.exit_code, result.stderr.startswith(told)) == (1, True), result.stderr
    assert wfgov.json("edge", "list")[0]["state"] == "unconfirmed"


def test_people_read_it_in_lines(wfgov: Cli) -> None:
    said = wfgov.ok("edge", "confirm", "report", "clean_orders", "--reason", "it reads it")
    assert "state:        confirmed (was unconfirmed)\n" in said
    assert f"new version:  V2: +waits report for {SALES}/clean_orders\n" in said
    assert "it reads it" in wfgov.ok("edge", "list")
