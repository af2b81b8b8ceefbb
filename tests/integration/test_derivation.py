"""Each step of the derivation alone, twice, interrupted, and with edits in between."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa

from wfgov_dagster.domain.grouping import CODE_LIMIT
from wfgov_dagster.errors import DatabaseBusy, InvalidInput
from wfgov_dagster.store.db import Database
from wfgov_dagster.store.derivation import SqlDerivation
from wfgov_dagster.store.lineage import SqlLineage
from wfgov_dagster.store.store import SqlStore, SqlWork
from wfgov_dagster.store.workflows import SqlWorkflows
from wfgov_dagster.usecases.define_workflows import define_workflows
from wfgov_dagster.usecases.derive_dependencies import derive_dependencies
from wfgov_dagster.usecases.orchestrate import Options, OrchestrationReport, orchestrate
from wfgov_dagster.usecases.save_versions import save_versions


class Estate:
    """A small estate, edited by plain SQL."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.store = SqlStore(database)

    def run(self, *statements: str) -> None:
        with self.database.write() as conn:
            for statement in statements:
                conn.exec_driver_sql(statement)

    def all(self, query: str) -> list[tuple[Any, ...]]:
        with self.database.read() as conn:
            return [tuple(row) for row in conn.exec_driver_sql(query)]

    def task(self, number: int, workflow: str | None = None, *, reads: tuple[int, ...] = (), writes: int = 0) -> None:
        """Task t<number> with the id `number`; it writes the table of that number unless told otherwise."""
        self.run(f"INSERT INTO data_task (id, task_code, task_name) VALUES ({number}, 't{number}', 'T{number}')")
        for table in reads:
            self.run(
                f"INSERT INTO table_task_relation (table_id, task_id, relation_type) VALUES ({table}, {number}, 'read')"
            )
        written = writes or number
        self.run(
            f"INSERT INTO table_task_relation (table_id, task_id, relation_type) VALUES ({written}, {number}, 'write')"
        )
        if workflow is not None:
            self.declare(number, workflow)

    def declare(self, task: int, workflow: str, by: str = "anna") -> None:
        self.run(
            "INSERT INTO task_workflow_declaration (task_id, workflow_code, declared_by) "
            f"VALUES ({task}, '{workflow}', '{by}')"
        )

    def table(self, number: int, name: str, db: str = "db", domain: str = "", owner: str = "") -> None:
        self.run(
            "INSERT INTO data_table (id, db_name, table_name, business_domain, owner) "
            f"VALUES ({number}, '{db}', '{name}', '{domain}', '{owner}')"
        )

    def orchestrate(self, *, full: bool = False, rebuild_above: int = 50_000) -> OrchestrationReport:
        return orchestrate(self.store, "system", Options(full=full, rebuild_above=rebuild_above))

    def workflow(self, code: str) -> dict[str, Any]:
        with self.database.read() as conn:
            row = conn.execute(sa.text("SELECT * FROM data_workflow WHERE workflow_code = :c"), {"c": code}).one()
        return dict(row._mapping)

    def content(self, code: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.workflow(code)["definition_json"])
        return document

    def homes(self) -> dict[int, str]:
        rows = self.all(
            "SELECT r.task_id, w.workflow_code FROM workflow_task_relation AS r "
            "JOIN data_workflow AS w ON w.id = r.workflow_id"
        )
        return dict(rows)

    def versions(self) -> list[tuple[str, int, str, str]]:
        return [
            (code, number, summary, source)
            for code, number, summary, source in self.all(
                "SELECT w.workflow_code, v.version_no, v.change_summary, v.trigger_source FROM workflow_version AS v "
                "JOIN data_workflow AS w ON w.id = v.workflow_id ORDER BY v.id"
            )
        ]


@pytest.fixture
def estate(database: Database) -> Estate:
    return Estate(database)


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


# --- memberships ---------------------------------------------------------------------------------


def test_a_declaration_for_a_deleted_task_makes_no_workflow(estate: Estate) -> None:
    estate.task(1, "w")
    estate.run("UPDATE data_task SET deleted = 1")
    estate.orchestrate()
    assert estate.all("SELECT * FROM data_workflow") == []
    estate.run("UPDATE data_task SET deleted = 0")
    estate.orchestrate()
    assert estate.homes() == {1: "w"}


