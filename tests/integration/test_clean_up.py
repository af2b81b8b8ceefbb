"""A clean-up takes what no rule keeps and nothing protects, and leaves every other version as it was."""

import gc
from dataclasses import replace

import pytest

from tests.integration.publish_support import a_definition
from tests.integration.retention_support import ALL, NOTHING, Archive, garbage, wrongs
from wfgov_dagster.domain.flow import FlowState
from wfgov_dagster.domain.retention import RuleChange
from wfgov_dagster.errors import Conflict, NotFound
from wfgov_dagster.ports.version_history import VersionFilter
from wfgov_dagster.store import protecting
from wfgov_dagster.store.db import Database
from wfgov_dagster.usecases.clean_up import request
from wfgov_dagster.usecases.clean_up_flow import _spare_the_collector
from wfgov_dagster.usecases.flow_changes import cancel, resume, stop
from wfgov_dagster.usecases.plan_clean_up import Scope, dead_edges, dead_members, each_workflow
from wfgov_dagster.usecases.retention_rules import tag_version, untag_version
from wfgov_dagster.usecases.save import save_task_definitions
from wfgov_dagster.usecases.show_versions import list_versions
from wfgov_dagster.usecases.version_history import page_versions


@pytest.fixture
def archive(database: Database) -> Archive:
    return Archive(database)


def kept(archive: Archive, number: int, code: str = "w") -> list[str]:
    """Why, as the dry run says."""
    (mine,) = [one for one in archive.plan().workflows if one.workflow_code == code]
    return list(next((one.reasons for one in mine.kept if one.version_no == number), ()))


# --- what goes and what stays --------------------------------------------------------------------


def test_the_defaults_touch_nothing_that_is_young_or_among_the_last(archive: Archive) -> None:
    archive.save_many(5)
    assert archive.plan().rows == 0
    archive.age()
    assert archive.plan().rows == 0
    found = archive.clean_up()
    assert (found.rows, archive.there()) == (0, [1, 2, 3, 4, 5])


def test_what_the_process_held_before_is_not_searched_for_cycles_while_a_lock_is_held(archive: Archive) -> None:
    """A search through all of it takes longer than a lock may be held."""
    _spare_the_collector.cache_clear()
    gc.unfreeze()
    held = len(gc.get_objects())
    archive.clean_up()
    assert len(gc.get_objects()) < held / 2


def test_what_the_dry_run_says_is_what_goes(archive: Archive) -> None:
    archive.save_many(9)
    archive.save_many(4, "v")
    archive.age()
    archive.rule(RuleChange(keep_last=3, keep_days=0))
    archive.rule(RuleChange(keep_last=1), "v")
    before, edges = archive.plan(), archive.edges()
    found = archive.clean_up()
    assert (found.rows, found.bytes) == (before.rows, before.bytes)
    assert {one.workflow_code: list(one.removed) for one in before.workflows} == {
        "v": [1, 2, 3],
        "w": [1, 2, 3, 4, 5, 6],
    }
    assert (archive.there("w"), archive.there("v")) == ([7, 8, 9], [4])
    assert {(one.workflow_code, one.what): one.rows for one in found.removed}["w", "versions"] == 6
    assert (wrongs(archive, edges.elements()), garbage(archive)) == ([], [])
    again = archive.plan()
    assert (again.rows, again.untouched) == (0, 2)


def test_young_versions_stay_until_they_are_old(archive: Archive) -> None:
    archive.save_many(3)
    archive.age(10)
    archive.rule(RuleChange(keep_last=1, keep_days=11))
    assert archive.plan().rows == 0
    archive.rule(RuleChange(keep_days=9))
    archive.clean_up()
    assert archive.there() == [3]


def test_each_reason_keeps_its_version(archive: Archive) -> None:
    archive.rule(RuleChange(keep_last=1, keep_days=0, keep_published=False))
    archive.save_many(8)
    archive.age()
    tag_version(archive.store, "ann", "w", 2, "release")
    archive.execute("UPDATE workflow_version SET rollback_of = 3 WHERE version_no = 8")
    assert kept(archive, 2) == ["tagged"]
    assert kept(archive, 3) == ["rollback target"]
    assert kept(archive, 8) == ["current", "newest", "one of the last 1"]
    archive.clean_up()
    assert archive.there() == [2, 3, 8]
    untag_version(archive.store, "ann", "w", "release")
    archive.clean_up()
    assert archive.there() == [3, 8]


