"""`wfgov instance fires` on both databases: when a schedule fired, what it left out, and the instance it made."""

from pathlib import Path

import pytest

from tests.integration.cli_support import Cli
from tests.integration.fire_support import Belfry, utc
from wfgov_dagster.domain.definition import Schedule
from wfgov_dagster.errors import InvalidInput
from wfgov_dagster.store.db import Database
from wfgov_dagster.store.store import SqlStore
from wfgov_dagster.usecases.show_fires import list_fires

HOURLY = Schedule("0 * * * *", "UTC")


def test_fires_are_listed_with_what_was_missed_and_the_instance(database_url: str, tmp_path: Path) -> None:
    belfry, wfgov = Belfry(database_url), Cli(database_url, tmp_path)
    assert wfgov.json("instance", "fires") == {"fires": [], "page": 1, "size": 20, "total": 0}
    for code in ("w", "数据"):
        belfry.schedule(HOURLY, "2026-05-01 10:30", code)
    for now in ("2026-05-01 11:00", "2026-05-01 15:10"):  # 12, 13 and 14 were missed
        belfry.tick(now)
    newest = belfry.instances()[0]
    belfry.engine.stop(newest.instance_id)

    found = wfgov.json("instance", "fires", "w")
    assert [(one["scheduled_at"], one["skipped"], one["state"]) for one in found["fires"]] == [
        ("2026-05-01T15:00:00Z", 3, "stopped"), ("2026-05-01T11:00:00Z", 0, "submitted"),
    ]  # fmt: skip
    assert [str(one["instance_id"]) for one in found["fires"]] == [one.instance_id for one in belfry.instances()]
    assert found["total"] == 2
    page = wfgov.json("instance", "fires", "--size", "3", "--page", "2")
    assert ([one["workflow_code"] for one in page["fires"]], page["total"]) == (["w"], 4)
    head, *lines = wfgov.ok("instance", "fires", "数据").splitlines()
    assert head.split() == ["workflow_code", "scheduled_at", "fired_at", "skipped", "instance_id", "state"]
    assert lines[0].startswith("数据           2026-05-01 15:00:00Z")
    assert lines[-1] == "page 1: 2 of 2"
    with pytest.raises(InvalidInput):
        list_fires(belfry.store, ("embedded", None), 1, 1001)
    assert belfry.fires()[0] == (utc("2026-05-01 11:00"), 0)
    belfry.database.dispose()


def test_an_engine_over_a_network_keeps_its_fires_itself(database: Database, database_url: str, tmp_path: Path) -> None:
    with SqlStore(database).write() as work:
        work.publishing.add_engine("ds", "dolphin")
    refused = Cli(database_url, tmp_path).run("instance", "fires", "--engine", "ds")
    told = "invalid: it fires its schedules itself, and keeps what fired — engine ds — "
    assert (refused.exit_code, refused.stderr) == (1, f"{told}wfgov instance list --engine ds: what they started\n")
