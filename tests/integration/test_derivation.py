"""Each step of the derivation alone, twice, interrupted, and with edits in between; and what its versions say."""

import pytest
import sqlalchemy as sa

from tests.integration.edited_estate import Estate
from wfgov_dagster.store.db import Database
from wfgov_dagster.store.derivation import SqlDerivation
from wfgov_dagster.store.store import SqlStore, SqlWork
from wfgov_dagster.usecases.define_workflows import define_workflows
from wfgov_dagster.usecases.derive_dependencies import derive_dependencies
from wfgov_dagster.usecases.orchestrate import Options, orchestrate
from wfgov_dagster.usecases.save_versions import save_versions

# --- alone, twice, interrupted -------------------------------------------------------------------


def test_each_step_alone_does_its_part_and_a_second_time_nothing(estate: Estate) -> None:
    estate.task(1, "w")
    estate.task(2, "w", reads=(1,))
    first = derive_dependencies(estate.store, "system")
    assert (first.mode, first.added, first.removed) == ("incremental", 1, 0)
    assert derive_dependencies(estate.store, "system").changes == 0
    assert define_workflows(estate.store, "system", "UTC").changed == ("w",)
    assert define_workflows(estate.store, "system", "UTC").changed == ()
    assert [(one.workflow_code, one.version_no) for one in save_versions(estate.store, "system")] == [("w", 1)]
    assert save_versions(estate.store, "system") == ()


def test_steps_out_of_order_lose_nothing(estate: Estate) -> None:
    estate.task(1, "w")
    assert save_versions(estate.store, "system") == ()
    assert define_workflows(estate.store, "system", "UTC").placed == 0
    derive_dependencies(estate.store, "system")
    estate.task(2, "w", reads=(1,))
    derive_dependencies(estate.store, "system")
    define_workflows(estate.store, "system", "UTC")
    assert [one.tasks for one in save_versions(estate.store, "system")] == [2]


@pytest.mark.parametrize("steps", [1, 2])
def test_an_error_between_steps_loses_nothing(estate: Estate, steps: int) -> None:
    """What a step finished waits for the next one, also under other edits."""
    estate.task(1, "w")
    for step in (derive_dependencies, lambda store, actor: define_workflows(store, actor, "UTC"))[:steps]:
        step(estate.store, "system")
    estate.task(2, "v", reads=(1,))
    assert [(one.workflow_code, one.tasks) for one in estate.orchestrate().versions] == [("v", 1), ("w", 1)]


