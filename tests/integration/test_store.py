"""What the store promises on both databases: transactions, columns, conditions over many values, the change feed."""

import json
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.size import size
from wfgov_dagster.errors import Conflict, DatabaseBusy, DatabaseMissing, InvalidInput, StoreError
from wfgov_dagster.store.among import among
from wfgov_dagster.store.change_feed import NODES
from wfgov_dagster.store.change_feed import WATCHED as FIRST_WATCHED
from wfgov_dagster.store.db import Database, normalised
from wfgov_dagster.store.frames import bulk_frame, frame
from wfgov_dagster.store.schema.given import data_table, data_task
from wfgov_dagster.store.writes import insert

NASTY = ["", " ", "''", '"', "a,b", "a\nb", "a\r\nb", "\\", "\\N", "\t", "NULL", "null", "é", "中文", "😀", "%s", ":x",
         "\x01", "\u2028", "1.5", '""', ",", "\n", "{}", "a" * 70_000]  # fmt: skip
T = data_task.c


# --- transactions --------------------------------------------------------------------------------


def count(database: Database) -> int:
    with database.read() as conn:
        return int(conn.exec_driver_sql("SELECT count(*) FROM data_task").scalar_one())


INSERT = "INSERT INTO data_task (task_code, task_name) VALUES ('{}', '')"


def test_what_was_written_is_found_again(database: Database) -> None:
    with database.write() as conn:
        conn.exec_driver_sql(INSERT.format("a"))
    assert count(database) == 1


def failing(database: Database) -> None:
    with database.write() as conn:
        conn.exec_driver_sql(INSERT.format("a"))
        raise OSError("the power is gone")


def test_an_error_undoes_everything(database: Database) -> None:
    with pytest.raises(OSError, match="power"):
        failing(database)
    assert count(database) == 0


def test_a_read_sees_one_moment(database: Database) -> None:
    with database.read() as conn:
        assert conn.exec_driver_sql("SELECT count(*) FROM data_task").scalar() == 0
        with database.write() as other:
            other.exec_driver_sql(INSERT.format("a"))
        assert conn.exec_driver_sql("SELECT count(*) FROM data_task").scalar() == 0
    assert count(database) == 1


def test_a_broken_constraint_is_a_conflict(database: Database) -> None:
    with database.write() as conn:
        conn.exec_driver_sql(INSERT.format("a"))
    with pytest.raises(Conflict), database.write() as conn:
        conn.exec_driver_sql(INSERT.format("a"))
    with pytest.raises(Conflict), database.write() as conn:
        conn.exec_driver_sql("INSERT INTO data_task (task_code, task_name, task_type) VALUES ('b', '', 'nonsense')")


def test_a_table_that_is_missing_says_what_to_do(database: Database) -> None:
    with pytest.raises(DatabaseMissing) as caught, database.read() as conn:
        conn.exec_driver_sql("SELECT * FROM nowhere")
    assert caught.value.hint == "run: wfgov db upgrade"


def test_two_writers_on_sqlite_wait_for_each_other_and_give_up_in_time(sqlite_url: str) -> None:
    first, second = Database(sqlite_url), Database(sqlite_url, busy_timeout_seconds=0.1)
    with first.write() as conn:
        conn.exec_driver_sql(INSERT.format("a"))
        with pytest.raises(DatabaseBusy), second.write():
            pass
    assert count(second) == 1
    first.dispose()
    second.dispose()


@pytest.mark.postgresql
def test_a_deadlock_on_postgresql_may_be_tried_again(postgres_url: str) -> None:
    database = Database(postgres_url)
    with pytest.raises(DatabaseBusy) as caught, database.write() as conn:
        conn.exec_driver_sql("DO $$ BEGIN RAISE EXCEPTION 'circle' USING ERRCODE = 'deadlock_detected'; END $$")
    assert caught.value.retryable
    database.dispose()


def test_errors_never_show_the_password() -> None:
    database = Database("postgresql://anna:secret@localhost:1/nowhere?connect_timeout=2")
    with pytest.raises(StoreError) as caught, database.read():
        pass
    assert "secret" not in caught.value.sentence()
    database.dispose()


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("postgresql://x/y", "postgresql+psycopg"),
        ("postgresql+psycopg2://x/y", "postgresql+psycopg"),
        ("sqlite:///a.db", "sqlite"),
    ],
)
def test_a_url_means_the_driver_that_is_installed(url: str, driver: str) -> None:
    assert normalised(url).drivername == driver


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://x/y", "sqlite://", "sqlite:///:memory:"])
def test_a_url_of_no_use_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput):
        normalised(url)


