"""Each command in this process, on both databases: what it prints as JSON and for people, and how it ends."""

import json
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest
import sqlalchemy as sa
import yaml

from tests.integration.cli_support import FINANCE, LINEAGE, LOOP, SALES, TASKS, Cli, write_estate
from wfgov_dagster.store.db import Database
from wfgov_dagster.store.schema.workflow import workflow_operation_log


@pytest.fixture
def empty(database_url: str, tmp_path: Path) -> Cli:
    return Cli(database_url, tmp_path / "home")


@pytest.fixture
def wfgov(derived_on_both: Cli) -> Cli:
    return derived_on_both


def audited(wfgov: Cli) -> list[tuple[str, str, str, str]]:
    database = Database(wfgov.url)
    log = workflow_operation_log.c
    with database.read() as conn:
        query = sa.select(log.actor, log.action, log.object_code, log.outcome).order_by(log.id)
        found = [tuple(row) for row in conn.execute(query)]
    database.dispose()
    return found


# --- import and orchestrate ----------------------------------------------------------------------


def test_import_counts_what_came_changed_and_went(empty: Cli, tmp_path: Path) -> None:
    folder = write_estate(tmp_path / "estate")
    first = empty.json("import", "csv", folder)
    assert (first["source"], first["bad"]) == ("estate", [])
    counted = {one["table_name"]: (one["added"], one["changed"], one["removed"]) for one in first["tables"]}
    assert counted["data_task"] == (6, 0, 0)
    assert counted["data_lineage"] == (6, 0, 0)
    assert first["warnings"] == ["tasks.csv:4: cron cannot say 'once'; the task has no schedule"]
    assert empty.json("import", "csv", folder)["changes"] == 0
    changed = [(*TASKS[0][:5], "eve", *TASKS[0][6:]), *TASKS[1:5]]
    again = empty.json("import", "csv", write_estate(folder, changed))
    counted = {one["table_name"]: (one["added"], one["changed"], one["removed"]) for one in again["tables"]}
    assert counted["data_task"] == (0, 1, 1)


def test_bad_rows_are_named_and_nothing_is_imported_unless_they_are_to_be_skipped(empty: Cli, tmp_path: Path) -> None:
    folder = write_estate(tmp_path / "estate", [*TASKS, ("alone", "t.x", "sql", "", "", "", "", "", "")])
    refused = empty.run("import", "csv", folder)
    assert refused.exit_code == 1
    assert refused.stdout == ""
    assert refused.stderr.startswith("import_refused: 1 bad rows, nothing was imported: tasks.csv:8: task 'alone'")
    taken = empty.run("import", "csv", folder, "--skip-bad")
    assert taken.exit_code == 0
    assert "left out: tasks.csv:8: task 'alone' is there already\n" in taken.stderr
    assert "1 bad rows" in taken.stdout


def test_import_sql_takes_a_folder_of_files(empty: Cli, tmp_path: Path) -> None:
    (tmp_path / "sql").mkdir()
    (tmp_path / "sql" / "make_b.sql").write_text("CREATE TABLE b AS SELECT * FROM a;", encoding="utf-8")
    (tmp_path / "sql" / "make_c.sql").write_text("INSERT INTO c SELECT * FROM b;", encoding="utf-8")
    assert empty.json("import", "sql", tmp_path / "sql", "--dialect", "duckdb")["source"] == "sql"
    empty.ok("orchestrate")
    assert [one["task_code"] for one in empty.json("deps", "make_c")["upstream"]] == ["make_b"]