@pytest.mark.parametrize("method", ["save_dependencies", "save_topology", "add_todo", "take_todo"])
def test_an_error_inside_a_step_undoes_all_of_it(estate: Estate, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    estate.task(1, "w")
    estate.task(2, "w", reads=(1,))
    before = estate.all("SELECT * FROM metadata_change ORDER BY seq")

    def broken(*_: object) -> None:
        raise OSError("the power is gone")

    with monkeypatch.context() as patch:
        patch.setattr(SqlDerivation, method, broken)
        with pytest.raises(OSError, match="the power is gone"):
            estate.orchestrate()
    if method != "take_todo":
        assert estate.all("SELECT * FROM metadata_change ORDER BY seq") == before
        assert estate.all("SELECT * FROM task_dependency_view") == []
    assert [(one.tasks, one.edges) for one in estate.orchestrate().versions] == [(2, 1)]


def test_very_many_changes_are_a_rebuild_with_the_same_result(estate: Estate) -> None:
    estate.task(1, "w")
    estate.task(2, "v", reads=(1,))
    report = estate.orchestrate(rebuild_above=3)
    assert report.dependencies.mode == "full"
    assert estate.homes() == {1: "w", 2: "v"}
    assert estate.orchestrate(full=True).versions == ()


# --- edits between the steps ---------------------------------------------------------------------


def test_a_task_deleted_between_the_steps_does_not_stop_them(estate: Estate) -> None:
    estate.task(1, "w")
    estate.task(2, "w", reads=(1,))
    estate.orchestrate()
    estate.run("UPDATE data_task SET task_name = 'new'")
    derive_dependencies(estate.store, "system")
    estate.run("DELETE FROM data_task WHERE id = 1")
    assert define_workflows(estate.store, "system", "UTC").changed == ("w",)
    assert [task["code"] for task in estate.content("w")["tasks"]] == ["t2"]
    assert estate.content("w")["edges"] == []
    estate.orchestrate()
    assert estate.orchestrate(full=True).versions == ()


def test_a_task_whose_upstream_went_between_the_steps_goes_to_the_automatic_workflow(estate: Estate) -> None:
    estate.task(1)
    estate.task(2, reads=(1,))
    estate.task(3, "z")
    derive_dependencies(estate.store, "system")
    estate.run("DELETE FROM data_task WHERE id = 1")
    define_workflows(estate.store, "system", "UTC")
    assert estate.homes() == {2: "auto._._", 3: "z"}


def test_a_task_that_came_between_the_steps_is_placed_when_its_upstream_is_known(estate: Estate) -> None:
    estate.task(1, "w")
    estate.task(2, "w", reads=(1,))
    estate.orchestrate()
    estate.task(3, reads=(2,))
    define_workflows(estate.store, "system", "UTC", full=True)
    assert 3 not in estate.homes()
    estate.orchestrate()
    assert estate.homes()[3] == "w"


def test_a_member_that_came_back_between_the_steps_comes_with_its_edges(estate: Estate) -> None:
    estate.task(1, "w")
    estate.task(2, "w", reads=(1,))
    estate.orchestrate()
    estate.run("UPDATE data_task SET deleted = 1 WHERE id = 1")
    estate.orchestrate()
    estate.run("UPDATE data_task SET deleted = 0 WHERE id = 1")
    define_workflows(estate.store, "system", "UTC", full=True)
    assert [task["code"] for task in estate.content("w")["tasks"]] == ["t2"]
    estate.orchestrate()
    assert estate.content("w")["edges"] == [["t1", "t2"]]


# --- what a version says -------------------------------------------------------------------------


def test_one_lineage_row_makes_versions_of_the_affected_workflows_alone(estate: Estate) -> None:
    estate.table(1, "orders", "ods")
    estate.task(1, "w")
    estate.task(2, "w")
    estate.task(3, "other")
    estate.orchestrate()
    estate.run("INSERT INTO data_lineage (task_id, upstream_table_id, downstream_table_id) VALUES (2, 1, 2)")
    report = estate.orchestrate()
    assert [(one.workflow_code, one.version_no) for one in report.versions] == [("w", 2)]
    assert estate.versions()[-1] == ("w", 2, "+edge t1 → t2 (reads ods.orders)", "lineage_update")


def test_a_view_row_says_through_what_the_edge_came(estate: Estate) -> None:
    estate.table(1, "orders", "ods")
    estate.table(9, "v_orders", "dwd")
    estate.task(1, "w")
    estate.task(2, "w", reads=(9,))
    estate.orchestrate()
    estate.run("INSERT INTO data_lineage (upstream_table_id, downstream_table_id) VALUES (1, 9)")
    estate.orchestrate()
    assert estate.versions()[-1] == ("w", 2, "+edge t1 → t2 (reads dwd.v_orders ← ods.orders)", "lineage_update")


def test_a_declared_edge_says_so_and_a_lost_one_is_named(estate: Estate) -> None:
    estate.task(1, "w")
    estate.task(2, "w")
    estate.orchestrate()
    estate.run("INSERT INTO task_dependency_declaration (task_id, upstream_task_id, reason, declared_by) "
               "VALUES (2, 1, 'he knows', 'anna')")  # fmt: skip
    estate.orchestrate()
    estate.run("DELETE FROM task_dependency_declaration")
    estate.orchestrate()
    assert estate.versions()[1:] == [
        ("w", 2, "+edge t1 → t2 (declared)", "lineage_update"),
        ("w", 3, "-edge t1 → t2", "lineage_update"),
    ]


def test_a_text_edit_is_a_task_change(estate: Estate) -> None:
    estate.task(1, "w")
    estate.task(2, "v")
    estate.orchestrate()
    estate.run("UPDATE data_task SET task_sql = 'select 2', dolphin_node_type = 'SQL' WHERE id = 1")
    estate.orchestrate()
    assert estate.versions()[2:] == [("w", 2, "~task t1: node_type, text", "task_change")] or estate.versions()[2:] == [
        ("w", 2, "~task t1: text, node_type", "task_change")
    ]


def test_lineage_wins_where_one_batch_has_both(estate: Estate) -> None:
    estate.task(1, "w")
    estate.task(2, "w")
    estate.orchestrate()
    estate.run("INSERT INTO data_lineage (task_id, upstream_table_id) VALUES (2, 1)",
               "UPDATE data_task SET task_name = 'new' WHERE id = 1")  # fmt: skip
    estate.orchestrate()
    assert estate.versions()[-1] == ("w", 2, "+edge t1 → t2 (reads #1); ~task t1: name", "lineage_update")


def test_a_table_that_only_changes_its_owner_makes_no_version(estate: Estate) -> None:
    estate.table(1, "orders")
    estate.task(1, "w")
    estate.orchestrate()
    estate.run("UPDATE data_table SET owner = 'bob', layer = 'ODS', table_name = 'other'")
    report = estate.orchestrate()
    assert report.dependencies.changes == 1
    assert report.versions == ()


def test_a_membership_says_in_which_version_it_last_changed(estate: Estate) -> None:
    estate.task(1, "w")
    estate.task(2, "w")
    estate.task(3, "w")
    estate.orchestrate()
    estate.run("UPDATE data_task SET task_name = 'new' WHERE id = 3")
    estate.orchestrate()
    estate.run("INSERT INTO data_lineage (task_id, upstream_table_id) VALUES (2, 1)")
    estate.orchestrate()
    rows = estate.all(
        "SELECT r.task_id, v.version_no FROM workflow_task_relation AS r "
        "JOIN workflow_version AS v ON v.id = r.version_id ORDER BY r.task_id"
    )
    assert rows == [(1, 3), (2, 3), (3, 2)]


def test_nothing_is_left_open_after_an_orchestration(estate: Estate) -> None:
    estate.task(1, "w")
    estate.orchestrate()

    def left(work: SqlWork) -> tuple[int, ...]:
        waiting = [work.derivation.waiting(step) for step in ("workflow_definitions", "workflow_versions")]
        return (work.derivation.open_changes(), *waiting)

    with estate.store.read() as work:
        assert left(work) == (0, 0, 0)


def test_each_step_that_changes_something_is_audited_once(database: Database) -> None:
    store = SqlStore(database)
    with database.write() as conn:
        conn.execute(sa.text("INSERT INTO data_task (task_code, task_name) VALUES ('a', 'a')"))
    for _ in range(2):
        orchestrate(store, "li", Options())
    with database.read() as conn:
        query = "SELECT actor, action, outcome FROM workflow_operation_log ORDER BY id"
        entries = [tuple(row) for row in conn.execute(sa.text(query))]
    steps = ("derive_dependencies", "define_workflows", "save_versions")
    assert entries == [("li", step, "done") for step in steps]
