"""Integer versions as spec C has them, through the three functions that write them."""

from dataclasses import replace

import pytest

from tests.integration.version_support import FIRST, SETTINGS, A, C, Kept, changed
from wfgov_dagster.domain import snapshot
from wfgov_dagster.domain.definition import Definition, Parameter, Settings, Task, make
from wfgov_dagster.domain.version import NEW, Draft
from wfgov_dagster.errors import Conflict, InvalidInput, NotFound
from wfgov_dagster.store.db import Database
from wfgov_dagster.usecases.save import (
    Relations,
    save_task_definitions,
    save_task_relations,
    save_workflow_definition,
)


@pytest.fixture
def kept(database: Database) -> Kept:
    return Kept(database)


# --- numbers -------------------------------------------------------------------------------------


def test_versions_begin_at_one(kept: Kept) -> None:
    assert kept.save(FIRST) == (1, {"a": 1, "b": 1, "c": 1})


def test_a_change_of_the_workflow_alone_leaves_the_task_versions(kept: Kept) -> None:
    kept.save(FIRST)
    renamed = replace(FIRST, settings=replace(SETTINGS, name="Other"))
    assert kept.save(renamed) == (2, {"a": 1, "b": 1, "c": 1})
    assert kept.edges_of(2) == kept.edges_of(1) == [("a", 1, "b", 1), ("b", 1, "c", 1)]
    assert kept.all("SELECT DISTINCT workflow_version FROM workflow_edge") == [(2,)]
    assert len(kept.all("SELECT * FROM task_definition_log")) == 3


def test_a_changed_task_gets_the_next_version_and_its_edges_say_so(kept: Kept) -> None:
    kept.save(FIRST)
    assert kept.save(changed(FIRST, "b", name="New")) == (2, {"a": 1, "b": 2, "c": 1})
    assert kept.edges_of(1) == [("a", 1, "b", 1), ("b", 1, "c", 1)]
    assert kept.edges_of(2) == [("a", 1, "b", 2), ("b", 2, "c", 1)]


def test_content_that_comes_back_is_a_new_version(kept: Kept) -> None:
    """A → B → A is V3: history is never rewritten."""
    kept.save(FIRST)
    kept.save(changed(FIRST, "a", text="select 9"))
    assert kept.save(FIRST) == (3, {"a": 3, "b": 1, "c": 1})
    rows = kept.all("SELECT version, body_hash FROM task_definition_log WHERE task_code = 'a' ORDER BY version")
    assert [version for version, _ in rows] == [1, 2, 3]
    assert rows[0][1] == rows[2][1] != rows[1][1]


def test_equal_content_writes_nothing(kept: Kept) -> None:
    kept.save(FIRST)
    before = kept.everything()
    assert kept.save(FIRST, "bob") == (1, {"a": 1, "b": 1, "c": 1})
    assert kept.everything() == before


def test_a_body_is_kept_once_per_content(kept: Kept) -> None:
    """Whichever task and version it is of; here b's has another code in it, so it is another one."""
    for text in ("select 9", "select 1", "select 9", "select 1"):
        kept.save(changed(FIRST, "a", text=text))
    assert kept.all("SELECT count(*), count(DISTINCT body_hash) FROM task_definition_log") == [(6, 4)]
    assert kept.all("SELECT count(*) FROM canonical_document") == [(4,)]


def test_a_list_is_many_tasks_and_many_workflows(kept: Kept) -> None:
    """One that is equal among others that are not gets no version."""
    other = make(Settings("v", "V"), [Task("x", "X")], [])
    kept.save(FIRST)
    for name, numbers in (("V", {"v": 1, "w": 1}), ("Other", {"v": 2, "w": 1})):
        other = replace(other, settings=replace(other.settings, name=name))
        with kept.store.write() as work:
            ids = dict(work.workflows.all().select("code", "workflow").iter_rows())
            versions = save_task_definitions(work, "anna", [*other.tasks, *FIRST.tasks])
            assert versions == {"x": 1, "a": 1, "b": 1, "c": 1}
            drafts = [Draft(ids.get(one.code, NEW), one, snapshot.hashes(one), "", "api") for one in (other, FIRST)]
            assert save_workflow_definition(work, "anna", drafts, versions) == numbers
            save_task_relations(work, "anna", [Relations(one, numbers[one], ()) for one in "v"], versions)


def test_a_task_without_a_code_gets_one(kept: Kept) -> None:
    with kept.store.write() as work:
        assert save_task_definitions(work, "anna", [Task("", "One"), A, Task("", "Two")]) == {
            "task-1": 1, "a": 1, "task-2": 1,
        }  # fmt: skip
    with kept.database.write() as conn:
        conn.exec_driver_sql(
            "INSERT INTO data_task (id, task_code, task_name) VALUES (9, 'task-7', ''), (8, 'task-', '')"
        )
    with kept.store.write() as work:
        assert save_task_definitions(work, "anna", [Task("", "One")]) == {"task-8": 1}
    bodies = kept.all("SELECT body FROM canonical_document WHERE body LIKE '%\"task-_\"%'")
    assert len(bodies) == 3


