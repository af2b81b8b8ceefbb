"""`wfgov record …` and what `wfgov publish` says of a publish that does not simply succeed."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.integration.cli_support import SALES, Cli
from wfgov_dagster.domain.definition import Definition, make
from wfgov_dagster.engines.embedded.engine import EmbeddedEngine
from wfgov_dagster.store.clock import db_now
from wfgov_dagster.store.db import Database
from wfgov_dagster.store.embedded import SqlEmbeddedStore
from wfgov_dagster.store.schema.publish import engine_breaker


@pytest.fixture
def wfgov(derived: Cli) -> Cli:
    return derived


def edit(wfgov: Cli) -> None:
    """Somebody removes an edge on the engine."""
    database = Database(wfgov.url)
    engine = EmbeddedEngine("embedded", SqlEmbeddedStore(database), Path())
    live = engine.observe(SALES)
    assert live is not None
    assert live.marker is not None
    edited: Definition = make(live.definition.settings, live.definition.tasks, [])
    engine.deploy(edited, live.marker)
    database.dispose()


def paused(wfgov: Cli) -> str:
    wfgov.ok("publish", SALES, "--operation", "deploy")
    edit(wfgov)
    result = wfgov.run("publish", SALES, "--operation", "deploy")
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1].startswith("foreign_edit: paused: its definition on the engine")
    (record,) = wfgov.json("record", "list", "--phase", "paused")["records"]
    return str(record["record_id"])


def test_a_publish_by_task_publishes_its_workflow_and_says_so(wfgov: Cli) -> None:
    result = wfgov.run("publish", "--task", "load_orders", "--operation", "deploy", "-o", "json")
    assert result.exit_code == 0
    assert f"task load_orders is in workflow {SALES}" in result.stderr
    assert wfgov.json("workflow", "show", SALES)["publish_status"] == "published"
    result = wfgov.run("publish", "--task", "nothing", "--operation", "deploy")
    assert (result.exit_code, "not_found: no workflow has it — task nothing" in result.stderr) == (1, True)
    assert wfgov.run("publish", SALES, "--task", "load_orders", "--operation", "deploy").exit_code == 2


def test_records_are_listed_the_newest_first_and_shown_with_their_timeline(wfgov: Cli) -> None:
    for operation in ("deploy", "online"):
        wfgov.ok("publish", SALES, "--operation", operation)
    listed = wfgov.json("record", "list", SALES)
    assert [one["operation"] for one in listed["records"]] == ["online", "deploy"]
    assert listed["total"] == 2
    assert wfgov.json("record", "list", "--status", "failed")["records"] == []
    shown = wfgov.json("record", "show", listed["records"][0]["record_id"])
    assert (shown["timeline"][0]["what"], shown["timeline"][0]["outcome"]) == ("bring_online", "ok")
    assert (shown["status"], shown["operator"], shown["flow_id"] is None) == ("success", "tester", False)
    assert "bring_online" in wfgov.ok("record", "show", listed["records"][0]["record_id"])
    assert wfgov.run("record", "show", "4711").stderr.startswith("not_found: no publish record 4711")


def test_a_paused_publish_tells_what_was_changed_and_is_decided(wfgov: Cli) -> None:
    record_id = paused(wfgov)
    shown = wfgov.json("record", "show", record_id)
    assert "-edge load_orders → clean_orders" in shown["waits_on"]["changes"]
    assert shown["error_code"] == "foreign_edit"
    assert "It waits on" in wfgov.ok("record", "show", record_id)
    decided = wfgov.json("record", "decide", record_id, "republish", "--reason", "by mistake")
    assert (decided["record_id"], decided["status"], decided["phase"]) == (int(record_id), "success", "confirmed")
    result = wfgov.run("record", "decide", record_id, "abort")
    assert (result.exit_code, result.stderr.startswith("illegal_state: it is confirmed, not paused")) == (1, True)


def test_an_edit_is_accepted_as_the_next_version(wfgov: Cli) -> None:
    record_id = paused(wfgov)
    ended = wfgov.json("record", "decide", record_id, "accept")
    assert (ended["phase"], "is V2 now" in ended["error"]) == ("aborted", True)
    assert "-edge load_orders → clean_orders" in str(wfgov.json("version", "list", SALES))
    assert wfgov.json("publish", SALES, "--operation", "deploy")["steps"] == 0


def test_a_dry_run_says_that_it_would_be_paused(wfgov: Cli) -> None:
    wfgov.ok("publish", SALES, "--operation", "deploy")
    edit(wfgov)
    assert "it would be paused" in wfgov.ok("publish", SALES, "--operation", "deploy", "--dry-run")


def test_who_does_not_wait_is_told_that_it_goes_on_by_itself(wfgov: Cli) -> None:
    wfgov.ok("publish", SALES, "--operation", "deploy")
    database = Database(wfgov.url)
    with database.write() as conn:
        conn.execute(sa.insert(engine_breaker).values(engine_id=1, failures=5, open_until=db_now(600)))
    result = wfgov.run("publish", SALES, "--operation", "online", "--no-wait")
    assert (result.exit_code, "goes on by itself" in result.stderr) == (0, True)
    (record,) = wfgov.json("record", "list", "--status", "pending")["records"]
    with database.write() as conn:
        conn.execute(sa.delete(engine_breaker))
    database.dispose()
    wfgov.ok("record", "sweep")
    refused = wfgov.run("record", "retry", record["record_id"])
    assert (refused.exit_code, "under way" in refused.stderr) == (1, True)
    assert wfgov.json("publish", SALES, "--operation", "online")["status"] == "success"
    assert wfgov.json("record", "show", record["record_id"])["phase"] == "superseded"


def test_a_failed_publish_names_record_snapshot_step_code_and_message(wfgov: Cli) -> None:
    wfgov.ok("publish", SALES, "--operation", "deploy")
    database = Database(wfgov.url)
    with database.write() as conn:
        conn.execute(sa.text("DELETE FROM embedded_workflow"))
    database.dispose()
    result = wfgov.run("publish", SALES, "--operation", "offline")
    last = result.stderr.splitlines()[-1]
    assert result.exit_code == 1
    assert last.startswith("not_found: failed: the engine does not hold it")
    assert "publish record 2" in last
    assert "wfgov record show 2; then: wfgov record retry 2" in last