def test_a_changed_declaration_moves_its_task_and_nobody_else(estate: Estate) -> None:
    estate.task(1, "w")
    estate.task(2, reads=(1,))
    estate.orchestrate()
    estate.run("UPDATE task_workflow_declaration SET workflow_code = 'v'")
    assert estate.orchestrate().definitions.moved == 1
    assert estate.homes() == {1: "v", 2: "w"}


def test_a_withdrawn_declaration_leaves_its_task_where_it_is(estate: Estate) -> None:
    estate.task(1, "w")
    estate.orchestrate()
    estate.run("DELETE FROM task_workflow_declaration")
    assert estate.orchestrate().definitions.moved == 0
    assert estate.homes() == {1: "w"}


def test_what_a_person_declares_outranks_an_import(estate: Estate) -> None:
    estate.task(1)
    estate.declare(1, "imported", "import:a")
    estate.declare(1, "wanted", "zoe")
    estate.orchestrate()
    assert estate.homes() == {1: "wanted"}
    estate.run("UPDATE task_workflow_declaration SET workflow_code = 'other' WHERE declared_by = 'import:a'")
    assert estate.orchestrate().definitions.moved == 0


OVERRULED = """SELECT rule, object_code, message FROM inspection_finding
    WHERE closed_at IS NULL AND rule = 'declaration_overruled'"""


def test_an_import_that_a_person_outranks_is_a_finding_until_they_agree(estate: Estate) -> None:
    estate.task(1)
    estate.declare(1, "imported", "import:a")
    estate.declare(1, "wanted", "zoe")
    estate.orchestrate()
    told = [("declaration_overruled", "t1", "import:a declares 'imported'; zoe set 'wanted', which counts")]
    assert estate.all(OVERRULED) == told
    estate.orchestrate(full=True)
    assert estate.all(OVERRULED) == told
    estate.run("UPDATE data_task SET task_code = 'renamed'")
    estate.orchestrate()
    assert [row[1] for row in estate.all(OVERRULED)] == ["renamed"]
    estate.run("UPDATE task_workflow_declaration SET workflow_code = 'wanted' WHERE declared_by = 'import:a'")
    estate.orchestrate()
    assert estate.all(OVERRULED) == []


def test_an_undeleted_task_returns_to_its_former_workflow(estate: Estate) -> None:
    estate.task(1, "w")
    estate.task(2, reads=(1,))
    estate.orchestrate()
    estate.run("DELETE FROM task_workflow_declaration", "UPDATE data_task SET deleted = 1 WHERE id = 2")
    estate.orchestrate()
    assert [task["code"] for task in estate.content("w")["tasks"]] == ["t1"]
    estate.run("DELETE FROM table_task_relation WHERE relation_type = 'read'", "UPDATE data_task SET deleted = 0")
    assert estate.orchestrate().definitions.placed == 0
    assert estate.homes() == {1: "w", 2: "w"}


def test_a_new_task_inherits_nothing_from_one_that_was_removed_for_good(estate: Estate) -> None:
    insert = "INSERT INTO data_task (task_code, task_name) VALUES ('{0}', '{0}')"
    estate.run(insert.format("old"))
    ((old,),) = estate.all("SELECT id FROM data_task")
    estate.declare(old, "w")
    estate.orchestrate()
    estate.run("DELETE FROM data_task", insert.format("new"))
    estate.orchestrate()
    ((new,),) = estate.all("SELECT id FROM data_task")
    assert estate.homes()[new] == "auto._._"


def test_of_two_tables_with_one_full_name_the_older_gives_the_group(estate: Estate) -> None:
    estate.table(8, "c", "a.b", "eight")
    estate.table(7, "b.c", "a", "seven")
    for number in range(1, 12):
        estate.task(number, writes=8)
        estate.run(f"INSERT INTO table_task_relation (table_id, task_id, relation_type) VALUES (7, {number}, 'write')")
    estate.orchestrate()
    assert set(estate.homes().values()) == {"auto.seven._"}


def test_two_groups_with_one_code_are_an_error_until_somebody_declares(estate: Estate) -> None:
    estate.table(1, "x", domain="a.b", owner="c")
    estate.table(2, "y", domain="a", owner="b.c")
    estate.task(1)
    estate.task(2)
    with pytest.raises(InvalidInput, match=r"auto\.a\.b\.c"):
        estate.orchestrate()
    assert estate.all("SELECT * FROM data_workflow") == []
    estate.declare(2, "w")
    estate.orchestrate()
    assert estate.homes() == {1: "auto.a.b.c", 2: "w"}


