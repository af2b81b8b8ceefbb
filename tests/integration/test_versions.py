"""Integer versions as spec C has them, through the three functions that write them."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
import sqlalchemy as sa

from wfgov_dagster.domain import snapshot
from wfgov_dagster.domain.definition import CrossEdge, Definition, Parameter, Schedule, Settings, Task, make
from wfgov_dagster.domain.diff import diff
from wfgov_dagster.domain.version import Draft
from wfgov_dagster.errors import Conflict, NotFound
from wfgov_dagster.store.db import Database
from wfgov_dagster.store.store import SqlStore, SqlWork
from wfgov_dagster.usecases.new_versions import drafts_of, save_drafts
from wfgov_dagster.usecases.save import (
    Relations,
    save_task_definitions,
    save_task_relations,
    save_workflow_definition,
)

A, B, C = Task("a", "A", text="select 1"), Task("b", "B", text="select 2"), Task("c", "C", text="select '三'")
SETTINGS = Settings("w", "W", schedule=Schedule("0 1 * * *", "UTC"), parameters=(Parameter("p", "1"),))
FIRST = make(SETTINGS, [A, B, C], [("a", "b"), ("b", "c")], [CrossEdge("up", "u", "a")])


class Kept:
    """What is kept of one workflow, w, whose members are a, b and c."""

    def __init__(self, database: Database) -> None:
        self.store = SqlStore(database)
        self.database = database
        with self.store.write() as work:
            row = {"workflow_name": "W", "origin": "manual", "created_by": "anna", "updated_by": "anna"}
            work.workflows.create([row | {"workflow_code": "w"}])
        with database.write() as conn:
            for at, code in enumerate("abc", start=1):
                conn.exec_driver_sql(f"INSERT INTO data_task (id, task_code, task_name) VALUES ({at}, '{code}', '')")
                conn.exec_driver_sql(
                    "INSERT INTO workflow_task_relation (workflow_id, task_id, workflow_inheritance_mode, placed_by) "
                    f"SELECT id, {at}, 'auto', 'system' FROM data_workflow"
                )

    def save(self, definition: Definition, actor: str = "anna", *, sync: bool = True) -> tuple[int, Mapping[str, int]]:
        """(workflow version, task versions) after all three functions, in one transaction."""
        with self.store.write() as work:
            return saved(work, definition, actor, sync=sync)

    def all(self, query: str) -> list[tuple[object, ...]]:
        with self.database.read() as conn:
            return [tuple(row) for row in conn.execute(sa.text(query))]

    def edges_of(self, number: int) -> list[tuple[object, ...]]:
        """As spec C's relation log has them."""
        return self.all(
            "SELECT pre_task_code, pre_task_version, post_task_code, post_task_version FROM workflow_edge_version "
            f"WHERE workflow_code = 'w' AND workflow_version = {number} ORDER BY pre_task_code, post_task_code"
        )

    def state(self) -> tuple[object, ...]:
        (found,) = self.all("SELECT status, publish_status FROM data_workflow")
        return found


def saved(work: SqlWork, definition: Definition, actor: str, *, sync: bool = True) -> tuple[int, Mapping[str, int]]:
    (workflow,) = work.workflows.all()["workflow"].to_list()
    before = work.versions.latest_definitions([workflow]).get(workflow)
    known = None if before is None else before.same(definition)
    versions = save_task_definitions(work, actor, definition.tasks, sync=sync, known=known)
    touched = diff(None if before is None else before.definition, definition).touched()
    draft = Draft(workflow, definition, snapshot.hashes(definition), "changed", "manual", (), touched)
    number = save_workflow_definition(work, actor, [draft], versions, sync=sync)["w"]
    save_task_relations(work, actor, [Relations("w", number, definition.edges)], versions, sync=sync)
    return number, versions


def drafted(kept: Kept, definition: Definition, whole: bytes | None = None) -> int:
    """The next version, as step 3 of an orchestration makes it of a current definition."""
    document = (snapshot.document(definition) if whole is None else whole).decode()
    with kept.store.write() as work:
        (workflow,) = work.workflows.all()["workflow"].to_list()
        (made,) = save_drafts(work, "anna", drafts_of(work, {workflow: document}, {workflow: "manual"}))
    return made.version_no


@pytest.fixture
def kept(database: Database) -> Kept:
    return Kept(database)


def changed(definition: Definition, code: str, **fields: object) -> Definition:
    tasks = tuple(replace(task, **fields) if task.code == code else task for task in definition.tasks)
    return replace(definition, tasks=tasks)


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


def test_saving_equal_tasks_twice_makes_nothing(kept: Kept) -> None:
    kept.save(FIRST)
    with kept.store.write() as work:
        assert save_task_definitions(work, "bob", FIRST.tasks) == {"a": 1, "b": 1, "c": 1}
    assert {row[0] for row in kept.all("SELECT operator FROM task_definition_log")} == {"anna"}