def test_orchestrate_tells_what_it_made(empty: Cli, tmp_path: Path) -> None:
    empty.ok("import", "csv", write_estate(tmp_path / "estate"))
    said = empty.json("orchestrate")
    kinds = {name: said["dependencies"][name] for name in ("total", "direct", "view", "declared")}
    assert kinds == {"total": 4, "direct": 3, "view": 1, "declared": 0}
    assert said["definitions"]["placed"] == 6
    assert said["workflows"] == 4
    assert [one["workflow_code"] for one in said["drafts"]] == [LOOP]
    assert "circle" in said["drafts"][0]["definition_error"]
    made = {one["workflow_code"]: (one["version_no"], one["change_summary"]) for one in said["versions"]}
    assert made[SALES] == (
        1,
        "+edge load_orders → clean_orders (reads ods.orders); +task clean_orders; +task load_orders",
    )
    assert empty.json("orchestrate")["versions"] == []
    assert empty.json("orchestrate", "--full")["versions"] == []


def test_orchestrate_tells_it_for_people_too(empty: Cli, tmp_path: Path) -> None:
    empty.ok("import", "csv", write_estate(tmp_path / "estate"))
    said = empty.ok("orchestrate")
    assert "dependencies:      4 (3 direct, 1 through views only, 0 declared), 4 new, 0 gone\n" in said
    assert "tasks depend on each other in a circle: a → b (reads t.a) → a (reads t.b)" in said


# --- deps ----------------------------------------------------------------------------------------


def test_deps_go_any_way_and_views_are_no_distance(wfgov: Cli) -> None:
    found = wfgov.json("deps", "report")
    assert [(one["task_code"], one["distance"]) for one in found["upstream"]] == [
        ("clean_orders", 1),
        ("load_orders", 2),
    ]
    assert found["downstream"] == []
    assert found["upstream"][0]["evidence"] == {
        "kind": "view",
        "table_read": "v.outer",
        "table_written": "dwd.orders",
        "chain": ["v.outer", "v.inner", "dwd.orders"],
    }
    assert found["upstream"][1]["evidence"] == {
        "kind": "direct",
        "table_read": "ods.orders",
        "table_written": "ods.orders",
        "chain": ["ods.orders"],
    }


def test_deps_downstream_is_the_same_walk_the_other_way(wfgov: Cli) -> None:
    found = wfgov.json("deps", "load_orders", "--down")
    assert "upstream" not in found
    assert [(one["task_code"], one["distance"]) for one in found["downstream"]] == [("clean_orders", 1), ("report", 2)]


def test_deps_stop_at_a_depth(wfgov: Cli) -> None:
    assert [one["task_code"] for one in wfgov.json("deps", "report", "--depth", "1")["upstream"]] == ["clean_orders"]


def test_deps_end_on_a_circle_and_a_task_is_not_its_own(wfgov: Cli) -> None:
    found = wfgov.json("deps", "a")
    assert [one["task_code"] for one in found["upstream"]] == ["b"]
    assert [one["task_code"] for one in found["downstream"]] == ["b"]


def test_deps_are_sorted_by_distance_then_code_and_a_declared_one_has_no_table(wfgov: Cli) -> None:
    database = Database(wfgov.url)
    with database.write() as conn:
        conn.execute(
            sa.text(
                "INSERT INTO task_dependency_declaration (task_id, upstream_task_id, reason, declared_by)"
                " SELECT d.id, u.id, 'told', 'ann' FROM data_task d, data_task u"
                " WHERE d.task_code = 'report' AND u.task_code = 'alone'"
            )
        )
    database.dispose()
    wfgov.ok("orchestrate")
    found = wfgov.json("deps", "report", "--up")["upstream"]
    assert [one["task_code"] for one in found] == ["alone", "clean_orders", "load_orders"]
    assert found[0]["evidence"] == {"kind": "declared", "table_read": None, "table_written": None, "chain": []}


def test_what_is_not_derived_yet_is_noted_beside_the_result(wfgov: Cli, tmp_path: Path) -> None:
    wfgov.ok("import", "csv", write_estate(tmp_path / "more", [("new", "t.new", "sql", *[""] * 6)], []))
    result = wfgov.run("deps", "new", "-o", "json")
    assert json.loads(result.stdout)["upstream"] == []
    assert "not derived yet: wfgov orchestrate" in result.stderr


# --- workflows -----------------------------------------------------------------------------------


