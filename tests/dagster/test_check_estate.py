"""Each question finds what it is there to find, on both databases."""

from pathlib import Path

import pytest

from tests.dagster import estate
from wfgov_dagster.settings import Settings
from wfgov_dagster.usecases.check_estate import QUESTIONS, Verdict, check_estate
from wfgov_dagster.usecases.orchestrate import Options, orchestrate
from wfgov_dagster.wiring import Platform

SPOIL = {
    "no_cycle": "UPDATE task_topology SET cycle = 1 WHERE task_id IN (1, 2)",
    "one_task_one_workflow": "DELETE FROM workflow_task_relation WHERE task_id = 1",
    "counts_agree": "UPDATE workflow_task_relation SET upstream_task_count = 9 WHERE task_id = 1",
}


@pytest.fixture
def derived(database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WFGOV_DATABASE_URL", database_url)
    estate.fill()
    platform = Platform()
    orchestrate(platform.store, "test", Options())
    platform.close()


def ask(name: str) -> Verdict:
    platform = Platform(Settings())
    try:
        return check_estate(platform.store, name)
    finally:
        platform.close()


@pytest.mark.parametrize("name", SPOIL)
def test_what_is_spoilt_is_found_and_named(derived: None, name: str) -> None:
    assert ask(name).passed
    estate.execute(SPOIL[name])

    found = ask(name)

    assert (found.passed, found.count) == (False, 1)
    assert "load" in str(found.rows[0])


def test_an_edge_between_workflows_is_advice_until_somebody_decides(derived: None) -> None:
    found = ask("cross_workflow_edges_confirmed")
    assert (found.count, found.question.blames) == (1, False)
    assert dict(found.rows[0]) == {
        "upstream_workflow": "retail",
        "upstream_task": "clean",
        "workflow": "数据/日报",
        "task": "report",
    }

    estate.execute("UPDATE cross_workflow_dependency SET state = 'rejected'")

    assert ask("cross_workflow_edges_confirmed").passed


def test_every_question_is_answered_here() -> None:
    assert set(QUESTIONS) == {*SPOIL, "cross_workflow_edges_confirmed"}