# --- columns -------------------------------------------------------------------------------------

SCHEMA = {"id": pl.Int64, "code": pl.String, "text": pl.String, "priority": pl.Int64}
QUERY = sa.select(T.id, T.task_code, sa.func.coalesce(T.task_sql, ""), sa.func.coalesce(T.priority, -1))


def fill(database: Database, texts: list[str]) -> None:
    rows = [(f"t{at}", "", text, at % 5) for at, text in enumerate(texts)]
    with database.write() as conn:
        conn.exec_driver_sql("DELETE FROM data_task")
        insert(conn, data_task, ("task_code", "task_name", "task_sql", "priority"), rows)


def both_ways(database: Database) -> tuple[pl.DataFrame, pl.DataFrame]:
    with database.read() as conn:
        return frame(conn, QUERY, SCHEMA).sort("id"), bulk_frame(conn, QUERY, SCHEMA).sort("id")


def test_any_text_comes_back_as_it_was_whatever_the_way(database: Database) -> None:
    fill(database, NASTY)
    for found in both_ways(database):
        assert found["text"].to_list() == NASTY
        assert found.schema == pl.Schema(SCHEMA)


@settings(max_examples=size(25, 300), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20), max_size=8))
def test_random_text_comes_back_too(database: Database, texts: list[str]) -> None:
    fill(database, texts)
    for found in both_ways(database):
        assert found["text"].to_list() == texts


def test_many_rows_with_line_breaks_come_back_in_bulk(database: Database) -> None:
    """Readers of CSV that work in pieces must not cut inside a quoted text."""
    texts = [f'{at}\n"{at}",\n\n{at}' * (1 + at % 7) for at in range(30_000)]
    fill(database, texts)
    with database.read() as conn:
        found = bulk_frame(conn, QUERY, SCHEMA).sort("id")
    assert found["text"].to_list() == texts


def test_no_rows_are_an_empty_frame(database: Database) -> None:
    for found in both_ways(database):
        assert (found.height, found.schema) == (0, pl.Schema(SCHEMA))


def test_one_row_and_one_column_are_no_special_case(database: Database) -> None:
    fill(database, [""])
    with database.read() as conn:
        assert bulk_frame(conn, sa.select(T.task_sql), {"text": pl.String})["text"].to_list() == [""]
        assert bulk_frame(conn, sa.select(T.priority), {"number": pl.Int64})["number"].to_list() == [0]


def test_large_numbers_survive(database: Database) -> None:
    with database.write() as conn:
        insert(conn, data_table, ("id", "table_name"), [(2**63 - 1, "a"), (-(2**63), "b")])
    query = sa.select(data_table.c.id).order_by(data_table.c.table_name)
    with database.read() as conn:
        assert bulk_frame(conn, query, {"id": pl.Int64})["id"].sort().to_list() == [-(2**63), 2**63 - 1]


def test_nothing_is_lost_by_inserting_nothing(database: Database) -> None:
    with database.write() as conn:
        insert(conn, data_task, ("task_code",), iter(()))
    assert count(database) == 0


# --- among ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("codes", [[], ["a"], ["a", "a", "中"], NASTY, [f"t{at}" for at in range(70_000)]])
def test_a_condition_takes_any_number_of_texts(database: Database, codes: list[str]) -> None:
    with database.write() as conn:
        insert(conn, data_task, ("task_code", "task_name"), [(code, "") for code in ("a", "中", "t69999", "'", "😀")])
    with database.read() as conn:
        found = set(conn.scalars(sa.select(T.task_code).where(among(conn, T.task_code, codes))))
    assert found == {"a", "中", "t69999", "'", "😀"} & set(codes)


@pytest.mark.parametrize("ids", [[], [1], {2, 3}, frozenset({1, 99}), list(range(-5, 70_000)), [2**62]])
def test_a_condition_takes_any_number_of_ids(database: Database, ids: Any) -> None:
    with database.write() as conn:
        insert(conn, data_task, ("id", "task_code", "task_name"), [(at, f"t{at}", "") for at in (1, 2, 3)])
    with database.read() as conn:
        assert set(conn.scalars(sa.select(T.id).where(among(conn, T.id, ids)))) == {1, 2, 3} & set(ids)


# --- the change feed -----------------------------------------------------------------------------

