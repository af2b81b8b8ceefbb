"""Who only looks leaves nothing behind; and a deployment tells whether Dagster knows of it, on both databases."""

from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

from tests.integration.cli_support import SALES, Cli
from wfgov_dagster.settings import Settings
from wfgov_dagster.store.db import Database
from wfgov_dagster.store.schema.types import metadata
from wfgov_dagster.wiring import Platform


def everything(database: Database) -> dict[str, int]:
    with database.read() as conn:
        counts = [sa.select(sa.func.count()).select_from(table) for table in metadata.sorted_tables]
        return {
            table.name: conn.scalar(count) or 0 for table, count in zip(metadata.sorted_tables, counts, strict=True)
        }


def test_a_dry_run_writes_nothing_and_a_publish_waits_to_be_told(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    wfgov, plan = Cli(database_url, tmp_path / "home").derived(tmp_path / "estate"), tmp_path / "plan.json"
    members = tmp_path / "set.yaml"
    members.write_text(f"- {SALES}\n", encoding="utf-8")
    before = everything(database)

    shown = wfgov.json("publish", SALES, "--operation", "deploy", "--dry-run")
    assert [one["step"] for one in shown["steps"]] == ["deploy"]
    wfgov.ok("publish", "--change-set", members, "--operation", "deploy", "--dry-run")
    wfgov.ok("publish", "--all-changed", "--operation", "deploy", "--dry-run")
    wfgov.ok("plan", "--all-changed", "--operation", "deploy", "-o", plan)
    wfgov.ok("apply", plan, "--dry-run")
    assert wfgov.json("instance", "list") == []
    assert everything(database) == before
    assert before["engine"] == 0

    wfgov.ok("publish", SALES, "--operation", "deploy")
    with closing(Platform(Settings(database_url=database_url, home=tmp_path / "home"))) as platform:
        with platform.store.write() as work:
            (one,) = work.history.untold(10, -5.0)
            assert (one.engine, one.workflow_code, one.version_no, one.record_id) == ("embedded", SALES, 1, 1)
            assert work.history.untold(10, 60.0) == []
            work.history.told(one.engine, one.workflow_code, one.confirmed_at)
            assert work.history.untold(10, -5.0) == []
        wfgov.ok("publish", SALES, "--operation", "online")
        with platform.store.write() as work:
            (again,) = work.history.untold(10, -5.0)
            work.history.told(one.engine, one.workflow_code, one.confirmed_at)
            assert work.history.untold(10, -5.0) == [again], "it was confirmed again since"
