"""Integer versions as spec C has them, through the three functions that write them."""

import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest
import sqlalchemy as sa

from wfgov_dagster.domain import snapshot
from wfgov_dagster.domain.definition import CrossEdge, Definition, Parameter, Schedule, Settings, Task, make
from wfgov_dagster.domain.diff import diff
from wfgov_dagster.domain.version import NEW, Draft
from wfgov_dagster.errors import Conflict, InvalidInput, NotFound
from wfgov_dagster.store.db import Database
from wfgov_dagster.store.store import SqlStore, SqlWork
from wfgov_dagster.usecases.new_versions import drafts_of, save_drafts
from wfgov_dagster.usecases.save import (
    Known,
    Relations,
    save_task_definitions,
    save_task_relations,
    save_workflow_definition,
)

A, B, C = Task("a", "A", text="select 1"), Task("b", "B", text="select 2"), Task("c", "C", text="select '三'")
SETTINGS = Settings("w", "W", schedule=Schedule("0 1 * * *", "UTC"), parameters=(Parameter("p", "1"),))
TABLES = ("canonical_document", "task_definition", "task_definition_log", "data_workflow", "workflow_version",
          "workflow_edge", "workflow_edge_log", "workflow_task_log", "workflow_task_relation")  # fmt: skip
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

    def save(
        self, definition: Definition, actor: str = "anna", *, sync: bool = True, based_on: int | None = None
    ) -> tuple[int, Mapping[str, int]]:
        """(workflow version, task versions) after all three functions, in one transaction."""
        with self.store.write() as work:
            return saved(work, definition, actor, sync=sync, based_on=based_on)

    def all(self, query: str) -> list[tuple[object, ...]]:
        with self.database.read() as conn:
            return [tuple(row) for row in conn.execute(sa.text(query))]

    def everything(self) -> list[list[tuple[object, ...]]]:
        return [self.all(f"SELECT * FROM {table} ORDER BY 1, 2") for table in TABLES]

    def edges_of(self, number: int) -> list[tuple[object, ...]]:
        """As spec C's relation log has them."""
        return self.all(
            "SELECT pre_task_code, pre_task_version, post_task_code, post_task_version FROM workflow_edge_version "
            f"WHERE workflow_code = 'w' AND workflow_version = {number} ORDER BY pre_task_code, post_task_code"
        )

    def state(self) -> tuple[object, ...]:
        (found,) = self.all("SELECT status, publish_status FROM data_workflow")
        return found


def saved(
    work: SqlWork, definition: Definition, actor: str, *, sync: bool = True, based_on: int | None = None
) -> tuple[int, Mapping[str, int]]:
    (workflow,) = work.workflows.all()["workflow"].to_list()
    before = work.versions.latest_definitions([workflow]).get(workflow)
    same = {} if before is None else before.same(definition)
    versions = save_task_definitions(work, actor, definition.tasks, Known(same=same), sync=sync)
    touched = diff(None if before is None else before.definition, definition).touched()
    draft = Draft(
        workflow, definition, snapshot.hashes(definition), "changed", "manual", (), touched, based_on=based_on
    )
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


# --- bases ---------------------------------------------------------------------------------------


def test_a_base_that_is_not_the_newest_is_a_conflict(kept: Kept) -> None:
    """Who changed V1 has not seen V2. The same content again is no conflict with itself: nothing is lost."""
    kept.save(FIRST)
    second = changed(FIRST, "a", text="select 9")
    assert kept.save(second, based_on=1)[0] == 2
    before = kept.everything()
    with pytest.raises(Conflict, match="it was made from V1, and V2 is the newest") as said:
        kept.save(changed(FIRST, "b", text="select 8"), based_on=1)
    assert (said.value.where, said.value.hint) == ("workflow w", "read the newest one, and change that")
    with pytest.raises(Conflict, match="V1") as said, kept.store.write() as work:
        save_task_definitions(work, "bob", [replace(B, text="select 7"), replace(A, text="x")], Known({"b": 1, "a": 1}))
    assert said.value.where == "task a"
    assert kept.everything() == before
    with kept.store.write() as work:
        assert save_task_definitions(work, "bob", [replace(A, text="x")], Known({"a": 2})) == {"a": 3}


@pytest.mark.parametrize(("code", "version"), [("a", 2), ("a", 0), ("a", -1), ("nobody", 1)])
def test_an_unknown_version_of_a_task_is_refused(kept: Kept, code: str, version: int) -> None:
    kept.save(FIRST)
    before = kept.everything()
    with pytest.raises(NotFound, match=f"there never was a version {version} of it"), kept.store.write() as work:
        save_task_definitions(work, "bob", [replace(A, code=code, text="x")], Known({code: version}))
    with pytest.raises(NotFound, match="there never was a version 2 of it"):
        kept.save(changed(FIRST, "b", text="x"), based_on=2)
    assert kept.everything() == before


