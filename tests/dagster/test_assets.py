"""The assets are shells: materialising them is running the steps."""

import dagster as dg
import pytest

from assets.checks import estate_checks
from resources import keys
from tests.dagster import estate
from tests.dagster.estate import REPORT, RETAIL
from wfgov_dagster.definitions import defs

CHAIN = [keys.TASK_DEPENDENCY_VIEW, keys.WORKFLOW_DEFINITIONS, keys.WORKFLOW_VERSIONS]


def materialize(instance: dg.DagsterInstance, key: dg.AssetKey, partition: str | None = None) -> dict[str, object]:
    job = defs.resolve_implicit_job_def_def_for_assets([key])
    assert job is not None
    result = job.execute_in_process(instance=instance, partition_key=partition, asset_selection=[key])
    events = result.get_asset_materialization_events()
    return {name: one.value for name, one in events[0].step_materialization_data.materialization.metadata.items()}


def test_materialising_one_partition_runs_the_whole_step(small_estate: None, instance: dg.DagsterInstance) -> None:
    instance.add_dynamic_partitions("workflow", [RETAIL])

    dependencies, definition, version = (
        materialize(instance, key, None if key == keys.TASK_DEPENDENCY_VIEW else RETAIL) for key in CHAIN
    )

    assert dependencies["added"] == 2
    assert definition["state"] == "ready"
    assert version["version"] == "V1"
    assert estate.versions() == {RETAIL: 1, REPORT: 1}


def test_a_partition_of_no_workflow_says_so(small_estate: None, instance: dg.DagsterInstance) -> None:
    instance.add_dynamic_partitions("workflow", ["of another database"])

    for key in (keys.WORKFLOW_DEFINITIONS, keys.WORKFLOW_VERSIONS):
        assert "no such workflow" in str(materialize(instance, key, "of another database")["version"])


def test_deployments_cannot_be_materialised_by_a_click() -> None:
    assert not defs.resolve_asset_graph().get(keys.ENGINE_DEPLOYMENTS).is_executable


@pytest.mark.parametrize("check", estate_checks, ids=lambda check: next(iter(check.check_keys)).name)
def test_each_check_can_be_run_alone(
    small_estate: None, instance: dg.DagsterInstance, check: dg.AssetChecksDefinition
) -> None:
    defs.resolve_job_def("orchestrate").execute_in_process(instance=instance)
    name = next(iter(check.check_keys)).name

    job = dg.define_asset_job("ask", selection=dg.AssetSelection.checks(check))
    result = (
        dg.Definitions.merge(defs, dg.Definitions(jobs=[job]))
        .resolve_job_def("ask")
        .execute_in_process(instance=instance)
    )

    evaluation = result.get_asset_check_evaluations()[0]
    assert evaluation.passed == (name != "cross_workflow_edges_confirmed")
