"""A folder of .sql files becomes metadata rows; a bad file becomes bad rows with its line, and nothing else."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from wfgov_dagster.errors import InvalidInput
from wfgov_dagster.importers.sql_text import read_sql_folder
from wfgov_dagster.ports.metadata import (
    BadRow,
    DependencyDeclaration,
    ImportBatch,
    LineageRow,
    MembershipDeclaration,
    RelationRow,
    TableRow,
    TaskRow,
    WorkflowSettings,
)

FULL = """/* wfgov
name: 订单明细
description: |
  one row an order line,
  returns netted
owner: chen.li
workflow: retail_dwd
business_domain: trade
data_domain: order
layer: DWD
cron: "30 2 * * *"
time_zone: Asia/Shanghai
datasource: warehouse
priority: 4
timeout_seconds: 600
retries: 2
retry_interval_seconds: 30
depends_on: [check_quality]
reads: [ods.calendar]
writes: [-dwd.scratch, ods.audit]
*/
CREATE OR REPLACE TABLE dwd.order_line AS SELECT * FROM ods.orders;
INSERT INTO dwd.scratch SELECT 1;
"""


def write(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def read(folder: Path, files: Mapping[str, str | bytes], dialect: str = "duckdb") -> ImportBatch:
    return read_sql_folder(write(folder, files), dialect)


def header(yaml: str) -> str:
    return f"/* wfgov\n{yaml}\n*/\nSELECT * FROM a.x"


# --- good files ----------------------------------------------------------------------------------


def test_a_file_with_a_full_header_becomes_rows(tmp_path: Path) -> None:
    batch = read(tmp_path, {"dwd/dwd_order_line.sql": FULL})
    assert batch == ImportBatch(
        tables=(
            TableRow("dwd.order_line", "DWD", "trade", "order", "chen.li", "table"),
            TableRow("ods.audit", "DWD", "trade", "order", "chen.li", "table"),
            TableRow("ods.calendar"),
            TableRow("ods.orders"),
        ),
        tasks=(
            TaskRow(
                code="dwd_order_line",
                name="订单明细",
                text=FULL.split("*/\n")[1],
                description="one row an order line,\nreturns netted\n",
                datasource="warehouse",
                schedule_cron="30 2 * * *",
                priority=4,
                timeout_seconds=600,
                retry_times=2,
                retry_interval=30,
                owner="chen.li",
            ),
        ),
        relations=(
            RelationRow("ods.calendar", "dwd_order_line", "read"),
            RelationRow("ods.orders", "dwd_order_line", "read"),
            RelationRow("dwd.order_line", "dwd_order_line", "write"),
            RelationRow("ods.audit", "dwd_order_line", "write"),
        ),
        memberships=(MembershipDeclaration("dwd_order_line", "retail_dwd"),),
        dependencies=(
            DependencyDeclaration("dwd_order_line", "check_quality", "depends_on in dwd/dwd_order_line.sql"),
        ),
        workflows=(WorkflowSettings("retail_dwd", "retail_dwd", None, "30 2 * * *", "Asia/Shanghai"),),
    )


def test_a_file_without_a_header_is_a_task_named_by_its_file(tmp_path: Path) -> None:
    batch = read(tmp_path, {"日报.sql": "SELECT * FROM a.x"})
    assert batch.tasks == (TaskRow("日报", "日报", text="SELECT * FROM a.x"),)
    assert (batch.memberships, batch.workflows, batch.bad, batch.warnings) == ((), (), (), ())


@pytest.mark.parametrize(
    "text",
    [
        '-- wfgov\n-- owner: li\n-- cron: "*/5 * * * *"\nSELECT * FROM a.x',
        '\ufeff\r\n--wfgov\r\n--owner: li\r\n--cron: "*/5 * * * *"\r\nSELECT * FROM a.x',
        "\n\n  /*wfgov\nowner: li\ncron: 5m */ SELECT * FROM a.x",
        "/* wfgov {owner: li, cron: 5m} */ SELECT * FROM a.x",
    ],
    ids=["dashes", "dashes of Windows", "block", "one line"],
)
def test_both_forms_of_header_say_the_same(tmp_path: Path, text: str) -> None:
    (task,) = read(tmp_path, {"t.sql": text}).tasks
    assert (task.owner, task.schedule_cron) == ("li", "*/5 * * * *")
    assert (task.text or "").strip() == "SELECT * FROM a.x"


def test_a_view_is_written_by_its_task_and_told_as_a_view(tmp_path: Path) -> None:
    batch = read(tmp_path, {"v.sql": "CREATE OR REPLACE VIEW d.v AS SELECT * FROM a.x JOIN a.y USING (i)"})
    assert batch.lineage == (LineageRow("a.x", "d.v"), LineageRow("a.y", "d.v"))
    assert RelationRow("d.v", "v", "write") in batch.relations
    assert RelationRow("a.x", "v", "read") in batch.relations
    assert TableRow("d.v", table_type="view") in batch.tables


def test_tasks_of_a_workflow_share_the_schedule_that_some_of_them_name(tmp_path: Path) -> None:
    batch = read(
        tmp_path,
        {
            "a.sql": header("workflow: w\ncron: daily\ntime_zone: Asia/Shanghai"),
            "b.sql": header("workflow: w"),
            "c.sql": header("workflow: v\ncron: daily"),
            "d.sql": header("workflow: v\ncron: hourly"),
        },
    )
    assert batch.workflows == (
        WorkflowSettings("v", "v"),
        WorkflowSettings("w", "w", None, "0 0 * * *", "Asia/Shanghai"),
    )
    assert batch.warnings == (
        "workflow v: its tasks have different schedules, so it has none: 0 * * * * (no zone), 0 0 * * * (no zone)",
    )


def test_a_long_workflow_name_is_cut_with_a_hash(tmp_path: Path) -> None:
    batch = read(tmp_path, {"a.sql": header(f"workflow: {'w' * 150}")})
    (membership,) = batch.memberships
    assert len(membership.workflow_code) == 100
    assert batch.workflows == (WorkflowSettings(membership.workflow_code, "w" * 150),)


def test_two_workflows_of_one_code_are_refused(tmp_path: Path) -> None:
    cut = read(write(tmp_path / "first", {}), {"a.sql": header(f"workflow: {'w' * 150}")}).memberships[0].workflow_code
    files = {"a.sql": header(f"workflow: {'w' * 150}"), "b.sql": header(f"workflow: {cut}")}
    batch = read(tmp_path / "second", files)
    assert [task.code for task in batch.tasks] == ["a"]
    assert [(row.file, "share the code" in row.reason) for row in batch.bad] == [("b.sql", True)]


def test_statements_that_are_not_understood_are_warned_of_until_the_header_names_their_tables(tmp_path: Path) -> None:
    call = "CALL refresh_all()"
    batch = read(tmp_path, {"a.sql": call, "b.sql": f"-- wfgov\n-- writes: [d.t]\n{call}"})
    assert len(batch.warnings) == 1
    assert batch.warnings[0].startswith("a.sql: ")
    assert RelationRow("d.t", "b", "write") in batch.relations


def test_names_that_differ_in_case_only_are_warned_of(tmp_path: Path) -> None:
    batch = read(tmp_path, {"a.sql": "CREATE TABLE d.T AS FROM a.x", "b.sql": "SELECT * FROM d.t"})
    assert batch.warnings == ("tables that differ in case only are different tables: d.T, d.t",)


def test_hidden_files_other_files_and_folders_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "folder.sql").mkdir()
    batch = read(
        tmp_path, {".x.sql": "(", ".git/y.sql": "(", "z.txt": "(", "folder.sql/a.SQL": "SELECT 1", "b.sql": "SELECT 1"}
    )
    assert [task.code for task in batch.tasks] == ["b", "a"]
    assert batch.bad == ()


def test_the_same_folder_reads_the_same_twice(tmp_path: Path) -> None:
    files = {f"{name}.sql": f"INSERT INTO d.{name} SELECT * FROM a.x JOIN a.y USING (i)" for name in "qwertz"}
    assert read(tmp_path, files) == read_sql_folder(tmp_path, "duckdb")


# --- bad files -----------------------------------------------------------------------------------

HEADERS = [
    ("owner: [li", 3, "the header is not YAML"),
    ("owner: li: chen", 2, "the header is not YAML"),
    ("owner: \x07", 1, "the header is not YAML"),
    ("owner: 2026-13-45", 1, "the header is not YAML"),
    ("owner: !!python/object/apply:os.system [id]", 2, "could not determine a constructor"),
    ("just words", 2, "lines `key: value`"),
    ("- a\n- b", 2, "lines `key: value`"),
    ("owner: li\nownr: li", 3, "unknown key 'ownr'; allowed: name, description, owner, workflow,"),
    ("owner: li\n\nowner: chen", 4, "owner is there twice"),
    ("name: 2026", 2, "name must be text, not 2026; put it in quotes"),
    ("name: yes", 2, "name must be text, not True"),
    ("owner:", 2, "owner must be text, not None"),
    ("owner: ''", 2, "owner must have 1 to 255 printable characters"),
    (f"layer: {'x' * 51}", 2, "layer must have 1 to 50"),
    ('name: "a\\nb"', 2, "name must have 1 to 255 printable"),
    ("description: [a]", 2, "description must be text"),
    ("cron: 30 2 * *", 2, "cron '30 2 * *' is no cron that ever fires"),
    ("cron: 0 0 31 2 *", 2, "no cron that ever fires"),
    ("cron: once", 2, "one of hourly, daily"),
    ('cron: "*/5 * * * *"', 2, "write the header as -- lines"),
    ("time_zone: Asia/Atlantis", 2, "time_zone 'Asia/Atlantis' is no time zone"),
    ("time_zone: ../../etc/passwd", 2, "is no time zone"),
    ("priority: 6", 2, "priority must be a whole number from 1 to 5, not 6"),
    ("priority: true", 2, "priority must be a whole number"),
    ("retries: 1.5", 2, "retries must be a whole number"),
    ("timeout_seconds: -1", 2, "timeout_seconds must be a whole number"),
    ("retries: " + "9" * 5000, 1, "the header is not YAML"),
    ("depends_on: a", 2, "depends_on must be a list"),
    ("reads: [1]", 2, "reads holds 1, which must be text"),
    ("depends_on: [t]", 1, "t cannot depend on itself"),
    ("reads: [-a.y]", 1, "takes away what the SQL does not name: a.y"),
    ("owner: &a li\nname: *a", 2, "anchors (&) or aliases (*)"),
    ("reads: [[a]]", 2, "nothing deeper"),
    ("reads: " + "[" * 8000, 2, "nothing deeper"),
    ("description: " + "x" * 17_000, 1, "more than 16384 bytes"),
]


@pytest.mark.parametrize(("yaml", "line", "reason"), HEADERS, ids=[yaml[:30] for yaml, _, _ in HEADERS])
def test_a_bad_header_is_told_with_its_line(tmp_path: Path, yaml: str, line: int, reason: str) -> None:
    batch = read(tmp_path, {"t.sql": header(yaml)})
    assert [(row.file, row.line) for row in batch.bad] == [("t.sql", line)]
    assert reason in batch.bad[0].reason
    assert (batch.tasks, batch.tables, batch.relations) == ((), (), ())


def test_everything_wrong_with_a_header_is_told_at_once(tmp_path: Path) -> None:
    batch = read(tmp_path, {"t.sql": header("ownr: li\npriority: high\nname: x\ncron: never")})
    assert [row.line for row in batch.bad] == [2, 3, 5]


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        (b"", 1, "no SQL statement"),
        (b"/* wfgov\nowner: li\n*/\n-- nothing\n", 1, "no SQL statement"),
        (b"/* wfgov\nowner: li\nSELECT 1", 1, "the header never ends"),
        (b"SELECT 1;\n-- wfgov\n-- owner: li\n", 2, "must be the first thing"),
        (b"/* wfgov\nowner: li\n*/\nSELECT a\nFROM x WHERE", 5, "not duckdb SQL"),
        (b"-- wfgov\n-- owner: li\nSELECT 'abc", 3, "never ends"),
        (b"SELECT 1;\nSELECT '\xff'", 2, "not UTF-8 from byte 18 on"),
        ("SELECT 1".encode("utf-16"), 1, "not UTF-8 from byte 0 on"),
        (b"SELECT 1;\n\0", 2, "NUL"),
        (b"SELECT '" + b"x" * 2_000_000 + b"'", 1, "2,000,009 bytes of SQL; a file may have 1,000,000"),
        (b"SELECT " + b"(" * 5000 + b"1" + b")" * 5000, 1, "nested more than 100 levels"),
        (b'SELECT * FROM "a\nb"', 1, "a table's name has at most 255 printable characters"),
        (b"SELECT * FROM " + b"x" * 256, 1, "a table's name has at most 255 printable characters"),
    ],
)
def test_a_bad_file_is_told_and_the_others_are_read(tmp_path: Path, content: bytes, line: int, reason: str) -> None:
    batch = read(tmp_path, {"bad.sql": content, "good.sql": "SELECT * FROM a.x"})
    assert [(row.file, row.line) for row in batch.bad] == [("bad.sql", line)]
    assert reason in batch.bad[0].reason
    assert [task.code for task in batch.tasks] == ["good"]


def test_two_files_of_one_code_are_both_refused_by_name(tmp_path: Path) -> None:
    batch = read(tmp_path, {"x/t.sql": "SELECT 1", "y/t.sql": "SELECT 2", "u.sql": "SELECT 3"})
    reason = "task 't' is in several files: x/t.sql, y/t.sql"
    assert batch.bad == (BadRow("x/t.sql", 1, reason), BadRow("y/t.sql", 1, reason))
    assert [task.code for task in batch.tasks] == ["u"]


def test_a_file_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    (tmp_path / "gone.sql").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe.sql")
    batch = read(tmp_path, {"good.sql": "SELECT 1"})
    assert [(row.file, row.reason) for row in batch.bad] == [
        ("gone.sql", "cannot be read: No such file or directory"),
        ("pipe.sql", "cannot be read: it is no regular file"),
    ]


@pytest.mark.parametrize(
    ("dialect", "hint"), [("duckdbb", "one of: duckdb"), ("DuckDB", "one of: duckdb"), ("", "one of: athena, bigquery")]
)
def test_an_unknown_dialect_is_refused_with_the_nearest_known(tmp_path: Path, dialect: str, hint: str) -> None:
    with pytest.raises(InvalidInput, match="unknown SQL dialect") as refused:
        read(tmp_path, {"a.sql": "SELECT 1"}, dialect)
    assert refused.value.hint.startswith(hint)


def test_a_folder_without_sql_is_refused_because_it_would_empty_the_source(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"no \.sql file"):
        read_sql_folder(tmp_path, "duckdb")
    with pytest.raises(InvalidInput, match="no such folder"):
        read_sql_folder(tmp_path / "nowhere", "duckdb")


def test_the_importers_load_without_the_parser() -> None:
    code = "import sys, wfgov_dagster.importers, wfgov_dagster.wiring; sys.exit('sqlglot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