def test_of_two_saves_at_once_one_gets_the_number(kept: Kept) -> None:
    """Whoever comes second is told by its base, or by the database where both had looked before either wrote."""
    kept.save(FIRST)
    both = Barrier(2)

    def edit(text: str) -> int | None:
        both.wait()
        try:
            return kept.save(changed(FIRST, "a", text=text), based_on=1)[0]
        except Conflict:
            return None

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(edit, ["select 8", "select 9"]), key=str) == [2, None]
    assert [row[0] for row in kept.all("SELECT version_no FROM workflow_version ORDER BY id")] == [1, 2]


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
    assert kept.all("SELECT operator FROM workflow_edge_log ORDER BY id")[-1] == ("bob",)
    for log, time in (("workflow_version", "created_at"), ("task_definition_log", "operated_at")):
        assert kept.all(f"SELECT count(*) FROM {log} WHERE {time} IS NULL") == [(0,)]


def test_saving_never_touches_the_platform_state(kept: Kept) -> None:
    with kept.database.write() as conn:
        conn.exec_driver_sql("UPDATE data_workflow SET status = 'online', publish_status = 'published'")
    kept.save(FIRST)
    assert kept.state() == ("online", "published")


# --- order ---------------------------------------------------------------------------------------


@pytest.fixture
def written(kept: Kept) -> Iterator[list[str]]:
    """Tables of the three functions in the order in which they are written; each once."""
    found: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_rest: object) -> None:
        table = re.match(r"\s*(?:INSERT INTO|UPDATE|DELETE FROM) (\w+)", statement)
        if table is not None and table[1] in TABLES and table[1] not in found:
            found.append(table[1])

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    yield found
    sa.event.remove(sa.Engine, "before_cursor_execute", note)


TASK_WRITES = ["canonical_document", "task_definition_log", "task_definition"]
WORKFLOW_WRITES = ["workflow_version", "data_workflow"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("edit", "wanted"),
    [
        (replace(FIRST, edges=(*FIRST.edges, ("a", "c"))), [*WORKFLOW_WRITES, "workflow_edge_log"]),
        (replace(FIRST, edges=FIRST.edges[:1]), [*WORKFLOW_WRITES, "workflow_edge_log"]),
        (replace(FIRST, tasks=(replace(A, text="x"), B, C)),
         [*TASK_WRITES, "workflow_version", "workflow_task_log", "data_workflow", "workflow_edge_log"]),
        (replace(FIRST, tasks=(A, B), edges=FIRST.edges[:1]),
         ["workflow_version", "workflow_task_log", "data_workflow", "workflow_edge_log"]),
        (replace(FIRST, settings=replace(SETTINGS, name="Other")), [*WORKFLOW_WRITES]),
    ],
    ids=["an edge more", "an edge less", "a task updated", "a task deleted", "the workflow alone"],
)  # fmt: skip
def test_tasks_come_first_then_the_workflow_then_its_relations(
    kept: Kept, written: list[str], edit: Definition, wanted: list[str]
) -> None:
    """In one transaction, on the way that orchestration takes. What is deleted of a task is its membership and its
    metadata, before this; its definition stays for the day it comes back."""
    kept.save(FIRST)
    written.clear()
    with kept.store.write() as work:
        (workflow,) = work.workflows.all()["workflow"].to_list()
        whole = snapshot.document(edit).decode()
        save_drafts(work, "anna", drafts_of(work, {workflow: whole}, {workflow: "manual"}))
    assert [table for table in written if table != "workflow_task_relation"] == [*wanted, "workflow_edge"]


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


def test_the_same_edges_as_before_replace_nothing(kept: Kept) -> None:
    """Their rows stay, with the number of the new version; so do those beside one that changed."""
    kept.save(FIRST)
    rows = kept.all("SELECT id, pre_task_code FROM workflow_edge ORDER BY id")
    kept.save(replace(FIRST, settings=replace(SETTINGS, name="Other")))
    assert kept.all("SELECT id, pre_task_code FROM workflow_edge ORDER BY id") == rows
    kept.save(changed(FIRST, "c", name="New"))
    assert kept.all("SELECT id, pre_task_code FROM workflow_edge WHERE workflow_version = 3 ORDER BY id")[0] == rows[0]
    assert len(kept.all("SELECT id FROM workflow_edge WHERE workflow_version = 3")) == 2


def test_the_edges_of_a_version_that_changed_none_are_there_for_it_too(kept: Kept) -> None:
    kept.save(FIRST)
    kept.save(replace(FIRST, settings=replace(SETTINGS, name="Other")))
    assert kept.edges_of(2) == kept.edges_of(1) == [("a", 1, "b", 1), ("b", 1, "c", 1)]
    assert kept.all("SELECT from_version, to_version FROM workflow_edge_log") == [(1, None), (1, None)]


def test_an_edge_of_another_workflow_is_left_alone(kept: Kept) -> None:
    kept.save(FIRST)
    with kept.store.write() as work:
        save_task_relations(work, "anna", [Relations("v", 1, [("a", "b")])], {"a": 1, "b": 1})
        save_task_relations(work, "anna", [Relations("v", 2, [])], {})
    assert kept.all("SELECT workflow_code FROM workflow_edge") == [("w",), ("w",)]
    assert kept.all("SELECT to_version FROM workflow_edge_log WHERE workflow_code = 'w'") == [(None,), (None,)]


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
