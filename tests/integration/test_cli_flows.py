"""`wfgov flow …` on both databases: what it prints, and how it ends."""

import json
from pathlib import Path

import pytest

from tests.integration.cli_support import Cli
from wfgov_dagster.domain.flow import Biz
from wfgov_dagster.store.db import Database
from wfgov_dagster.store.store import SqlStore
from wfgov_dagster.usecases.flows import create, start

MISSING = "not_found: no publish record"


@pytest.fixture
def wfgov(database_url: str, tmp_path: Path) -> Cli:
    return Cli(database_url, tmp_path / "home")


ABOUT = {"publish": "publish_record", "change_set": "change_set"}  # flow name -> biz type


def a_flow(wfgov: Cli, biz_id: str = "4711", *, name: str = "publish", started: bool = False) -> str:
    """The flow of a publish record, or of what such flows are about, that is not there: its first flow node fails."""
    database = Database(wfgov.url)
    with SqlStore(database).write() as work:
        flow_id = create(work, "ann", Biz(biz_id, ABOUT[name]), name, {"note": "数据"})
        if started:
            start(work, "ann", flow_id)
    database.dispose()
    return str(flow_id)


def test_flows_are_listed_filtered_and_paged(wfgov: Cli) -> None:
    ids = [int(a_flow(wfgov, str(at), started=at == 0)) for at in range(3)]
    found = wfgov.json("flow", "list", "--size", "2")
    assert ([one["id"] for one in found["flows"]], found["total"]) == ([ids[2], ids[1]], 3)
    assert {"flow_name", "biz_id", "biz_type", "state", "next_due_at", "error_code"} <= set(found["flows"][0])
    assert [one["id"] for one in wfgov.json("flow", "list", "--state", "processing")["flows"]] == [ids[0]]
    assert [one["id"] for one in wfgov.json("flow", "list", "--biz-id", "1")["flows"]] == [ids[1]]
    assert wfgov.json("flow", "list", "--biz-type", "change_set")["total"] == 0
    table = wfgov.ok("flow", "list", "--page", "2", "--size", "2")
    assert table.splitlines()[-1] == "page 2: 1 of 3"
    assert "Processing" in table


def test_a_start_drives_it_and_a_failed_flow_is_a_failed_command(wfgov: Cli) -> None:
    flow_id = a_flow(wfgov)
    failed = wfgov.run("flow", "start", flow_id, "-o", "json")
    assert failed.exit_code == 1
    shown, error = json.loads(failed.stdout), failed.stderr
    assert (shown["state"], shown["context"], shown["error_code"]) == ("Error", {"note": "数据"}, "not_found")
    assert [(one["node_name"], one["state"]) for one in shown["nodes"]] == [("publish", "failed")]
    assert [(one["no"], one["action"], one["outcome"]) for one in shown["attempts"]] == [(1, "do", "failed")]
    assert f"flow {flow_id} publish: do publish, try 1: failed" in error
    problem = json.loads(error[error.index("{") :])
    assert (problem["code"], problem["where"]) == ("flow", f"flow {flow_id}")
    assert f"{MISSING} 4711" in problem["hint"]


def test_a_resume_tries_the_same_flow_node_again(wfgov: Cli) -> None:
    flow_id = a_flow(wfgov)
    wfgov.run("flow", "start", flow_id)
    assert wfgov.run("flow", "resume", flow_id).exit_code == 1
    shown = wfgov.json("flow", "show", flow_id)
    assert [one["no"] for one in shown["attempts"]] == [1, 2]


def test_a_stopped_flow_is_resumed_and_a_cancelled_one_keeps_its_reason(wfgov: Cli) -> None:
    flow_id = a_flow(wfgov, started=True)
    assert wfgov.json("flow", "stop", flow_id)["state"] == "Stopped"
    cancelled = wfgov.json("flow", "cancel", flow_id, "--reason", "不需要")
    assert (cancelled["state"], cancelled["cancel_reason"]) == ("Canceled", "不需要")
    table = wfgov.ok("flow", "show", flow_id)
    assert "不需要" in table


def test_the_flow_of_a_change_set_that_is_not_there_can_be_cancelled(wfgov: Cli) -> None:
    flow_id = a_flow(wfgov, name="change_set", started=True)
    assert wfgov.json("flow", "cancel", flow_id, "--reason", "不需要")["state"] == "Canceled"


@pytest.mark.parametrize("verb", ["show", "start", "stop", "resume"])
def test_an_unknown_flow_is_not_found(wfgov: Cli, verb: str) -> None:
    result = wfgov.run("flow", verb, "99")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "not_found: no flow 99 — flows — wfgov flow list\n"


def test_a_refusal_has_the_code_and_text_of_the_verb(wfgov: Cli) -> None:
    flow_id = a_flow(wfgov)
    result = wfgov.run("flow", "stop", flow_id, "-o", "json")
    problem = json.loads(result.stderr)
    assert (problem["code"], problem["detail"], problem["status"]) == (
        "WORKFLOW_STOP_FAILED", "workflow stop failed", 500,
    )  # fmt: skip
    assert problem["hint"] == "stop is not possible in state Initializing"


@pytest.mark.parametrize("arguments", [["show", "x"], ["show", "0"], ["cancel", "1"], ["list", "--state", "Sleeping"]])
def test_what_makes_no_sense_is_a_usage_error(wfgov: Cli, arguments: list[str]) -> None:
    assert wfgov.run("flow", *arguments).exit_code == 2
