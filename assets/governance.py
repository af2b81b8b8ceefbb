"""metadata tables → dependency view → definitions → versions. Shells: all thinking is in usecases,
each imported by the asset that asks it: whoever loads the definitions needs none of them."""

from typing import Final

import dagster as dg

from resources import keys, names
from resources.store import StoreResource
from wfgov_dagster.ops.actor import actor_of
from wfgov_dagster.ops.failures import as_dagster_failure
from wfgov_dagster.ops.news import add_partitions, definition_metadata, version_metadata
from wfgov_dagster.ports.catalogue import CurrentDefinition
from wfgov_dagster.ports.store import Store

_WHOLE_STEP = "Materialising one partition or all of them is the same cheap step: it takes whatever waits for it."
_UNKNOWN: Final = {"version": dg.MetadataValue.text("none: no such workflow, or its definition is a draft")}

metadata_tables = [
    dg.AssetSpec(
        name,
        group_name=keys.METADATA,
        kinds={"table"},
        description=f"`{name}` as importers and the portal write it; sensor `metadata_changed` watches it.",
    )
    for name in keys.METADATA_TABLES
]


@dg.asset(deps=metadata_tables, group_name=keys.GOVERNANCE, kinds={"view"})
def task_dependency_view(context: dg.AssetExecutionContext, store: StoreResource) -> dg.MaterializeResult:
    """Task → task: who reads what the other writes, directly, through views, or as declared."""
    from wfgov_dagster.usecases.derive_dependencies import derive_dependencies

    with as_dagster_failure(max_retries=3):
        report = derive_dependencies(
            store.open(), actor_of(context.run.tags), rebuild_above=store.settings.rebuild_above_rows
        )
    return dg.MaterializeResult(
        metadata={"mode": report.mode, "changes": report.changes, "added": report.added, "removed": report.removed}
    )


@dg.asset(
    deps=[task_dependency_view],
    partitions_def=keys.WORKFLOWS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name=keys.GOVERNANCE,
    description=f"Which task is in which workflow, and the DAG of each. {_WHOLE_STEP}",
)
def workflow_definitions(context: dg.AssetExecutionContext, store: StoreResource) -> None:
    from wfgov_dagster.usecases.define_workflows import define_workflows

    with as_dagster_failure(max_retries=3):
        define_workflows(store.open(), actor_of(context.run.tags), store.settings.time_zone)
        add_partitions(context.instance, store.open())
        current = _by_partition(store.open())
    for key in context.partition_keys:
        told = definition_metadata(current[key]) if key in current else _UNKNOWN
        context.add_asset_metadata(told, asset_key=context.asset_key, partition_key=key)


@dg.asset(
    deps=[workflow_definitions],
    partitions_def=keys.WORKFLOWS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name=keys.GOVERNANCE,
    description=f"V1, V2 … of each workflow, immutable; made only where the content changed. {_WHOLE_STEP}",
)
def workflow_versions(context: dg.AssetExecutionContext, store: StoreResource) -> None:
    from wfgov_dagster.usecases.save_versions import save_versions

    with as_dagster_failure(max_retries=3):
        save_versions(store.open(), actor_of(context.run.tags))
        current = _by_partition(store.open())
        with store.open().read() as work:
            summaries = work.catalogue.change_summaries([one.workflow_code for one in current.values()])
        for key in context.partition_keys:
            one = current.get(key)
            known = None if one is None else summaries.get(one.workflow_code)
            engine = store.settings.default_engine
            told = _UNKNOWN if one is None or known is None else version_metadata(one, known, store.open(), engine)
            context.add_asset_metadata(told, asset_key=context.asset_key, partition_key=key)


def _by_partition(store: Store) -> dict[str, CurrentDefinition]:
    with store.read() as work:
        return {names.partition(one.workflow_code): one for one in work.catalogue.current()}


engine_deployments = dg.AssetSpec(
    keys.ENGINE_DEPLOYMENTS,
    deps=[workflow_versions],
    partitions_def=keys.WORKFLOWS,
    group_name=keys.GOVERNANCE,
    description="What each engine was last seen to hold. Nothing gets there but by job `publish`, by a named person.",
)