def test_without_an_id_the_workflow_is_made_and_with_one_it_gets_its_next_version(kept: Kept) -> None:
    definition = make(Settings("v", "The V", "told"), [Task("x", "X")], [])
    row = "SELECT workflow_name, description, origin, status, created_by FROM data_workflow WHERE workflow_code = 'v'"

    def draft(identity: int, definition: Definition) -> Draft:
        return Draft(identity, definition, snapshot.hashes(definition), "", "api")

    with (
        pytest.raises(InvalidInput, match="cannot be kept only: there is no workflow yet"),
        kept.store.write() as work,
    ):
        save_workflow_definition(work, "anna", [draft(NEW, definition)], {"x": 1}, sync=False)
    assert kept.all(row) == []
    with kept.store.write() as work:
        assert save_workflow_definition(work, "anna", [draft(NEW, definition)], {"x": 1}) == {"v": 1}
        assert work.versions.waiting(["v"]) == []
    assert kept.all(row) == [("The V", "told", "manual", "draft", "anna")]
    with pytest.raises(Conflict), kept.store.write() as work:
        save_workflow_definition(work, "anna", [draft(NEW, definition)], {"x": 1})
    ((identity,),) = kept.all("SELECT id FROM data_workflow WHERE workflow_code = 'v'")
    with kept.store.write() as work:
        assert save_workflow_definition(
            work, "bob", [draft(int(str(identity)), replace(definition, tasks=()))], {}
        ) == {"v": 2}
    assert kept.all("SELECT updated_by FROM data_workflow WHERE workflow_code = 'v'") == [("bob",)]


# --- kept only -----------------------------------------------------------------------------------


def test_what_is_kept_only_is_kept_once(kept: Kept) -> None:
    kept.save(FIRST)
    other = changed(FIRST, "a", text="select 9")
    assert kept.save(other, sync=False) == kept.save(other, sync=False) == (2, {"a": 2, "b": 1, "c": 1})
    assert kept.save(FIRST, sync=False) == (3, {"a": 3, "b": 1, "c": 1})
    assert kept.save(FIRST) == (4, {"a": 1, "b": 1, "c": 1})  # the newest one is not current, so it is no copy


def test_without_sync_only_the_logs_learn_of_it(kept: Kept) -> None:
    kept.save(FIRST)
    ((current,),) = kept.all("SELECT current_version_id FROM data_workflow")
    other = replace(changed(FIRST, "a", text="select 9"), edges=(("a", "c"),))
    assert kept.save(other, sync=False) == (2, {"a": 2, "b": 1, "c": 1})
    assert kept.all("SELECT current_version_id FROM data_workflow") == [(current,)]
    assert kept.all("SELECT version FROM task_definition WHERE task_code = 'a'") == [(1,)]
    assert len(kept.all("SELECT * FROM workflow_edge WHERE workflow_version = 1")) == 2
    assert kept.edges_of(2) == [("a", 2, "c", 1)]
    assert kept.all("SELECT DISTINCT version_id FROM workflow_task_relation") == [(current,)]
    assert kept.save(changed(FIRST, "b", text="select 8"))[0] == 3
    assert kept.edges_of(3) == [("a", 1, "b", 2), ("b", 2, "c", 1)]


# --- rebuilt -------------------------------------------------------------------------------------


def test_every_version_is_rebuilt_byte_for_byte(kept: Kept) -> None:
    versions = [
        FIRST,
        changed(FIRST, "a", text="select 9", parameters=(Parameter("x", "y"),), flags=("f",)),
        replace(FIRST, settings=Settings("w", "名字", "描述", resources=("r",)), edges=(), cross_edges=()),
        FIRST,
        make(SETTINGS, [C], []),
    ]
    for definition in versions:
        kept.save(definition)
    with kept.store.read() as work:
        for number, definition in enumerate(versions, start=1):
            assert snapshot.document(work.versions.definition("w", number)) == snapshot.document(definition)
    hashes = kept.all("SELECT content_hash FROM workflow_version ORDER BY version_no")
    assert [one for (one,) in hashes] == [snapshot.hashes(one).content for one in versions]


def test_an_unknown_version_is_not_found(kept: Kept) -> None:
    kept.save(FIRST)
    with kept.store.read() as work:
        for code, number in (("w", 2), ("nobody", 1)):
            with pytest.raises(NotFound, match=f"no version V{number}"):
                work.versions.definition(code, number)


def test_a_version_number_is_given_once(kept: Kept) -> None:
    kept.save(FIRST)
    with pytest.raises(Conflict), kept.database.write() as conn:
        conn.exec_driver_sql(
            "INSERT INTO workflow_version (workflow_id, version_no, structure_snapshot, content_hash, functional_hash, "
            "change_summary, trigger_source, created_by) SELECT workflow_id, version_no, structure_snapshot, "
            "content_hash, functional_hash, change_summary, trigger_source, created_by FROM workflow_version"
        )


def test_an_error_after_the_first_function_undoes_it(kept: Kept) -> None:
    with pytest.raises(InvalidInput, match="edge a → unknown: task unknown is not of this save"):
        kept.save(replace(FIRST, edges=(("a", "unknown"),)))
    assert kept.all("SELECT * FROM task_definition_log") == kept.all("SELECT * FROM canonical_document") == []
