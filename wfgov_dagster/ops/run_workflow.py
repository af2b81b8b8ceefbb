"""Job `run_workflow`: one instance of the embedded engine, from its claim to its end."""

from collections.abc import Sequence
from typing import Final

import dagster as dg
from pydantic import Field

from resources import keys
from resources.catalogue import table_key
from resources.embedded_engine import EmbeddedEngineResource
from resources.store import StoreResource
from wfgov_dagster.ops import present
from wfgov_dagster.ops.actor import actor_of
from wfgov_dagster.ops.failures import as_dagster_failure
from wfgov_dagster.ports.engine import Instance, TaskInstance
from wfgov_dagster.usecases.engines import EMBEDDED
from wfgov_dagster.usecases.tables_written import tables_written

OP: Final = "run_instance"
JOB_KIND: Final = {"wfgov/kind": "run_workflow"}  # dagster.yaml leaves room beside these runs for the others


class InstanceConfig(dg.Config):
    instance_id: int = Field(description="A submitted instance: `wfgov instance list`.")
    engine: str = Field(default=EMBEDDED, description="Name of the embedded engine that it was submitted to.")


@dg.op(name=OP, description="Run the tasks of the instance as child processes, each after those it waits for.")
def run_instance(
    context: dg.OpExecutionContext,
    config: InstanceConfig,
    store: StoreResource,
    embedded_engine: EmbeddedEngineResource,
) -> None:
    with as_dagster_failure():
        engine = embedded_engine.open(config.engine, actor_of(context.run.tags))
        tags = {keys.TAG_INSTANCE: str(config.instance_id)}
        tags[keys.TAG_WORKFLOW] = engine.instance(str(config.instance_id)).workflow_code
        context.instance.add_run_tags(context.run_id, tags)
        state = embedded_engine.run(config.instance_id, context.run_id, context.log.info)
        instance, tasks = engine.instance(str(config.instance_id)), engine.task_instances(str(config.instance_id))
        written = tables_written(store.open(), [one.task_code for one in tasks]) if state == "success" else ()
    told = _told(instance, tasks)
    if state not in {None, "success"}:
        raise dg.Failure(f"the instance ended {state}: {instance.error or 'see its tasks'}", metadata=told)
    if state is None:
        told["nothing_to_do"] = dg.MetadataValue.text(f"it is {instance.state}: another run has it, or had")
    for name in written:
        by = {"workflow": instance.workflow_code, "instance": instance.instance_id}
        context.log_event(dg.AssetMaterialization(table_key(*name), metadata=by))
    context.add_output_metadata(told)


def _told(instance: Instance, tasks: Sequence[TaskInstance]) -> dict[str, dg.MetadataValue]:
    lines = [{"task": one.task_code, "state": one.state, "try": one.attempt, "error": one.error or ""} for one in tasks]
    return {
        "workflow": dg.MetadataValue.text(instance.workflow_code),
        "version": dg.MetadataValue.text("" if instance.version_no is None else f"V{instance.version_no}"),
        "state": dg.MetadataValue.text(instance.state),
        "started_by": dg.MetadataValue.text(instance.started_by),
        "tasks": present.table(lines),
        "logs": dg.MetadataValue.text(f"wfgov instance log {instance.instance_id} TASK"),
    }


@dg.job(
    name="run_workflow",
    description="Run one submitted instance. Sensor `embedded_instances` starts it; who comes first gets the instance.",
    tags=JOB_KIND,
)
def run_workflow_job() -> None:
    run_instance()