def test_a_long_group_is_cut_to_a_code_that_fits(estate: Estate) -> None:
    estate.table(1, "x", domain="d" * 200)
    estate.task(1)
    estate.orchestrate()
    assert len(estate.homes()[1]) == CODE_LIMIT


# --- content that comes from elsewhere -----------------------------------------------------------


def test_a_cycle_is_told_by_the_tables_of_today(estate: Estate) -> None:
    estate.table(1, "one")
    estate.table(2, "two")
    estate.table(3, "view")
    estate.task(1, "w", reads=(2,))
    estate.task(2, "w", reads=(3,))
    estate.run("INSERT INTO data_lineage (upstream_table_id, downstream_table_id) VALUES (1, 3)")
    estate.orchestrate()
    start = "tasks depend on each other in a circle: "
    assert estate.workflow("w")["definition_error"] == f"{start}t1 → t2 (reads db.view ← db.one) → t1 (reads db.two)"
    estate.run("UPDATE data_table SET table_name = 'glass' WHERE id = 3")
    estate.orchestrate()
    assert estate.workflow("w")["definition_error"] == f"{start}t1 → t2 (reads db.glass ← db.one) → t1 (reads db.two)"
    estate.run("INSERT INTO table_task_relation (table_id, task_id, relation_type) VALUES (1, 2, 'read')")
    estate.orchestrate()
    assert estate.workflow("w")["definition_error"] == f"{start}t1 → t2 (reads db.one) → t1 (reads db.two)"
    assert estate.all("SELECT message FROM inspection_finding WHERE closed_at IS NULL") == [
        (estate.workflow("w")["definition_error"],)
    ]


def test_a_broken_cycle_is_ready_again_and_keeps_its_version(estate: Estate) -> None:
    estate.task(1, "w")
    estate.task(2, "w", reads=(1,))
    estate.orchestrate()
    estate.run("INSERT INTO table_task_relation (table_id, task_id, relation_type) VALUES (2, 1, 'read')")
    report = estate.orchestrate()
    assert set(report.definitions.broken or {}) == {"w"}
    assert report.versions == ()
    assert (estate.workflow("w")["status"], len(estate.versions())) == ("draft", 1)
    estate.run("UPDATE table_task_relation SET deleted = 1 WHERE table_id = 2 AND task_id = 1")
    assert estate.orchestrate().versions == ()
    assert (estate.workflow("w")["status"], estate.workflow("w")["definition_error"]) == ("ready", None)


def confirmed(estate: Estate) -> None:
    """t2 in `down` waits for t1 in `up`, as a person confirmed."""
    estate.task(1, "up")
    estate.task(2, "down", reads=(1,))
    estate.orchestrate()
    estate.run(
        "UPDATE cross_workflow_dependency SET state = 'confirmed'",
        "INSERT INTO derivation_todo VALUES ('workflow_definitions', 'workflow:down', 1, 'lineage_update')",
    )
    estate.orchestrate()
    assert estate.content("down")["cross_workflow_edges"] == [["up", "t1", "t2"]]


def test_a_confirmed_edge_follows_the_name_of_its_upstream_task(estate: Estate) -> None:
    confirmed(estate)
    estate.run("UPDATE data_task SET task_code = 'renamed' WHERE id = 1")
    estate.orchestrate()
    assert estate.content("down")["cross_workflow_edges"] == [["up", "renamed", "t2"]]


def test_a_confirmed_edge_ends_when_its_upstream_task_moves(estate: Estate) -> None:
    confirmed(estate)
    estate.run("UPDATE task_workflow_declaration SET workflow_code = 'elsewhere' WHERE task_id = 1")
    report = estate.orchestrate()
    assert estate.content("down")["cross_workflow_edges"] == []
    assert [one.workflow_code for one in report.versions] == ["down", "elsewhere"]
    assert estate.all("SELECT state FROM cross_workflow_dependency") == [("unconfirmed",)]


