"""Dagster's own pages with our metadata, in a real browser."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dagster import estate
from tests.dagster.estate import REPORT, RETAIL
from tests.support.browser import Browser
from tests.support.dagster_pages import DagsterPages, opened
from tests.support.served import Up, serving, until


@pytest.fixture(scope="module")
def up(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with estate.at_home(sqlite_template, tmp_path_factory.mktemp("pages")) as home, serving(home) as up:
        until(estate.versions, lambda found: found == {RETAIL: 1, REPORT: 1})
        yield up


@pytest.fixture
def pages(browser: Browser) -> Iterator[DagsterPages]:
    with opened(browser) as pages:
        yield pages
        assert pages.errors == []


def shown(pages: DagsterPages, url: str, *texts: str) -> str:
    """The page, once it has these texts: a first run may still be going on, or the definitions be loaded anew."""

    def visit() -> str:
        pages.visit(url)
        return " ".join(pages.text().split())

    return until(visit, lambda found: all(text in found for text in texts))


def test_the_asset_graph_shows_the_way_from_metadata_to_engines(up: Up, pages: DagsterPages) -> None:
    names = ("data_lineage", "task_dependency_view", "workflow_definitions", "workflow_versions", "engine_deployments")

    shown(pages, f"{up.url}/locations/wfgov/asset-groups/governance", *names, "2 partitions")


def test_a_version_shows_why_it_was_made_and_its_dag(up: Up, pages: DagsterPages) -> None:
    page = f"{up.url}/assets/workflow_versions?view=partitions&partition={RETAIL}"

    shown(pages, page, "+edge load → clean (reads ods.orders)", "1 clean SHELL load")


def test_governed_tables_appear_when_they_are_known(up: Up, pages: DagsterPages) -> None:
    shown(pages, f"{up.url}/assets/table/dwd/orders?view=lineage", "sales_eu", "report")


def test_a_publish_is_launched_by_choosing_the_workflow(up: Up, pages: DagsterPages) -> None:
    pages.choose_partition(up.url, "publish", REPORT)
    assert f"wfgov/workflow: {REPORT}" in pages.text()
    assert "operation: 'deploy'" in pages.text()

    pages.launch()

    shown = pages.text()
    assert "send V1" in shown
    assert "success (confirmed)" in shown
    assert estate.execute("SELECT status FROM workflow_publish_record") == [("success",)]


def test_ctrl_c_stops_it_while_somebody_looks(up: Up, pages: DagsterPages) -> None:
    """After all that look at this file's server."""
    pages.visit(up.url)

    assert up.stop(signal.SIGINT) == 0

    assert [child for child in up.children if child.is_running()] == []