def test_workflow_list_has_the_columns_of_the_spec(wfgov: Cli) -> None:
    rows = {one["workflow_code"]: one for one in wfgov.json("workflow", "list")}
    assert list(rows) == ["auto.ops.cyd", FINANCE, LOOP, SALES]
    assert rows[SALES] == {
        "workflow_code": SALES,
        "workflow_name": SALES,
        "status": "ready",
        "publish_status": "never",
        "current_version_no": 1,
        "last_published_version_no": None,
        "task_count": 2,
        "edge_count": 1,
        "entry_task_count": 1,
        "exit_task_count": 1,
        "business_domain": rows[SALES]["business_domain"],
        "owner": rows[SALES]["owner"],
        "cron": "0 0 * * *",
        "definition_error": None,
    }
    assert (rows[LOOP]["status"], rows[LOOP]["current_version_no"]) == ("draft", None)
    assert (rows[LOOP]["edge_count"], rows[LOOP]["entry_task_count"]) == (2, 0)
    assert rows[FINANCE]["cron"] is None


def test_workflow_show_has_tasks_edges_levels_and_the_next_fires(wfgov: Cli) -> None:
    shown = wfgov.json("workflow", "show", SALES)
    assert shown["tasks"] == ["clean_orders", "load_orders"]
    assert shown["edges"] == [["load_orders", "clean_orders"]]
    assert (shown["entry_tasks"], shown["exit_tasks"]) == (["load_orders"], ["clean_orders"])
    assert shown["levels"] == {"clean_orders": 1, "load_orders": 0}
    assert shown["settings"]["failure_strategy"] == "continue"
    assert (shown["schedule"]["cron"], shown["schedule"]["time_zone"]) == ("0 0 * * *", "UTC")
    fires = [datetime.fromisoformat(one) for one in shown["schedule"]["next_fires"]]
    assert len(fires) == 5
    assert all((later - sooner).days == 1 for sooner, later in pairwise(fires))
    assert shown["current_version_no"] == 1


def test_workflow_show_has_both_ends_of_edges_between_workflows(wfgov: Cli) -> None:
    edge = {
        "upstream_workflow_code": SALES,
        "upstream_task_code": "clean_orders",
        "workflow_code": FINANCE,
        "task_code": "report",
        "state": "unconfirmed",
        "decided_by": None,
        "reason": None,
    }
    assert wfgov.json("workflow", "show", SALES)["cross_workflow_edges"] == [edge]
    assert wfgov.json("workflow", "show", FINANCE)["cross_workflow_edges"] == [edge]


def test_workflow_show_has_the_edges_of_a_circle_and_the_finding(wfgov: Cli) -> None:
    shown = wfgov.json("workflow", "show", LOOP)
    assert shown["edges"] == [["a", "b"], ["b", "a"]]
    assert shown["current_version_no"] is None
    assert [one["rule"] for one in shown["findings"]] == ["cycle"]


def test_workflow_show_for_people_names_what_matters(wfgov: Cli) -> None:
    said = wfgov.ok("workflow", "show", SALES)
    for part in (f"workflow:          {SALES}\n", "V1", "0 0 * * * (UTC)", "Edges\n", "Edges to other workflows\n"):
        assert part in said


def test_a_workflow_goes_online_and_offline_on_the_platform_only(wfgov: Cli) -> None:
    online = wfgov.json("workflow", "online", SALES)
    assert online == {"workflow_code": SALES, "before": "ready", "status": "online"}
    assert wfgov.json("workflow", "online", SALES)["before"] == "online"
    assert wfgov.json("workflow", "offline", SALES, "--actor", "eve")["status"] == "offline"
    assert wfgov.json("workflow", "show", SALES)["publish_status"] == "never"
    assert audited(wfgov)[-2:] == [("tester", "online", SALES, "done"), ("eve", "offline", SALES, "done")]


