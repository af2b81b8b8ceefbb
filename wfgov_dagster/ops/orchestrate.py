"""Job `orchestrate`: the three steps from the change feed to versions, in one run for any number of workflows."""

from collections.abc import Iterator
from typing import Final

import dagster as dg
from pydantic import Field

from resources import catalogue, keys, names
from resources.store import StoreResource
from wfgov_dagster.ops import present
from wfgov_dagster.ops.actor import actor_of
from wfgov_dagster.ops.failures import as_dagster_failure
from wfgov_dagster.ops.verdicts import evaluations
from wfgov_dagster.ports.store import Store
from wfgov_dagster.usecases.list_tables import list_tables
from wfgov_dagster.usecases.orchestrate import Options, OrchestrationReport, orchestrate
from wfgov_dagster.usecases.save_versions import NewVersion

_DRAWN: Final = 100  # DAGs a run: a first run over a large estate would read every definition again


class OrchestrateConfig(dg.Config):
    full: bool = Field(
        default=False, description="Derive everything again, not only what changed. Memberships stay; slower."
    )


@dg.op(description="Take the open metadata changes; derive dependencies, definitions and versions.")
def derive_and_save(context: dg.OpExecutionContext, config: OrchestrateConfig, store: StoreResource) -> None:
    options = Options(store.settings.time_zone, config.full, store.settings.rebuild_above_rows)
    with as_dagster_failure(max_retries=3):
        opened = store.open()
        report = orchestrate(opened, actor_of(context.run.tags), options)
        sync_partitions(context.instance, opened)
        catalogue.save(store.settings.root(), list_tables(opened, store.settings.catalogue_limit))
        for event in _materializations(report, opened):
            context.log_event(event)
        for verdict in evaluations(opened):
            context.log_event(verdict)  # type: ignore[arg-type]  # Dagster takes it, only its annotation forgot it
    context.add_output_metadata(summary(report))


@dg.job(
    name="orchestrate",
    description="Bring dependencies, workflow definitions and versions up to the metadata. Sensor `metadata_changed` "
    "starts it; one run takes all open changes, and running it twice changes nothing.",
    tags={"dagster/priority": "20", "dagster/max_runtime": "7200"},
)
def orchestrate_job() -> None:
    derive_and_save()


def sync_partitions(instance: dg.DagsterInstance, store: Store) -> None:
    """One partition for each workflow that there is."""
    with store.read() as work:
        wanted = {names.partition(code) for code in work.workflows.all()["code"]}
    name = str(keys.WORKFLOWS.name)
    present_ones = set(instance.get_dynamic_partitions(name))
    instance.add_dynamic_partitions(name, sorted(wanted - present_ones))
    for gone in sorted(present_ones - wanted):
        instance.delete_dynamic_partition(name, gone)


def summary(report: OrchestrationReport) -> dict[str, dg.MetadataValue]:
    """The run in a few lines."""
    dependencies, definitions = report.dependencies, report.definitions
    versions = [
        {"workflow": one.workflow_code, "version": f"V{one.version_no}", "change": one.change_summary}
        for one in report.versions
    ]
    broken = [{"workflow": code, "error": error} for code, error in sorted((definitions.broken or {}).items())]
    return {
        "mode": dg.MetadataValue.text(dependencies.mode),
        "changes_taken": dg.MetadataValue.int(dependencies.changes),
        "dependencies_added": dg.MetadataValue.int(dependencies.added),
        "dependencies_removed": dg.MetadataValue.int(dependencies.removed),
        "tasks_placed": dg.MetadataValue.int(definitions.placed),
        "tasks_moved": dg.MetadataValue.int(definitions.moved),
        "definitions_changed": dg.MetadataValue.int(len(definitions.changed)),
        "new_versions": dg.MetadataValue.int(len(report.versions)),
        "versions": present.table(versions),
        "drafts": present.table(broken),
    }


def _materializations(report: OrchestrationReport, store: Store) -> Iterator[dg.AssetMaterialization]:
    """One for each workflow that changed; none where nothing did."""
    dependencies = report.dependencies
    if dependencies.changes or dependencies.mode == "full":
        numbers = {"changes": dependencies.changes, "added": dependencies.added, "removed": dependencies.removed}
        yield dg.AssetMaterialization(keys.TASK_DEPENDENCY_VIEW, metadata=numbers)
    broken = report.definitions.broken or {}
    for code in report.definitions.changed:
        told = {"workflow": code, "state": f"draft: {broken[code]}" if code in broken else "ready"}
        yield dg.AssetMaterialization(keys.WORKFLOW_DEFINITIONS, partition=names.partition(code), metadata=told)
    for number, one in enumerate(report.versions):
        yield dg.AssetMaterialization(
            keys.WORKFLOW_VERSIONS,
            partition=names.partition(one.workflow_code),
            metadata=version_metadata(one, store if number < _DRAWN else None),
            tags={keys.DATA_VERSION: one.content_hash},
        )


def version_metadata(one: NewVersion, store: Store | None) -> dict[str, dg.MetadataValue]:
    """With its DAG if there is a store to read it from."""
    told: dict[str, dg.MetadataValue] = {
        "workflow": dg.MetadataValue.text(one.workflow_code),
        "version": dg.MetadataValue.text(f"V{one.version_no}"),
        "change": dg.MetadataValue.md(present.text(one.change_summary)),
        "tasks": dg.MetadataValue.int(one.tasks),
        "edges": dg.MetadataValue.int(one.edges),
        "content_hash": dg.MetadataValue.text(one.content_hash),
    }
    if store is not None:
        with store.read() as work:
            told["dag"] = present.dag(work.versions.definition(one.workflow_code, one.version_no))
    return told