def test_what_is_or_was_on_an_engine_stays(archive: Archive) -> None:
    archive.save()
    archive.publish("deploy")  # V1, replaced
    archive.save(text="echo 2")
    archive.publish("deploy")  # V2, confirmed
    archive.save_many(3)
    archive.age()
    archive.rule(RuleChange(keep_last=1, keep_days=0))
    assert kept(archive, 1) == ["published"]
    assert set(kept(archive, 2)) > {"last published", "deployed on an engine", "published"}
    archive.clean_up()
    assert archive.there() == [1, 2, 5]
    archive.rule(RuleChange(keep_published=False))
    archive.clean_up()
    assert archive.there() == [2, 5]


def test_an_open_publish_keeps_its_version(archive: Archive) -> None:
    archive.rule()
    archive.save()
    record_id = archive.office.ask("deploy")
    archive.save_many(2)
    archive.age()
    assert "in an open publish" in kept(archive, 1)
    archive.clean_up()
    assert archive.there() == [1, 3]
    assert archive.office.drive(record_id).phase == "superseded"


def test_a_version_that_goes_does_not_hold_the_one_that_it_brought_back(archive: Archive) -> None:
    archive.rule()
    archive.save_many(6)
    archive.execute("UPDATE workflow_version SET rollback_of = 2 WHERE version_no = 4")
    archive.age()
    archive.clean_up()
    assert archive.there() == [6]


