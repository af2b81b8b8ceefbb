"""Job `sync_history`: what engines over a network ran lately, into the cache; tables that were written are marked."""

from collections.abc import Mapping
from dataclasses import asdict

import dagster as dg
from pydantic import Field

from resources.catalogue import table_key
from resources.store import StoreResource
from wfgov_dagster.ops import links, present
from wfgov_dagster.ops.actor import actor_of
from wfgov_dagster.ops.failures import as_dagster_failure
from wfgov_dagster.ops.publish_end import mark_untold
from wfgov_dagster.usecases.sync_history import SyncReport
from wfgov_dagster.usecases.tell_history import Wrote, to_tell, told


class HistoryConfig(dg.Config):
    engines: list[str] = Field(default=[], description="Names of engines; empty = every engine over a network.")


@dg.op(description="One page a project; an engine that cannot be read leaves what is kept, and is told.")
def read_history(context: dg.OpExecutionContext, config: HistoryConfig, store: StoreResource) -> None:
    with as_dagster_failure(max_retries=3):
        reports = store.platform.sync_history(actor_of(context.run.tags), config.engines)
        marked, deployments = _mark(context, store), mark_untold(context, store)
    for one in reports:
        if one.error is not None:
            context.log.warning("engine %s: %s", one.engine, one.error)
    context.add_output_metadata(
        {
            "engines": present.table([_row(one) for one in reports]),
            "not_read": dg.MetadataValue.int(sum(one.error is not None for one in reports)),
            "tables_marked": dg.MetadataValue.int(marked),
            "deployments_marked": dg.MetadataValue.int(deployments),
        }
    )


def _mark(context: dg.OpExecutionContext, store: StoreResource) -> int:
    """Whatever Dagster was not told yet, whoever read it: a sync on the command line is told here too."""
    count = 0
    for wrote in to_tell(store.open()):
        for name in wrote.tables:
            context.log_event(dg.AssetMaterialization(table_key(*name), metadata=_told(wrote, store)))
            count += 1
        told(store.open(), wrote)
    return count


def _told(wrote: Wrote, store: StoreResource) -> Mapping[str, dg.MetadataValue]:
    instance = wrote.ran.cached.instance
    ended = instance.ended_at or instance.submitted_at
    return {
        "workflow": dg.MetadataValue.text(instance.workflow_code),
        "version": dg.MetadataValue.text("" if instance.version_no is None else f"V{instance.version_no}"),
        "engine": dg.MetadataValue.text(wrote.ran.engine),
        "instance": dg.MetadataValue.text(instance.instance_id),
        "ended": dg.MetadataValue.timestamp(ended),
        **links.pages(store.settings, instance.workflow_code, wrote.ran.cached.page),
    }


def _row(report: SyncReport) -> dict[str, object]:
    return {name: "" if value is None else value for name, value in asdict(report).items()}


@dg.job(
    name="sync_history",
    description="Read the last runs of each workflow from engines over a network. Sensor `engine_history` starts it; "
    "running it at any other time does no harm.",
    tags={"dagster/max_runtime": "900"},
)
def sync_history_job() -> None:
    read_history()
