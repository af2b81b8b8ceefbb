"""Jobs of the code location, executed here against a real instance."""

import dagster as dg

from wfgov_dagster.definitions import defs
from wfgov_dagster.ops import publish, run_workflow


def execute(
    instance: dg.DagsterInstance, job: str, config: dict[str, dict[str, object]] | None = None, **options: object
) -> dg.ExecuteInProcessResult:
    """`config`: op → its config."""
    run_config = {"ops": {op: {"config": values} for op, values in (config or {}).items()}}
    resolved = defs.resolve_job_def(job)
    return resolved.execute_in_process(run_config=run_config, instance=instance, raise_on_error=False, **options)


def orchestrate(instance: dg.DagsterInstance, **config: object) -> dg.ExecuteInProcessResult:
    return execute(instance, "orchestrate", {"derive_and_save": config})


def publish_it(instance: dg.DagsterInstance, code: str, **config: object) -> dg.ExecuteInProcessResult:
    return execute(instance, "publish", {publish.OP: config}, partition_key=code)


def run_it(instance: dg.DagsterInstance, instance_id: int) -> dg.ExecuteInProcessResult:
    return execute(instance, "run_workflow", {run_workflow.OP: {"instance_id": instance_id}})


def materializations(result: dg.ExecuteInProcessResult) -> list[dg.AssetMaterialization]:
    return [one.step_materialization_data.materialization for one in result.get_asset_materialization_events()]


def metadata(result: dg.ExecuteInProcessResult) -> dict[str, object]:
    """What the one op of a job that succeeded said at its end."""
    outputs = [one for one in result.all_events if one.event_type == dg.DagsterEventType.STEP_OUTPUT]
    return {name: one.value for name, one in outputs[0].step_output_data.metadata.items()}


def failure(result: dg.ExecuteInProcessResult) -> tuple[str, dict[str, object]]:
    """(message, metadata) of the one op of a job that failed; it was tried once only."""
    assert not result.success
    assert [one for one in result.all_events if one.event_type == dg.DagsterEventType.STEP_UP_FOR_RETRY] == []
    failed = next(one for one in result.all_events if one.event_type == dg.DagsterEventType.STEP_FAILURE)
    data = failed.step_failure_data
    told = data.user_failure_data
    assert told is not None, data.error
    return str(told.description), {name: one.value for name, one in told.metadata.items()}


def tags(instance: dg.DagsterInstance, result: dg.ExecuteInProcessResult) -> dict[str, str]:
    run = instance.get_run_by_id(result.run_id)
    assert run is not None
    return dict(run.tags)