def test_another_feature_protects_by_a_query_of_its_own(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    archive.rule()
    archive.save_many(4)
    archive.age()
    v = protecting.workflow_version.c

    def second(workflow_id: int) -> object:
        return protecting.sa.select(v.id).where(v.workflow_id == workflow_id, v.version_no == 2)

    monkeypatch.setattr(protecting, "PROTECTING", (*protecting.PROTECTING, ("held by a canary", second)))
    assert kept(archive, 2) == ["held by a canary"]
    archive.clean_up()
    assert archive.there() == [2, 4]


# --- what names a version for ever ---------------------------------------------------------------


def test_records_and_audit_entries_stay_readable_when_their_version_goes(archive: Archive) -> None:
    archive.rule()
    archive.save()
    record_id = archive.publish("deploy")
    archive.save(text="echo 2")
    archive.publish("deploy")
    archive.save_many(2)
    archive.age()
    audit = len(archive.rows("workflow_operation_log"))
    archive.clean_up()
    assert archive.there() == [2, 4]
    with archive.store.read() as work:
        assert work.history.record(record_id).version_no == 1
        assert work.publishing.job(record_id).document is not None
    assert len(archive.rows("workflow_operation_log")) > audit
    with pytest.raises(NotFound, match="V1 was removed by a clean-up"):
        archive.definition(1)
    assert [row.version_no for row in list_versions(archive.store, "w")] == [2, 4]
    page = page_versions(archive.store, VersionFilter("w"))
    assert ([row.version_no for row in page.versions], page.total) == ([4, 2], 2)
    with archive.store.read() as work:
        history = work.version_history
        assert (history.previous("w", 2), history.has("w", 1), history.last_published("w")) == (None, False, 2)
        with pytest.raises(NotFound):
            history.outlines("w", 1, 2)
    with pytest.raises(Conflict, match="V1 was removed"):
        tag_version(archive.store, "ann", "w", 1, "late")


def test_numbers_of_versions_and_tasks_are_never_given_twice(archive: Archive) -> None:
    archive.rule()
    archive.save_many(7)
    archive.age()
    archive.clean_up()
    assert archive.save(text="echo new") == 8
    assert max(row["version"] for row in archive.rows("task_definition_log") if row["task_code"] == "w.extract") == 8


def test_the_creator_of_a_task_is_carried_on_without_its_first_version(archive: Archive) -> None:
    archive.rule()
    archive.save_many(3)
    archive.execute("UPDATE task_definition_log SET created_by = 'eve'")
    archive.age()
    archive.clean_up()
    archive.save(text="echo new")
    assert {row["created_by"] for row in archive.rows("task_definition_log")} == {"eve"}


def test_a_task_definition_that_was_current_a_moment_ago_stays(archive: Archive) -> None:
    """A save that read it before may be about to name it."""
    archive.rule()
    archive.save_many(3)
    archive.clean_up()
    assert archive.there() == [3]
    assert len([row for row in archive.rows("task_definition_log") if row["task_code"] == "w.extract"]) == 3
    archive.age()
    archive.clean_up()
    assert garbage(archive) == []


def test_task_definitions_without_a_workflow_go_too_but_for_the_newest(archive: Archive) -> None:
    for text in ("a", "b", "c"):
        with archive.store.write() as work:
            save_task_definitions(work, "ann", a_definition(text=text).tasks[:1])
    archive.age()
    found = archive.clean_up()
    assert {one.what: one.rows for one in found.removed} == {"tasks": 2, "bodies": 2}
    assert [row["version"] for row in archive.rows("task_definition_log")] == [3]


def test_a_task_that_moved_keeps_what_another_workflow_names(archive: Archive) -> None:
    archive.save_many(3, "w")
    shared = archive.definition(1).tasks
    archive.office.create("v")
    archive.office.save(replace(a_definition("v"), tasks=shared, edges=()))  # V1 of v names w's tasks in a new version
    archive.age()
    archive.rule(NOTHING, "w")
    archive.clean_up(Scope(["w"]))
    assert wrongs(archive) == []
    assert archive.there("v") == [1]


# --- who asks ------------------------------------------------------------------------------------


def test_what_versions_consist_of_that_are_saved_while_it_looks_stays(archive: Archive) -> None:
    """It reads which versions are kept, and then the intervals: of those that ended between, it knows no version."""
    archive.save_many(2)
    (found,) = each_workflow(archive.store, ALL)
    with archive.store.read() as work:
        kept_then = work.retention.numbers(found.id)
    archive.save_many(6)
    for dead in (dead_edges, dead_members):
        assert list(dead(archive.store, found, kept_then)) == []


def test_a_clean_up_of_one_workflow_leaves_the_others(archive: Archive) -> None:
    archive.rule()
    archive.save_many(3)
    archive.save_many(3, "v")
    archive.age()
    archive.clean_up(Scope(["v"]))
    assert (archive.there("w"), archive.there("v")) == ([1, 2, 3], [3])


def test_it_is_on_record_and_so_is_a_refusal(archive: Archive) -> None:
    archive.rule()
    archive.save_many(3)
    archive.age()
    with pytest.raises(NotFound, match="no workflow nobody"):
        request(archive.store, "ann", Scope(["nobody"]))
    flow_id = archive.begin()
    with pytest.raises(Conflict, match="under way"):
        archive.begin()
    archive.drive(flow_id)
    rows = [row for row in archive.rows("workflow_operation_log") if row["action"] == "clean_up"]
    told = [(row["actor"], row["object_type"], row["outcome"]) for row in rows]
    assert told == [("ann", "flow", "refused"), ("ann", "flow", "done"), ("ann", "flow", "refused"),
                    ("ann", "workflow", "done")]  # fmt: skip
    assert '"versions":[1,2]' in rows[-1]["detail"]


# --- stopped, cancelled --------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["stop", "cancel"])
def test_it_can_be_stopped_and_resumed_or_cancelled(database: Database, word: str) -> None:
    archive = Archive(database, turn_seconds=0.0)  # a transaction a call
    archive.rule()
    archive.save_many(12)
    archive.age()
    flow_id = archive.begin()

    def interrupt() -> None:
        archive.on_rest = lambda: None
        with archive.store.write() as work:
            if word == "stop":
                stop(work, "bob", flow_id)
            else:
                cancel(work, "bob", flow_id, "enough")

    archive.on_rest = interrupt
    found = archive.drive(flow_id)
    assert found.state is (FlowState.STOPPED if word == "stop" else FlowState.CANCELED)
    assert 0 < found.rows < 11 + 8 + 11 + 11
    assert wrongs(archive) == []
    if word == "stop":
        with archive.store.write() as work:
            resume(work, "bob", flow_id)
        assert archive.drive(flow_id).state is FlowState.FINISHED
    else:
        archive.clean_up()
    assert (archive.there(), wrongs(archive), garbage(archive)) == ([12], [], [])


def test_the_text_of_a_candidate_is_nobodys_orphan(archive: Archive) -> None:
    archive.execute("INSERT INTO canonical_document (hash, body) VALUES ('w1:waits', 'x')")
    archive.execute(
        "INSERT INTO workflow_candidate (workflow_id, content_hash, functional_hash, change_summary, trigger_source, "
        "created_by) VALUES (1, 'w1:waits', 'w1:f', '', 'manual', 'ann')"
    )
    with archive.store.write() as work:
        assert work.retention.remove_orphans(["w1:waits"]) == 0


# --- side by side with saves ---------------------------------------------------------------------


def test_a_text_that_a_save_is_about_to_name_is_not_taken(postgres_url: str) -> None:
    """SQLite has one writer; on PostgreSQL the save holds it."""
    database = Database(postgres_url)
    archive = Archive(database)
    archive.execute("INSERT INTO canonical_document (hash, body) VALUES ('w1:orphan', 'x')")
    with archive.store.write() as saving:
        saving.versions.keep({"w1:orphan": "x"})
        with archive.store.write() as cleaning:
            assert cleaning.retention.remove_orphans(["w1:orphan"]) == 0
    with archive.store.write() as cleaning:
        assert cleaning.retention.remove_orphans(["w1:orphan"]) == 1
    database.dispose()