ROWS = {
    "data_task": ({"task_code": "a", "task_name": ""}, {"task_name": "b"}),
    "data_table": ({"table_name": "a"}, {"owner": "b"}),
    "data_lineage": ({"task_id": 1, "upstream_table_id": 2, "downstream_table_id": None}, {"task_id": None}),
    "table_task_relation": ({"table_id": 1, "task_id": 2, "relation_type": "read"}, {"task_id": 3}),
    "task_workflow_declaration": ({"task_id": 1, "workflow_code": "w", "declared_by": "a"}, {"task_id": 2}),
    "task_dependency_declaration": (
        {"task_id": 1, "upstream_task_id": 2, "reason": "", "declared_by": "a"},
        {"upstream_task_id": 3},
    ),
    "workflow_settings_declaration": ({"workflow_code": "w 中", "declared_by": "a"}, {"workflow_code": "v"}),
    "task_node_declaration": ({"task_id": 1, "spec": "{}", "declared_by": "a"}, {"task_id": 2}),
}
WATCHED = {**FIRST_WATCHED, **NODES}


@pytest.mark.parametrize("table", WATCHED)
def test_every_change_is_in_the_feed_with_the_keys_from_before(database: Database, table: str) -> None:
    first, change = ROWS[table]
    with database.write() as conn:
        row = sa.table(table, sa.column("id"), *map(sa.column, {**first, **change}))
        conn.execute(sa.insert(row).values(first))
        conn.execute(sa.update(row).values(change))
        conn.execute(sa.delete(row))
    with database.read() as conn:
        feed = conn.exec_driver_sql(
            "SELECT table_name, row_id, action, before, batch_id FROM metadata_change ORDER BY seq"
        )
        found = [tuple(one) for one in feed]
    keys = WATCHED[table]

    def told(values: dict[str, Any]) -> list[Any] | None:
        return [values.get(key) for key in keys] if keys else None

    assert [(name, row_id, action, before and json.loads(before)) for name, row_id, action, before, _ in found] == [
        (table, 1, "insert", None), (table, 1, "update", told(first)), (table, 1, "delete", told({**first, **change})),
    ]  # fmt: skip
    assert {one[4] for one in found} == {None}


def test_a_statement_over_many_rows_is_a_change_of_each(database: Database) -> None:
    with database.write() as conn:
        conn.exec_driver_sql("INSERT INTO data_table (table_name) VALUES ('a'), ('b'), ('c')")
        conn.exec_driver_sql("UPDATE data_table SET owner = 'x' WHERE table_name <> 'b'")
        conn.exec_driver_sql("DELETE FROM data_table WHERE table_name = 'nobody'")
    with database.read() as conn:
        feed = conn.exec_driver_sql("SELECT row_id, action FROM metadata_change ORDER BY seq")
        assert [tuple(one) for one in feed] == [
            (1, "insert"),
            (2, "insert"),
            (3, "insert"),
            (1, "update"),
            (3, "update"),
        ]


def test_what_was_rolled_back_is_not_in_the_feed(database: Database) -> None:
    with pytest.raises(OSError, match="power"):
        failing(database)
    with database.read() as conn:
        assert conn.exec_driver_sql("SELECT count(*) FROM metadata_change").scalar() == 0


@pytest.mark.parametrize("edit", ["UPDATE data_lineage SET id = id + 100", "UPDATE data_task SET id = id + 100"])
def test_a_changed_id_is_told_under_both(database: Database, edit: str) -> None:
    with database.write() as conn:
        conn.exec_driver_sql("INSERT INTO data_lineage (task_id, upstream_table_id) VALUES (1, 2)")
        conn.exec_driver_sql(INSERT.format("a"))
    with database.write() as conn:
        before = conn.exec_driver_sql("SELECT max(seq) FROM metadata_change").scalar()
        conn.exec_driver_sql(edit)
        feed = conn.exec_driver_sql(f"SELECT DISTINCT row_id FROM metadata_change WHERE seq > {before} ORDER BY row_id")
        assert list(feed.scalars()) == [1, 101]


@pytest.mark.postgresql
@pytest.mark.parametrize("table", WATCHED)
def test_truncating_a_table_is_a_delete_of_each_row(postgres_url: str, table: str) -> None:
    database = Database(postgres_url)
    first, _ = ROWS[table]
    with database.write() as conn:
        conn.execute(sa.insert(sa.table(table, *map(sa.column, first))).values(first))
        conn.exec_driver_sql(f"TRUNCATE {table}")
        feed = conn.exec_driver_sql("SELECT row_id, action, before FROM metadata_change ORDER BY seq").all()
    keys = WATCHED[table]
    assert [tuple(row[:2]) for row in feed] == [(1, "insert"), (1, "delete")]
    assert (feed[1][2] and json.loads(feed[1][2])) == ([first.get(key) for key in keys] if keys else None)
    database.dispose()
