"""What a save is made from: bases, what is known to be the same, who did it."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest

from tests.integration.version_support import FIRST, SETTINGS, A, B, Kept, changed, drafted
from wfgov_dagster.domain import snapshot
from wfgov_dagster.domain.definition import Task, make
from wfgov_dagster.errors import Conflict, NotFound
from wfgov_dagster.store.db import Database
from wfgov_dagster.usecases.save import (
    Known,
    save_task_definitions,
)


@pytest.fixture
def kept(database: Database) -> Kept:
    return Kept(database)


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
