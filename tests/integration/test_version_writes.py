"""In which order the three functions write, and what becomes of edges."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
import sqlalchemy as sa

from tests.integration.version_support import FIRST, SETTINGS, TABLES, A, B, C, Kept, changed
from wfgov_dagster.domain import snapshot
from wfgov_dagster.domain.definition import Definition
from wfgov_dagster.store.db import Database
from wfgov_dagster.usecases.new_versions import drafts_of, save_drafts
from wfgov_dagster.usecases.save import (
    Relations,
    save_task_relations,
)


@pytest.fixture
def kept(database: Database) -> Kept:
    return Kept(database)


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