@pytest.mark.parametrize(("event", "code"), [("online", LOOP), ("offline", SALES), ("offline", LOOP)])
def test_a_state_that_does_not_allow_it_refuses_and_says_so_on_record(wfgov: Cli, event: str, code: str) -> None:
    result = wfgov.run("workflow", event, code)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"illegal_state: {event} is not possible in state")
    assert audited(wfgov)[-1] == ("tester", event, code, "refused")


# --- versions ------------------------------------------------------------------------------------


@pytest.fixture
def changed(wfgov: Cli, tmp_path: Path) -> Cli:
    """SALES has V2: a task more, another owner (no content), no schedule."""
    tasks = [
        (*TASKS[0][:7], "hourly", "ODS"),
        *TASKS[1:],
        ("load_shops", "ods.shops", "sql", "", "", "", SALES, "daily", ""),
    ]
    lineage = [*LINEAGE, ("ods.shops", "", "clean_orders")]
    wfgov.ok("import", "csv", write_estate(tmp_path / "estate", tasks, lineage), "--source", "estate")
    wfgov.ok("orchestrate", "--actor", "eve")
    return wfgov


def test_version_list_goes_from_the_first_to_the_newest(changed: Cli) -> None:
    first, second = changed.json("version", "list", SALES)
    assert (first["version_no"], second["version_no"]) == (1, 2)
    assert (second["created_by"], second["trigger_source"], second["rollback_of"]) == ("eve", "lineage_update", None)
    assert (first["published"], second["published"]) == (False, False)
    assert "+edge load_shops → clean_orders (reads ods.shops)" in second["change_summary"]
    assert first["content_hash"].startswith("w1:")
    assert first["content_hash"] != second["content_hash"]


@pytest.mark.parametrize("number", ["1", "V1", "v1"])
def test_version_show_has_the_whole_document(changed: Cli, number: str) -> None:
    shown = changed.json("version", "show", SALES, number)
    assert shown["document"]["scheme"] == "w1"
    assert [task["code"] for task in shown["document"]["tasks"]] == ["clean_orders", "load_orders"]
    assert shown["document"]["workflow"]["schedule"]["cron"] == "0 0 * * *"
    assert shown["task_versions"] == {"clean_orders": 1, "load_orders": 1}
    assert "echo load_orders" in changed.ok("version", "show", SALES, number)


def test_version_diff_ends_with_3_if_there_is_a_difference(changed: Cli) -> None:
    result = changed.run("version", "diff", SALES, "1", "2", "-o", "json")
    assert result.exit_code == 3
    found = json.loads(result.stdout)
    assert (found["before"], found["after"], found["equal"]) == (1, 2, False)
    assert found["diff"]["tasks_added"] == ["load_shops"]
    assert found["diff"]["edges_added"] == [["load_shops", "clean_orders"]]
    assert [one["field"] for one in found["diff"]["settings"]] == ["schedule"]
    back = changed.run("version", "diff", SALES, "2", "1")
    assert back.exit_code == 3, back.stderr
    assert "-task load_shops\n-edge load_shops → clean_orders\n" in back.stdout


def test_version_diff_of_equal_ones_ends_with_0(changed: Cli) -> None:
    result = changed.run("version", "diff", SALES, "2", "V2")
    assert (result.exit_code, result.stdout) == (0, f"V2 and V2 of {SALES} have the same content\n")
    assert json.loads(changed.run("version", "diff", SALES, "1", "1", "-o", "json").stdout)["equal"] is True