def test_the_display_name_follows_the_declared_settings(estate: Estate) -> None:
    estate.task(1, "w")
    estate.orchestrate()
    estate.run("INSERT INTO workflow_settings_declaration (workflow_code, workflow_name, description, declared_by) "
               "VALUES ('w', 'Daily', 'all of it', 'anna')")  # fmt: skip
    estate.orchestrate()
    shown = estate.workflow("w")
    assert (shown["workflow_name"], shown["description"]) == ("Daily", "all of it")
    assert (estate.content("w")["workflow"]["name"], estate.content("w")["workflow"]["description"]) == (
        "Daily",
        "all of it",
    )


# --- two at once ---------------------------------------------------------------------------------


@pytest.fixture
def other(database_url: str) -> Iterator[Estate]:
    """Somebody else, with connections of their own."""
    database = Database(database_url, busy_timeout_seconds=0.2)
    yield Estate(database)
    database.dispose()


def between(monkeypatch: pytest.MonkeyPatch, repository: type, method: str, act: Callable[[], None]) -> None:
    """Do `act` once, right after the first call of `method`."""
    original, waiting = getattr(repository, method), [act]

    def wrapped(*arguments: Any, **named: Any) -> Any:
        found = original(*arguments, **named)
        if waiting:
            waiting.pop()()
        return found

    monkeypatch.setattr(repository, method, wrapped)


@pytest.mark.parametrize("after", ["reads", "active_tasks", "names"])
@pytest.mark.parametrize("edit", ["DELETE FROM data_task WHERE id = 1", "UPDATE data_task SET deleted = 0"])
def test_an_edit_in_the_middle_of_a_step_is_left_for_the_next(
    estate: Estate, other: Estate, monkeypatch: pytest.MonkeyPatch, after: str, edit: str
) -> None:
    """PostgreSQL lets it through, so the step must not see half of it; SQLite makes it wait."""

    for number in range(1, 5):
        estate.task(number, "w", reads=(number - 1,))
    estate.run("UPDATE data_task SET deleted = 1 WHERE id = 3")
    left = []

    def act() -> None:
        try:
            other.run(edit)
        except DatabaseBusy:
            left.append(edit)

    with monkeypatch.context() as patch:
        between(patch, SqlLineage, after, act)
        derive_dependencies(estate.store, "system")
    for statement in left:
        estate.run(statement)
    estate.orchestrate()
    expected = {(3, 2), (4, 3)} if edit.startswith("DELETE") else {(2, 1), (3, 2), (4, 3)}
    if edit.startswith("DELETE"):
        expected = set()  # 3 is still deleted, and 1 is gone
    assert set(estate.all("SELECT task_id, upstream_task_id FROM task_dependency_view")) == expected
    assert estate.orchestrate(full=True).dependencies.added == 0
    levels = dict(estate.all("SELECT task_id, level FROM task_topology"))
    assert levels == ({2: 0, 4: 0} if edit.startswith("DELETE") else {1: 0, 2: 1, 3: 2, 4: 3})


def test_what_a_person_puts_online_while_definitions_are_written_stays_online(
    estate: Estate, other: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:

    estate.task(1, "w")
    estate.orchestrate()
    estate.run("UPDATE data_task SET task_name = 'new'")
    online = "UPDATE data_workflow SET status = 'online'"
    left = []

    def act() -> None:
        try:
            other.run(online)
        except DatabaseBusy:
            left.append(online)

    with monkeypatch.context() as patch:
        between(patch, SqlWorkflows, "members", act)
        estate.orchestrate()  # PostgreSQL sees that somebody else wrote the row, and the step starts again
    for statement in left:
        estate.run(statement)
    estate.orchestrate()
    assert estate.workflow("w")["status"] == "online"
    assert estate.content("w")["tasks"][0]["name"] == "new"


def test_two_derivers_take_each_change_once(estate: Estate, other: Estate, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second waits until the first is done and then sees what it did."""
    patient = Estate(Database(str(other.database.url.render_as_string(hide_password=False))))
    estate.task(1, "w")
    estate.task(2, "w", reads=(1,))
    with ThreadPoolExecutor(1) as pool, monkeypatch.context() as patch:
        started = []
        between(patch, SqlDerivation, "take_changes", lambda: started.append(pool.submit(patient.orchestrate)))
        derive_dependencies(estate.store, "system")
        report = started[0].result(timeout=60)
    patient.database.dispose()
    assert report.dependencies.changes == 0
    assert [(one.tasks, one.edges) for one in report.versions] == [(2, 1)]
    assert estate.all("SELECT changes FROM derivation_batch") == [(len(estate.all("SELECT * FROM metadata_change")),)]


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
