"""Governed tables are shown as the last orchestration saw them, whatever the metadata holds."""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources import catalogue
from resources.catalogue import table_key
from tests.dagster import estate
from tests.dagster.runs import orchestrate
from wfgov_dagster.ports.catalogue import GovernedTable
from wfgov_dagster.ports.metadata import ImportBatch, LineageRow, RelationRow, TableRow, TaskRow
from wfgov_dagster.settings import Settings
from wfgov_dagster.usecases.import_metadata import import_metadata
from wfgov_dagster.usecases.list_tables import ListedTable, TableList, list_tables
from wfgov_dagster.usecases.tables_written import tables_written
from wfgov_dagster.wiring import Platform

FILE = "catalogue.json"
ORDERS, CLEAN, REPORT = table_key("ods", "orders"), table_key("dwd", "orders"), table_key("ads", "report")
CIRCLE = ImportBatch(
    tables=[TableRow(f"x.{name}") for name in ("a", "b", "c", "view")],
    tasks=[TaskRow("one", "one"), TaskRow("two", "two"), TaskRow("self", "self")],
    lineage=[
        LineageRow("x.b", "x.a", "one"),
        LineageRow("x.a", "x.b", "two"),
        LineageRow("x.a", "x.c", "self"),
        LineageRow("x.c", "x.c", "self"),
        LineageRow("x.c", "x.view"),
    ],
)


@pytest.fixture
def platform(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    monkeypatch.setenv("WFGOV_DATABASE_URL", database_url)
    with closing(Platform()) as platform:
        yield platform


def names(listed: TableList) -> list[tuple[str, str]]:
    return [(one.table.db_name, one.table.table_name) for one in listed.tables]


def loaded(file: Path) -> dict[dg.AssetKey, dg.AssetSpec]:
    specs = catalogue.load(file)
    dg.Definitions(assets=specs).resolve_asset_graph().toposorted_asset_keys  # noqa: B018 - a circle would raise
    return {spec.key: spec for spec in specs}


def test_orchestrating_shows_the_tables_with_their_lineage(small_estate: None, instance: dg.DagsterInstance) -> None:
    orchestrate(instance)

    specs = loaded(Settings().catalogue())

    assert set(specs) == {ORDERS, CLEAN, REPORT}
    assert [dep.asset_key for dep in specs[REPORT].deps] == [CLEAN]
    assert specs[CLEAN].owners == ["ann@example.com"]
    assert specs[ORDERS].owners == ["team:owner-01"]
    assert specs[ORDERS].metadata["business_domain"] == "sales/eu"
    assert specs[REPORT].group_name == catalogue.NO_DOMAIN


def test_tables_that_feed_each_other_in_a_circle_are_told_and_load(platform: Platform, tmp_path: Path) -> None:
    import_metadata(platform.store, "test", "circle", CIRCLE)

    listed = list_tables(platform.store, 10)
    catalogue.save(tmp_path / FILE, listed)

    found = {one.table.table_name: one for one in listed.tables}
    assert (found["a"].upstream, found["a"].circular) == ([], [("x", "b")])
    assert (found["c"].upstream, found["c"].circular) == ([("x", "a")], [])
    assert found["view"].upstream == [("x", "c")]
    assert loaded(tmp_path / FILE)[table_key("x", "a")].metadata["made also from"] == "x.b"


def test_the_limit_keeps_what_tasks_make_and_counts_the_rest(platform: Platform) -> None:
    batch = ImportBatch(
        tables=[TableRow("a.source"), TableRow("z.made")],
        tasks=[TaskRow("t", "t")],
        lineage=[LineageRow("a.source", "z.made", "t")],
    )
    import_metadata(platform.store, "test", "limit", batch)

    listed = list_tables(platform.store, 1)

    assert names(listed) == [("z", "made")]
    assert (listed.left_out, list(listed.tables[0].upstream)) == (1, [])


def test_no_table_at_all_is_an_empty_list(platform: Platform) -> None:
    assert list_tables(platform.store, 10) == TableList([], 0)


def test_what_tasks_write_is_found_in_lineage_and_relations(platform: Platform) -> None:
    batch = replace(estate.BATCH, relations=[RelationRow("dwd.orders", "load", "write")])
    import_metadata(platform.store, "test", "sample", batch)

    assert tables_written(platform.store, ["load"]) == [("dwd", "orders"), ("ods", "orders")]


def test_saving_the_same_again_leaves_the_file_alone(tmp_path: Path) -> None:
    listed = TableList([a_table()], 0)

    assert [catalogue.save(tmp_path / FILE, listed), catalogue.save(tmp_path / FILE, listed)] == [True, False]
    assert [file.name for file in tmp_path.iterdir()] == [FILE]


def test_without_a_file_nothing_is_shown(tmp_path: Path) -> None:
    assert catalogue.load(tmp_path / FILE) == []


@pytest.mark.parametrize("spoil", [lambda text: text[:-5], lambda text: text.replace("name", "nome"), lambda _: "[]"])
def test_a_spoilt_file_loads_nothing_and_is_told(
    tmp_path: Path, spoil: Callable[[str], str], caplog: pytest.LogCaptureFixture
) -> None:
    catalogue.save(tmp_path / FILE, TableList([a_table()], 0))
    file = tmp_path / FILE
    file.write_text(spoil(file.read_text()))

    with caplog.at_level(logging.WARNING):
        assert catalogue.load(tmp_path / FILE) == []

    assert "the next orchestrate writes it anew" in caplog.text


def test_a_file_of_another_release_loads_nothing(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(json.dumps({"scheme": "catalogue-9", "tables": [{"new": "shape"}]}))

    assert catalogue.load(tmp_path / FILE) == []


TEXT = st.text(max_size=12)


@given(st.lists(st.builds(GovernedTable, st.just(1), TEXT, TEXT, TEXT, TEXT, TEXT, TEXT), max_size=4))
def test_tables_with_any_texts_load(tmp_path_factory: pytest.TempPathFactory, tables: list[GovernedTable]) -> None:
    home = tmp_path_factory.mktemp("any")
    unique = {(table.db_name, table.table_name): table for table in tables if table.table_name}
    catalogue.save(home / FILE, TableList([ListedTable(table, (), ()) for table in unique.values()], 0))

    assert len(loaded(home / FILE)) == len(unique)


def a_table() -> ListedTable:
    return ListedTable(GovernedTable(1, "ods", "orders", "ODS", "sales", "ann", "table"), (), ())
