"""The public bigquery-etl estate, imported and orchestrated: numbers that were counted by other means beforehand."""

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

import networkx as nx
import pytest
import sqlalchemy as sa

from tests.integration.derivation_support import check_by_search, exported, forget
from tests.support.database_copy import a_copy
from wfgov_dagster.domain.snapshot import digest, document
from wfgov_dagster.importers.csv_folder import read_csv_folder
from wfgov_dagster.settings import CHECKOUT
from wfgov_dagster.store.db import Database
from wfgov_dagster.store.store import SqlStore
from wfgov_dagster.usecases.import_metadata import ImportReport, import_metadata
from wfgov_dagster.usecases.orchestrate import Options, OrchestrationReport, orchestrate

SAMPLE = CHECKOUT / "sql/samples/bigquery-etl"
TELEMETRY = "moz-fx-data-shared-prod.telemetry_derived.clients_histogram_aggregates"
CIRCLE = (f"{TELEMETRY}_new_v1", f"{TELEMETRY}_v2")


def imported(store: SqlStore) -> ImportReport:
    return import_metadata(store, "system", "bigquery-etl", read_csv_folder(SAMPLE))


Reports = tuple[ImportReport, OrchestrationReport]


@pytest.fixture(scope="module")
def whole(new_database: Callable[[], str]) -> tuple[Database, Reports]:
    """Imported and orchestrated once; the tests get copies."""
    database = Database(new_database())
    store = SqlStore(database)
    return database, (imported(store), orchestrate(store, "system", Options()))


@pytest.fixture
def database(whole: tuple[Database, Reports], tmp_path: Path) -> Iterator[Database]:
    with a_copy(whole[0], tmp_path) as url:
        copy = Database(url)
        yield copy
        copy.dispose()


@pytest.fixture
def first(whole: tuple[Database, Reports]) -> Reports:
    return whole[1]


def numbers(database: Database, query: str) -> list[tuple[object, ...]]:
    with database.read() as conn:
        return [tuple(row) for row in conn.execute(sa.text(query))]


def plain_pairs() -> Iterator[tuple[str, str, bool]]:
    """(task, upstream, direct) straight from the two files, by networkx; `direct` = without a view."""
    with (SAMPLE / "lineage.csv").open(encoding="utf-8", newline="") as lines:
        lineage = list(csv.DictReader(lines))
    with (SAMPLE / "tasks.csv").open(encoding="utf-8", newline="") as lines:
        writes = {(row["task_code"], row["output_table"]) for row in csv.DictReader(lines) if row["output_table"]}
    writes |= {
        (row["task_code"], row["downstream_table"]) for row in lineage if row["task_code"] and row["downstream_table"]
    }
    writers: dict[str, set[str]] = {}
    for task, table in writes:
        writers.setdefault(table, set()).add(task)
    views = nx.DiGraph((row["downstream_table"], row["upstream_table"]) for row in lineage if not row["task_code"])
    direct, through = set(), set()
    for row in lineage:
        task, table = row["task_code"], row["upstream_table"]
        if task and table:
            direct |= {(task, up) for up in writers.get(table, ()) if up != task}
            below = nx.descendants(views, table) if table in views else set()
            through |= {(task, up) for source in below for up in writers.get(source, ()) if up != task}
    yield from ((*pair, True) for pair in direct)
    yield from ((*pair, False) for pair in through - direct)


def test_every_task_is_in_exactly_one_workflow(database: Database) -> None:
    rows = numbers(
        database,
        "SELECT t.id, count(r.id) FROM data_task AS t LEFT JOIN workflow_task_relation AS r ON r.task_id = t.id "
        "WHERE t.deleted = 0 GROUP BY t.id",
    )
    assert (len(rows), {count for _, count in rows}) == (1064, {1})


def test_dependencies_are_those_of_the_files(database: Database, first: Reports) -> None:
    rows = numbers(
        database,
        "SELECT down.task_code, up.task_code, v.kind FROM task_dependency_view AS v "
        "JOIN data_task AS down ON down.id = v.task_id JOIN data_task AS up ON up.id = v.upstream_task_id",
    )
    assert {(task, up, kind == "direct") for task, up, kind in rows} == set(plain_pairs())
    assert (len(rows), sum(kind == "view" for _, _, kind in rows)) == (816, 323)
    assert first[1].dependencies.added == 816
    check_by_search(database)


def test_the_cycle_is_named_with_its_tasks_and_tables_in_a_draft(database: Database) -> None:
    rows = numbers(
        database,
        "SELECT workflow_code, status, current_version_id, definition_error FROM data_workflow "
        "WHERE definition_error IS NOT NULL",
    )
    a, b = CIRCLE
    told = f"tasks depend on each other in a circle: {a} → {b} (reads {a}) → {a} (reads {b})"
    assert rows == [("auto.telemetry._", "draft", None, told)]


def test_a_second_time_nothing_happens(database: Database) -> None:
    store = SqlStore(database)
    before = exported(database)
    assert imported(store).changes == 0
    with store.read() as work:
        assert work.derivation.open_changes() == 0
    report = orchestrate(store, "system", Options())
    assert (report.dependencies.changes, report.definitions.placed, report.versions) == (0, 0, ())
    assert exported(database) == before


def test_a_full_rebuild_moves_no_task_and_makes_no_version(database: Database) -> None:
    before = exported(database)
    forget(database)
    report = orchestrate(SqlStore(database), "system", Options(full=True))
    assert (report.definitions.placed, report.definitions.moved, report.versions) == (0, 0, ())
    assert exported(database) == before


def test_every_kept_version_is_rebuilt_from_the_logs(database: Database, first: Reports) -> None:
    rows = numbers(
        database,
        "SELECT w.workflow_code, v.version_no, v.content_hash FROM workflow_version AS v "
        "JOIN data_workflow AS w ON w.id = v.workflow_id",
    )
    assert len(rows) == len(first[1].versions) > 150
    with SqlStore(database).read() as work:
        for code, number, content_hash in rows:
            assert digest(document(work.versions.definition(str(code), int(str(number))))) == content_hash


def test_good_workflows_have_a_version_and_are_ready(database: Database) -> None:
    rows = numbers(database, "SELECT status, current_version_id IS NULL, count(*) FROM data_workflow GROUP BY 1, 2")
    kinds = {(status, bool(bare)): count for status, bare, count in rows}
    assert set(kinds) == {("ready", False), ("draft", True)}
    assert kinds["draft", True] == 1