def test_one_changed_task_costs_one_hash(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the workflow's size: the other tasks are neither written nor hashed again."""
    many = make(SETTINGS, [Task(f"t{at:03}", "T", text=f"select {at}") for at in range(200)], [("t000", "t001")])
    assert drafted(kept, many) == 1
    written: list[str] = []
    hashed: list[bytes] = []
    body, digest = snapshot.task_body, snapshot.digest

    def write(task: Task) -> bytes:
        written.append(task.code)
        return body(task)

    def hash_(content: bytes) -> str:
        hashed.append(content)
        return digest(content)

    monkeypatch.setattr(snapshot, "task_body", write)
    monkeypatch.setattr(snapshot, "digest", hash_)
    for at, code in enumerate(("t007", "t007", "t123"), start=2):
        many = changed(many, code, text=f"select {code} {at}")
        whole = snapshot.document(many)
        del written[:], hashed[:]
        assert drafted(kept, many, whole) == at
        assert (written, len(hashed)) == ([code], 3)  # its own, and both of the whole


def test_a_task_that_was_saved_elsewhere_is_hashed_again(kept: Kept) -> None:
    """What the workflow's version has is not what the task runs now."""
    assert drafted(kept, FIRST) == 1
    with kept.store.write() as work:
        save_task_definitions(work, "bob", [replace(A, text="select 9")])
    assert drafted(kept, changed(FIRST, "b", text="select 9")) == 2
    assert kept.edges_of(2) == [("a", 3, "b", 2), ("b", 2, "c", 1)]
    with kept.store.read() as work:
        assert work.versions.definition("w", 2) == changed(FIRST, "b", text="select 9")


def test_a_task_without_workflow_has_versions_too(kept: Kept) -> None:
    with kept.store.write() as work:
        assert save_task_definitions(work, "anna", [Task("lonely", "")]) == {"lonely": 1}
        assert save_task_definitions(work, "anna", [Task("lonely", "", text="x")]) == {"lonely": 2}


def test_the_creator_is_carried_on_and_the_operator_is_who_did_it(kept: Kept) -> None:
    kept.save(FIRST, "anna")
    ((first,),) = kept.all("SELECT created_at FROM task_definition_log WHERE task_code = 'a'")
    kept.save(changed(FIRST, "a", name="New"), "bob")
    rows = kept.all(
        "SELECT version, created_by, operator, created_at FROM task_definition_log "
        "WHERE task_code = 'a' ORDER BY version"
    )
    assert rows == [(1, "anna", "anna", first), (2, "anna", "bob", first)]
    assert kept.all("SELECT version, created_by, created_at FROM task_definition WHERE task_code = 'a'") == [
        (2, "anna", first)
    ]
    assert kept.all("SELECT created_by FROM workflow_version ORDER BY id") == [("anna",), ("bob",)]


def test_saving_never_touches_the_platform_state(kept: Kept) -> None:
    with kept.database.write() as conn:
        conn.exec_driver_sql("UPDATE data_workflow SET status = 'online', publish_status = 'published'")
    kept.save(FIRST)
    assert kept.state() == ("online", "published")


# --- edges ---------------------------------------------------------------------------------------


def test_an_unbroken_run_of_versions_is_one_interval(kept: Kept) -> None:
    shapes = [(("a", "b"), ("b", "c")), (("a", "b"),), (("a", "b"), ("b", "c")), (), (("a", "b"),)]
    for at, edges in enumerate(shapes):
        kept.save(replace(FIRST, edges=edges, settings=replace(SETTINGS, name=f"N{at}")))
    for number, edges in enumerate(shapes, start=1):
        assert [(pre, post) for pre, _, post, _ in kept.edges_of(number)] == list(edges)
    assert kept.all(
        "SELECT pre_task_code, from_version, to_version FROM workflow_edge_log ORDER BY pre_task_code, from_version"
    ) == [("a", 1, 3), ("a", 5, None), ("b", 1, 1), ("b", 3, 3)]


def test_an_empty_list_means_that_there_are_no_edges(kept: Kept) -> None:
    kept.save(FIRST)
    kept.save(replace(FIRST, edges=()))
    assert kept.edges_of(2) == kept.all("SELECT * FROM workflow_edge") == []
    assert len(kept.edges_of(1)) == 2


def test_an_edge_of_another_workflow_is_left_alone(kept: Kept) -> None:
    kept.save(FIRST)
    with kept.store.write() as work:
        save_task_relations(work, "anna", [Relations("v", 1, [("a", "b")])], {"a": 1, "b": 1})
        save_task_relations(work, "anna", [Relations("v", 2, [])], {})
    assert kept.all("SELECT workflow_code FROM workflow_edge") == [("w",), ("w",)]
    assert kept.all("SELECT to_version FROM workflow_edge_log WHERE workflow_code = 'w'") == [(None,), (None,)]


# --- kept only -----------------------------------------------------------------------------------


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
    with pytest.raises(KeyError):
        kept.save(replace(FIRST, edges=(("a", "unknown"),)))
    assert kept.all("SELECT * FROM task_definition_log") == kept.all("SELECT * FROM canonical_document") == []
