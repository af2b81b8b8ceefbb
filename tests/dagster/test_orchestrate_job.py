"""Job `orchestrate` does what the use case does, and tells Dagster what changed."""

import dagster as dg
import pytest

from resources import keys
from tests.dagster import estate
from tests.dagster.estate import REPORT, RETAIL
from tests.dagster.runs import materializations, metadata, orchestrate

VERSIONS = keys.WORKFLOW_VERSIONS


def changed(result: dg.ExecuteInProcessResult, key: dg.AssetKey) -> list[str | None]:
    return [one.partition for one in materializations(result) if one.asset_key == key]


def test_a_first_run_makes_a_partition_and_a_version_of_each_workflow(
    small_estate: None, instance: dg.DagsterInstance
) -> None:
    result = orchestrate(instance)

    assert result.success
    assert estate.versions() == {RETAIL: 1, REPORT: 1}
    assert instance.get_dynamic_partitions("workflow") == [RETAIL, REPORT]
    assert instance.get_materialized_partitions(VERSIONS) == {RETAIL, REPORT}
    assert changed(result, keys.WORKFLOW_DEFINITIONS) == [RETAIL, REPORT]


def test_a_second_run_reports_nothing(small_estate: None, instance: dg.DagsterInstance) -> None:
    orchestrate(instance)

    again = orchestrate(instance)

    assert again.success
    assert materializations(again) == []


def test_only_the_workflows_that_changed_are_reported(small_estate: None, instance: dg.DagsterInstance) -> None:
    orchestrate(instance)
    estate.add_read("audit", "dwd", "orders")

    result = orchestrate(instance)

    assert estate.versions() == {RETAIL: 2, REPORT: 1}
    assert changed(result, keys.WORKFLOW_DEFINITIONS) == changed(result, VERSIONS) == [RETAIL]
    assert changed(result, keys.TASK_DEPENDENCY_VIEW) == [None]


def test_a_version_shows_its_dag_its_summary_and_its_hash(small_estate: None, instance: dg.DagsterInstance) -> None:
    orchestrate(instance)

    event = instance.fetch_materializations(
        dg.AssetRecordsFilter(asset_key=VERSIONS, asset_partitions=[RETAIL]), limit=1
    ).records[0]
    told = event.asset_materialization
    assert told is not None
    assert told.metadata["version"].value == "V1"
    assert "| 1 | clean | SHELL | load |" in str(told.metadata["dag"].value)
    assert told.tags is not None
    assert told.tags[keys.DATA_VERSION] == told.metadata["content_hash"].value


def test_a_full_run_moves_no_task_and_makes_no_version(small_estate: None, instance: dg.DagsterInstance) -> None:
    orchestrate(instance)

    result = orchestrate(instance, full=True)

    assert result.success
    assert changed(result, VERSIONS) == []
    assert changed(result, keys.TASK_DEPENDENCY_VIEW) == [None]


def test_the_run_says_what_it_did(small_estate: None, instance: dg.DagsterInstance) -> None:
    result = orchestrate(instance)

    told = metadata(result)
    assert told["new_versions"] == 2
    assert "| retail | V1 |" in str(told["versions"])


def test_a_run_evaluates_every_check(small_estate: None, instance: dg.DagsterInstance) -> None:
    result = orchestrate(instance)

    assert {one.check_name: one.passed for one in result.get_asset_check_evaluations()} == {
        "no_cycle": True,
        "one_task_one_workflow": True,
        "counts_agree": True,
        "cross_workflow_edges_confirmed": False,
    }


def test_partitions_of_workflows_that_are_gone_go_too(small_estate: None, instance: dg.DagsterInstance) -> None:
    instance.add_dynamic_partitions("workflow", ["of another database"])

    orchestrate(instance)

    assert "of another database" not in instance.get_dynamic_partitions("workflow")


def test_it_runs_on_postgresql(
    postgres_url: str, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WFGOV_DATABASE_URL", postgres_url)
    estate.fill()

    assert orchestrate(instance).success

    assert estate.versions() == {RETAIL: 1, REPORT: 1}


def test_without_a_database_the_run_fails_and_says_what_to_do(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WFGOV_DATABASE_URL", "postgresql://wfgov:hush@127.0.0.1:1/none")

    result = orchestrate(instance)

    assert not result.success
    told = "\n".join(entry.to_json() for entry in instance.all_logs(result.run_id))
    assert "store" in told
    assert "hush" not in told


def test_a_new_version_shows_its_class_and_what_differs(small_estate: None, instance: dg.DagsterInstance) -> None:
    orchestrate(instance)
    estate.add_read("audit", "dwd", "orders")
    estate.execute("UPDATE data_task SET task_sql = 'echo ```\nexport token=hush' WHERE task_code = 'load'")

    told = next(one.metadata for one in materializations(orchestrate(instance)) if one.asset_key == VERSIONS)

    assert (told["version"].value, told["compared_with"].value, told["class"].value) == ("V2", "V1", "breaking")
    assert str(told["diff"].value).splitlines() == [
        "```diff",
        "class: breaking",
        "  table ods.orders: its rows, or all its columns, are others; read by retail/clean",
        "",
        "+edge clean → audit",
        "~task load",
        "  ~text: 1 → 2 lines",
        "```",
    ]


def test_of_more_new_versions_than_a_run_compares_each_says_how_to_see_it(
    small_estate: None, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wfgov_dagster.ops.news._DRAWN", 0)
    first = [one.metadata for one in materializations(orchestrate(instance)) if one.asset_key == VERSIONS]
    assert [one["class"].value for one in first] == ["first version"] * 2
    estate.add_read("audit", "dwd", "orders")

    told = next(one.metadata for one in materializations(orchestrate(instance)) if one.asset_key == VERSIONS)

    assert (told["version"].value, "diff" in told) == ("V2", False)
    assert str(told["class"].value).endswith("materialise this partition, or wfgov version diff")
    assert told["content_hash"].value == estate.execute("SELECT content_hash FROM workflow_version ORDER BY id")[-1][0]


def test_a_first_version_is_compared_with_nothing(small_estate: None, instance: dg.DagsterInstance) -> None:
    told = [one.metadata for one in materializations(orchestrate(instance)) if one.asset_key == VERSIONS]

    assert [(one["class"].value, "diff" in one) for one in told] == [("first version", False)] * 2