def test_a_changed_text_is_shown_as_a_unified_diff(empty: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "sql"
    folder.mkdir()
    for text in ("INSERT INTO b\nSELECT x\nFROM a", "INSERT INTO b\nSELECT x, y\nFROM a"):
        (folder / "t.sql").write_text(text, encoding="utf-8")
        empty.ok("import", "sql", folder, "--dialect", "duckdb")
        empty.ok("orchestrate")
    code = empty.json("workflow", "list")[0]["workflow_code"]
    result = empty.run("version", "diff", code, "1", "2")
    assert result.exit_code == 3
    assert "~task t\n  --- text V1\n  +++ text V2\n  @@ -1,3 +1,3 @@\n" in result.stdout
    assert "  -SELECT x\n  +SELECT x, y\n" in result.stdout


# --- publish and instances -----------------------------------------------------------------------


def test_a_dry_run_shows_the_steps_and_takes_none(wfgov: Cli) -> None:
    shown = wfgov.json("publish", SALES, "--operation", "deploy", "--dry-run")
    assert [one["step"] for one in shown["steps"]] == ["deploy"]
    assert shown["found"]["present"] is False
    assert wfgov.json("workflow", "show", SALES)["publish_status"] == "never"


def test_deploy_then_online_then_again_writes_nothing(wfgov: Cli) -> None:
    deployed = wfgov.json("publish", SALES, "--operation", "deploy", "--version", "V1")
    assert (deployed["status"], deployed["phase"], deployed["version_no"]) == ("success", "confirmed", 1)
    assert wfgov.json("publish", SALES, "--operation", "online")["steps"] > 0
    for operation in ("deploy", "online"):
        assert wfgov.json("publish", SALES, "--operation", operation)["steps"] == 0
        assert "nothing to do" in wfgov.ok("publish", SALES, "--operation", operation, "--dry-run")
    row = wfgov.json("workflow", "show", SALES)
    assert (row["publish_status"], row["last_published_version_no"], row["status"]) == ("published", 1, "ready")
    assert [one["published"] for one in wfgov.json("version", "list", SALES)] == [True]


def test_an_instance_runs_and_is_listed_and_shown_with_its_logs(wfgov: Cli) -> None:
    for operation in ("deploy", "online"):
        wfgov.ok("publish", SALES, "--operation", operation)
    wfgov.ok("workflow", "online", SALES)
    started = wfgov.json("instance", "start", SALES, "--wait", "120")
    instance_id = started["instance_id"]
    assert (started["workflow_code"], started["version_no"], started["started_by"]) == (SALES, 1, "tester")
    assert started["state"] == "success"
    assert [one["instance_id"] for one in wfgov.json("instance", "list", SALES)] == [instance_id]
    assert wfgov.json("instance", "list", FINANCE) == []
    shown = wfgov.json("instance", "show", instance_id)
    states = [(one["task_code"], one["state"]) for one in shown["tasks"]]
    assert states == [("clean_orders", "success"), ("load_orders", "success")]
    assert "load_orders\n" in wfgov.ok("instance", "log", instance_id, "load_orders")
    assert "load_orders\n" in wfgov.json("instance", "log", instance_id, "load_orders")["log"]
    assert ("tester", "start_instance", SALES, "done") in audited(wfgov)


def test_the_platform_starts_only_what_is_online_there(wfgov: Cli) -> None:
    for operation in ("deploy", "online"):
        wfgov.ok("publish", SALES, "--operation", operation)
    result = wfgov.run("instance", "start", SALES)
    assert result.exit_code == 1
    assert result.stderr.startswith(
        "illegal_state: the platform starts instances of online workflows, this one is ready"
    )
    assert wfgov.json("instance", "list") == []
    assert audited(wfgov)[-1] == ("tester", "start_instance", SALES, "refused")


# --- all of them ---------------------------------------------------------------------------------

READING = (
    ("workflow", "list"), ("workflow", "show", SALES), ("version", "list", SALES), ("version", "show", SALES, "1"),
    ("deps", "report"), ("settings",), ("instance", "list"), ("publish", SALES, "--operation", "deploy", "--dry-run"),
)  # fmt: skip


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_yaml_says_what_json_says(derived: Cli, command: tuple[str, ...]) -> None:
    assert yaml.safe_load(derived.ok(*command, "-o", "yaml")) == derived.json(*command)


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_reading_leaves_no_trace(derived: Cli, command: tuple[str, ...]) -> None:
    derived.ok("instance", "list")  # registers the engine
    before = audited(derived)
    derived.ok(*command)
    assert audited(derived) == before
