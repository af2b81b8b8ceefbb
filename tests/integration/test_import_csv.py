"""A CSV folder in, metadata rows out: twice is once, a source owns its rows, and a bad row stops everything."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from wfgov_dagster.errors import ImportRefused, InvalidInput
from wfgov_dagster.importers.csv_folder import LINEAGE_COLUMNS, TASK_COLUMNS, read_csv_folder
from wfgov_dagster.ports.metadata import DependencyDeclaration, ImportBatch, RelationRow, TableRow, TaskRow
from wfgov_dagster.store import import_ledger
from wfgov_dagster.store.db import Database
from wfgov_dagster.store.store import SqlStore
from wfgov_dagster.usecases.import_metadata import ImportReport, import_metadata
from wfgov_dagster.usecases.orchestrate import Options, orchestrate

TASKS = (
    "load,ods.orders,python,ods,sales,anna,daily,daily,ODS",
    "clean,dwd.orders,sql,dwd,sales,böb,daily,daily,DWD",
    "报表,ads.日报,sql,,,,,,",
)
LINEAGE = ("ods.orders,dwd.orders,clean", "dwd.v_orders,,报表", "dwd.orders,dwd.v_orders,")


class Folder:
    def __init__(self, database: Database, path: Path) -> None:
        self.database, self.store, self.path = database, SqlStore(database), path

    def write(self, tasks: tuple[str, ...] = TASKS, lineage: tuple[str, ...] = LINEAGE) -> "Folder":
        for name, columns, rows in (("tasks", TASK_COLUMNS, tasks), ("lineage", LINEAGE_COLUMNS, lineage)):
            (self.path / f"{name}.csv").write_text("\n".join((",".join(columns), *rows, "")), encoding="utf-8")
        return self

    def load(self, source: str = "here", *, skip_bad: bool = False) -> ImportReport:
        return import_metadata(self.store, "anna", source, read_csv_folder(self.path), skip_bad=skip_bad)

    def counted(self, source: str = "here") -> Mapping[str, tuple[int, int, int]]:
        """Only what is not (0, 0, 0)."""
        found = self.load(source).counted
        rows = {table: (one.added, one.changed, one.removed) for table, one in found.items()}
        return {table: row for table, row in rows.items() if any(row)}

    def run(self, *statements: str) -> None:
        with self.database.write() as conn:
            for statement in statements:
                conn.exec_driver_sql(statement)

    def all(self, query: str) -> list[tuple[Any, ...]]:
        with self.database.read() as conn:
            return [tuple(row) for row in conn.execute(sa.text(query))]

    def open_changes(self) -> int:
        with self.store.read() as work:
            return work.derivation.open_changes()

    def tasks(self) -> list[str]:
        return [code for (code,) in self.all("SELECT task_code FROM data_task WHERE deleted = 0 ORDER BY id")]


@pytest.fixture
def folder(database: Database, tmp_path: Path) -> Folder:
    place = tmp_path / "estate"
    place.mkdir()
    return Folder(database, place).write()


# --- what becomes of the rows --------------------------------------------------------------------


def test_every_row_is_found_where_it_belongs(folder: Folder) -> None:
    folder.load()
    assert folder.all("SELECT task_code, dolphin_node_type, schedule_cron, owner FROM data_task ORDER BY id") == [
        ("load", "PYTHON", "0 0 * * *", "anna"), ("clean", "SQL", "0 0 * * *", "böb"), ("报表", "SQL", None, None),
    ]  # fmt: skip
    assert folder.all(
        "SELECT db_name, table_name, layer, business_domain, data_domain, owner FROM data_table ORDER BY id"
    ) == [
        ("ods", "orders", "ODS", "sales", "ods", "anna"), ("dwd", "orders", "DWD", "sales", "dwd", "böb"),
        ("ads", "日报", None, None, None, None), ("dwd", "v_orders", None, None, None, None),
    ]  # fmt: skip
    assert folder.all("SELECT workflow_code, schedule_cron FROM workflow_settings_declaration") == [
        ("daily", "0 0 * * *")
    ]
    assert {row[0] for row in folder.all("SELECT declared_by FROM task_workflow_declaration")} == {"import:here"}


def test_it_is_orchestrated_through_the_view(folder: Folder) -> None:
    folder.load()
    report = orchestrate(folder.store, "anna", Options())
    assert report.dependencies.added == 2
    assert {one.workflow_code: one.tasks for one in report.versions} == {"daily": 3}


def test_a_table_name_is_split_at_its_last_dot(folder: Folder) -> None:
    folder.write(("t,a.b.c,sql,,,,,,", "u,plain,sql,,,,,,"), ()).load()
    assert folder.all("SELECT db_name, table_name FROM data_table ORDER BY id") == [("a.b", "c"), ("", "plain")]


def test_different_schedules_leave_the_workflow_without_one_and_say_so(folder: Folder) -> None:
    folder.write(("a,t,sql,,,,w,daily,", "b,u,sql,,,,w,hourly,", "c,v,sql,,,,x,once,"), ())
    report = folder.load()
    assert folder.all("SELECT schedule_cron FROM workflow_settings_declaration ORDER BY id") == [(None,), (None,)]
    assert any("w: its tasks have different schedules" in one for one in report.warnings)
    assert any("tasks.csv:4" in one and "'once'" in one for one in report.warnings)


# --- twice, and other sources --------------------------------------------------------------------


def test_importing_twice_leaves_the_feed_empty(folder: Folder) -> None:
    first = folder.counted()
    assert first["data_task"] == (3, 0, 0)
    orchestrate(folder.store, "anna", Options())
    assert folder.counted() == {}
    assert folder.open_changes() == 0


def test_what_changed_is_changed_and_nothing_else(folder: Folder) -> None:
    folder.load()
    orchestrate(folder.store, "anna", Options())
    folder.write((TASKS[0].replace("anna", "carl"), *TASKS[1:]))
    assert folder.counted() == {"data_task": (0, 1, 0), "data_table": (0, 1, 0)}
    assert folder.open_changes() == 2


def test_what_is_gone_is_soft_deleted_and_comes_back_as_itself(folder: Folder) -> None:
    folder.load()
    ids = folder.all("SELECT id, task_code FROM data_task ORDER BY id")
    folder.write(TASKS[:2], LINEAGE[:1])
    assert folder.counted() == {"data_task": (0, 0, 1), "data_table": (0, 0, 2), "data_lineage": (0, 0, 2),
                                "table_task_relation": (0, 0, 1)}  # fmt: skip
    assert folder.tasks() == ["load", "clean"]
    assert folder.counted() == {}
    folder.write()
    assert folder.counted()["data_task"] == (1, 0, 0)
    assert folder.all("SELECT id, task_code FROM data_task WHERE deleted = 0 ORDER BY id") == ids
    assert folder.counted() == {}


def test_a_withdrawn_declaration_is_gone(folder: Folder) -> None:
    folder.load()
    folder.write(tuple(row.replace(",daily,daily,", ",,,") for row in TASKS))
    found = folder.counted()
    assert found["task_workflow_declaration"] == (0, 0, 2)
    assert found["workflow_settings_declaration"] == (0, 0, 1)
    assert folder.all("SELECT * FROM task_workflow_declaration") == []


def test_rows_of_another_source_are_never_touched(folder: Folder) -> None:
    folder.load("one")
    folder.write(("other,x.y,sql,,,,,,",), ("ods.orders,x.y,other",)).load("two")
    folder.write(("other,x.y,sql,,,,,,",), ()).load("two")
    assert folder.tasks() == ["load", "clean", "报表", "other"]
    folder.write((), ()).load("two")
    assert folder.tasks() == ["load", "clean", "报表"]
    folder.write()
    assert folder.counted("one") == {}


def test_a_task_of_another_source_is_a_bad_row(folder: Folder) -> None:
    folder.load("one")
    with pytest.raises(ImportRefused, match="task 'load' belongs to one"):
        folder.load("two")
    folder.write((*TASKS, "new,n.t,sql,,,,,,"))
    report = folder.load("two", skip_bad=True)
    assert (len(report.bad), report.counted["data_task"].added) == (3, 1)
    assert folder.tasks() == ["load", "clean", "报表", "new"]


def test_rows_that_nobody_imported_are_used_and_left_alone(folder: Folder) -> None:
    folder.run("INSERT INTO data_task (task_code, task_name, owner) VALUES ('clean', 'Mine', 'me')",
               "INSERT INTO data_table (db_name, table_name, owner) VALUES ('dwd', 'orders', 'me')")  # fmt: skip
    folder.load()
    assert folder.counted() == {}
    assert folder.all("SELECT task_name, owner FROM data_task WHERE task_code = 'clean'") == [("Mine", "me")]
    folder.write((), ()).load()
    assert folder.tasks() == ["clean"]
    assert folder.all("SELECT owner FROM data_table WHERE deleted = 0") == [("me",)]


def test_a_row_that_somebody_removed_for_good_is_brought_again(folder: Folder) -> None:
    folder.load()
    folder.run("DELETE FROM data_task WHERE task_code = '报表'", "DELETE FROM data_lineage WHERE task_id IS NULL")
    found = folder.counted()
    assert found["data_task"] == (1, 0, 0)
    assert found["data_lineage"] == (1, 1, 0)  # the view row again, and the row that names the task by its new id
    assert folder.tasks() == ["load", "clean", "报表"]
    assert folder.counted() == {}
    orchestrate(folder.store, "anna", Options())
    assert folder.all("SELECT count(*) FROM task_dependency_view") == [(2,)]


def test_a_row_that_somebody_deleted_is_brought_back(folder: Folder) -> None:
    folder.load()
    folder.run("UPDATE data_task SET deleted = 1 WHERE task_code = 'clean'")
    assert folder.counted() == {"data_task": (1, 0, 0)}
    assert folder.tasks() == ["load", "clean", "报表"]


def test_two_sources_share_a_table_until_the_last_has_gone(folder: Folder) -> None:
    folder.load("one")
    folder.write(("other,x.y,sql,,,,,,",), ("dwd.orders,,other",)).load("two")
    deleted = "SELECT deleted FROM data_table WHERE db_name = 'dwd' AND table_name = 'orders'"
    folder.write((), ())
    assert folder.counted("one")["data_table"] == (0, 0, 3)
    assert folder.all(deleted) == [(0,)]
    folder.load("two")
    assert folder.counted("one") == {"data_table": (0, 0, 1)}
    assert folder.all(deleted) == [(1,)]
    assert folder.counted("one") == {}


def test_a_declared_dependency_on_a_task_of_another_source_is_kept(folder: Folder) -> None:
    folder.load("one")
    batch = ImportBatch(
        tables=[TableRow("x.y")], tasks=[TaskRow("late", "Late")], relations=[RelationRow("x.y", "late", "write")],
        dependencies=[DependencyDeclaration("late", "load", "told")],
    )  # fmt: skip
    import_metadata(folder.store, "anna", "two", batch)
    orchestrate(folder.store, "anna", Options())
    assert folder.all("SELECT count(*) FROM task_dependency_view WHERE kind = 'declared'") == [(1,)]


def test_rows_that_others_insert_meanwhile_are_not_taken_for_the_import(
    folder: Folder, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """New ids are told by their order: nobody may come between."""
    other = Database(database_url)

    def insert() -> None:
        with other.write() as conn:
            conn.exec_driver_sql("INSERT INTO data_task (task_code, task_name) VALUES ('stranger', '')")

    with ThreadPoolExecutor(1) as pool, monkeypatch.context() as patch:
        original, started = import_ledger.run_many, []

        def slowly(conn: sa.Connection, statement: Any, rows: Any) -> None:
            if statement.table.name == "data_task" and not started:
                started.append(pool.submit(insert))
                wait(started, timeout=0.3)
            original(conn, statement, rows)

        patch.setattr(import_ledger, "run_many", slowly)
        folder.load()
        started[0].result(timeout=60)
    other.dispose()
    assert set(folder.all(
        "SELECT l.natural_key, t.task_code FROM metadata_import AS l JOIN data_task AS t ON t.id = l.row_id "
        "WHERE l.table_name = 'data_task'"
    )) == {(code, code) for code in ("load", "clean", "报表")}  # fmt: skip


# --- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tasks", "lineage", "told"),
    [
        (("a,t,sql,,,,,",), (), "tasks.csv:2: has 8 fields instead of 9"),
        ((",t,sql,,,,,,",), (), "tasks.csv:2: task_code is empty"),
        (("a,t,perl,,,,,,",), (), "tasks.csv:2: kind is 'perl'; known: sql, python"),
        (("a,t,sql,,,,,,", "a,u,sql,,,,,,"), (), "tasks.csv:3: task 'a' is there already"),
        ((f"{'x' * 256},t,sql,,,,,,",), (), "task_code has 256 characters, at most 255 are possible"),
        (("a\x07b,t,sql,,,,,,",), (), "characters that cannot be printed"),
        ((f"a,t,sql,,,,{'w' * 120}x,,", f"b,u,sql,,,,{'w' * 120}y,,"), (), None),
        (("a,t,sql,,,,,,",), ("t,,nobody",), "lineage.csv:2: task 'nobody' is not in tasks.csv"),
        (("a,t,sql,,,,,,",), ("t,,",), "lineage.csv:2: a view needs both tables"),
        (("a,t,sql,,,,,,",), (",,a",), "lineage.csv:2: names no table"),
        (('a,"t,sql,,,,,,',), (), "cannot be read from here on"),
    ],
)  # fmt: skip
def test_a_bad_row_is_named_and_nothing_is_imported(
    folder: Folder, tasks: tuple[str, ...], lineage: tuple[str, ...], told: str | None
) -> None:
    folder.write(tasks, lineage)
    if told is None:
        assert folder.load().counted["data_task"].added == 2
        return
    with pytest.raises(ImportRefused) as caught:
        folder.load()
    assert told in str(caught.value)
    assert folder.tasks() == []
    assert folder.all("SELECT * FROM metadata_change") == []
    assert folder.all("SELECT outcome FROM workflow_operation_log") == [("refused",)]


def test_with_skip_bad_the_good_rows_are_imported(folder: Folder) -> None:
    folder.write(("a,t,sql,,,,,,", "b,u,perl,,,,,,"), ("t,,a", "t,,b"))
    report = folder.load(skip_bad=True)
    assert [(one.file, one.line) for one in report.bad] == [("tasks.csv", 3), ("lineage.csv", 3)]
    assert folder.tasks() == ["a"]


@pytest.mark.parametrize("file", ["tasks.csv", "lineage.csv"])
def test_a_missing_file_and_a_wrong_header_are_named(folder: Folder, file: str) -> None:
    (folder.path / file).write_text("one,two\n")
    with pytest.raises(InvalidInput, match="its header is one, two"):
        folder.load()
    (folder.path / file).unlink()
    with pytest.raises(InvalidInput, match="no such file") as caught:
        folder.load()
    assert caught.value.where.endswith(file)


def test_what_is_not_utf_8_is_a_bad_row(folder: Folder) -> None:
    with (folder.path / "tasks.csv").open("ab") as file:
        file.write("ü,t,sql,,,,,,\n".encode("latin-1"))
    with pytest.raises(ImportRefused, match="cannot be read"):
        folder.load()


def test_names_with_quotes_commas_and_line_breaks_survive(folder: Folder) -> None:
    folder.write(('"it\'s, ""here""",a.t,sql,,,,"销售/日报, x",,',), ('a.t,,"it\'s, ""here"""',))
    folder.load()
    assert folder.tasks() == ['it\'s, "here"']
    assert folder.all("SELECT workflow_code FROM task_workflow_declaration") == [("销售/日报, x",)]
    assert folder.counted() == {}
