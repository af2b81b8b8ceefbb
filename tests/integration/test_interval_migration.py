"""Versions that an older release wrote come over whole, and go back whole."""

import orjson
import sqlalchemy as sa

from tests.integration.retention_support import Archive
from wfgov_dagster.domain import snapshot
from wfgov_dagster.store import migrate
from wfgov_dagster.store.db import Database

BEFORE = "0011"  # structure_snapshot named every task and edge


def filled(database: Database) -> Archive:
    """Two workflows; of one, a version that was published was cleaned up."""
    archive = Archive(database)
    archive.save_many(2)
    archive.publish("deploy")
    archive.save_many(6)
    archive.publish("deploy")
    archive.save_many(3, "v")
    archive.age()
    archive.rule()
    archive.clean_up()
    archive.save_many(3)
    return archive


def all_rows(archive: Archive, table: str) -> list[tuple[object, ...]]:
    """Without their ids."""
    with archive.database.read() as conn:
        return sorted((tuple(row[1:]) for row in conn.execute(sa.text(f"SELECT * FROM {table}"))), key=str)


def older(archive: Archive) -> None:
    migrate.downgrade(archive.database.url.render_as_string(hide_password=False), BEFORE)


def newer(archive: Archive) -> None:
    migrate.upgrade(archive.database.url.render_as_string(hide_password=False))


def wrong_hashes(archive: Archive) -> list[int]:
    codes = {row["id"]: row["workflow_code"] for row in archive.rows("data_workflow")}
    kept = [row for row in archive.rows("workflow_version") if row["removed_at"] is None]
    assert len(kept) > 3
    return [
        row["id"]
        for row in kept
        if snapshot.hashes(archive.definition(row["version_no"], codes[row["workflow_id"]])).content
        != row["content_hash"]
    ]


def test_every_version_is_as_it_was(database: Database) -> None:
    archive = filled(database)
    before = [all_rows(archive, name) for name in ("workflow_version", "workflow_task_version", "workflow_edge_log")]
    older(archive)
    kept = [row for row in archive.rows("workflow_version") if row["removed_at"] is None]
    for row in kept:
        structure = orjson.loads(row["structure_snapshot"])
        assert structure["tasks"]
        assert all({*edge} <= {code for code, _ in structure["tasks"]} for edge in structure["edges"])
    newer(archive)
    assert [
        all_rows(archive, name) for name in ("workflow_version", "workflow_task_version", "workflow_edge_log")
    ] == before
    assert wrong_hashes(archive) == []
    archive.save_many(2)
    assert wrong_hashes(archive) == []


def test_an_edge_that_the_log_had_lost_is_there_again(database: Database) -> None:
    """A clean-up of an older release could take the edges of a version that was saved while it looked."""
    archive = filled(database)
    edges = archive.edges()
    older(archive)
    archive.execute("DELETE FROM workflow_edge_log WHERE workflow_code = 'w'")
    newer(archive)
    assert archive.edges() == edges
    assert wrong_hashes(archive) == []
    archive.save("w", "echo new")
    running = [row for row in archive.rows("workflow_edge_log") if row["workflow_code"] == "w"]
    assert sum(row["to_version"] is None for row in running) == 1
