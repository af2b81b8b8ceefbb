"""What a real server ran is kept: with its tasks and logs, one alert for what failed, and readable when it is down."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from tests.integration.dolphin_front import ENGINE, Front
from tests.support.dolphin import Dolphin
from tests.support.fault_proxy import fault_proxy
from wfgov_dagster.ports.metadata import ImportBatch, MembershipDeclaration, TaskRow
from wfgov_dagster.usecases.import_metadata import import_metadata

GOOD, BAD = "works", "fails"
TEXTS = {"good.first": "echo all is well", "bad.first": "echo before", "bad.second": "echo it breaks here; exit 3"}


@pytest.fixture
def wire() -> Iterator[ExitStack]:
    """Closed, nobody reaches the server any more."""
    with ExitStack() as wire:
        yield wire


@pytest.fixture
def server(dolphin_server: Dolphin, wire: ExitStack) -> Dolphin:
    base, _, path = dolphin_server.url.rpartition("/")
    proxy = wire.enter_context(fault_proxy(base))
    return replace(dolphin_server, url=f"{proxy.url}/{path}")


@pytest.fixture
def front(server: Dolphin, sqlite_url: str, tmp_path: Path) -> Iterator[Front]:
    front = Front(sqlite_url, tmp_path / "home", project=f"history {os.urandom(4).hex()}")
    front.add(server)
    batch = ImportBatch(
        tasks=[TaskRow(code, code, node_type="SHELL", text=text) for code, text in TEXTS.items()],
        memberships=[MembershipDeclaration(code, GOOD if code.startswith("good") else BAD) for code in TEXTS],
    )
    import_metadata(front.platform.store, "ann", "portal", batch)
    front.ok("orchestrate")
    for code in (GOOD, BAD):
        front.publish(code)
        front.publish(code, "online")
        front.ok("workflow", "online", code)
    yield front
    front.platform.close()


def test_what_ran_is_kept_with_tasks_and_logs_and_outlives_the_server(wire: ExitStack, front: Front) -> None:
    front.ok("instance", "sync")  # what failed before anybody looked is history, and no alert
    good = front.json("instance", "start", GOOD, "--wait", "120")
    failed = front.run("instance", "start", BAD, "--wait", "120")
    assert (good["state"], failed.exit_code) == ("success", 1)
    assert "it is failed" in failed.stderr
    for alerts in (1, 0):
        (report,) = front.json("instance", "sync")
        assert (report["read"], report["alerts"], report["error"]) == (2, alerts, None)
    kept = {one["workflow_code"]: one for one in front.json("instance", "list")}
    assert {code: one["state"] for code, one in kept.items()} == {GOOD: "success", BAD: "failed"}
    number = kept[BAD]["instance_id"]
    tasks = {one["task_code"]: one["state"] for one in front.json("instance", "show", number)["tasks"]}
    assert tasks == {"bad.first": "success", "bad.second": "failed"}
    assert "it breaks here" in front.ok("instance", "log", number, "bad.second", "--bytes", "4000")
    assert "all is well" in front.ok("instance", "log", kept[GOOD]["instance_id"], "good.first")
    assert len(front.ok("instance", "log", number, "bad.second", "--bytes", "40").encode()) <= 41
    told = [one for one in front.json("alert", "list") if one["workflow_code"] == BAD]
    assert len(told) == 1, told
    wire.close()
    unread = front.run("instance", "sync")
    assert (unread.exit_code, "engine_unreachable" in unread.stderr) == (1, True)
    listed = front.run("instance", "list", "--engine", ENGINE)
    assert listed.exit_code == 0
    assert "0 minutes old" in listed.output or "1 minute old" in listed.output
    assert "tried at" in listed.output
    assert GOOD in listed.stdout
    assert BAD in listed.stdout
    shown = front.json("instance", "show", number)
    assert {one["task_code"]: one["state"] for one in shown["tasks"]} == tasks
    assert front.run("drift", "--all").exit_code == 1
    assert len([one for one in front.json("alert", "list") if one["workflow_code"] == BAD]) == 1
