"""Which workflow a task is in, and content that comes from elsewhere."""

import pytest

from tests.integration.edited_estate import Estate
from wfgov_dagster.domain.grouping import CODE_LIMIT
from wfgov_dagster.errors import InvalidInput


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
