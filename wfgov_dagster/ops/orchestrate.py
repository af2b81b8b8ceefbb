"""Job `orchestrate`: the three steps from the change feed to versions, in one run for any number of workflows.

The use cases are imported by the op: every run of every job loads this module, and polars takes longer than Dagster's
part of a small one.
"""

from itertools import islice
from typing import TYPE_CHECKING, Final

import dagster as dg
from pydantic import Field

from resources import catalogue, keys
from resources.store import StoreResource
from wfgov_dagster.ops import present
from wfgov_dagster.ops.actor import actor_of
from wfgov_dagster.ops.failures import as_dagster_failure
from wfgov_dagster.ops.news import news, sync_partitions
from wfgov_dagster.ops.verdicts import evaluations

if TYPE_CHECKING:
    from wfgov_dagster.usecases.orchestrate import OrchestrationReport

NEWS_A_RUN: Final = 4000  # an event takes 10 to 20 ms, and changes that come meanwhile wait for the run's end


class OrchestrateConfig(dg.Config):
    full: bool = Field(
        default=False, description="Derive everything again, not only what changed. Memberships stay; slower."
    )


@dg.op(description="Take the open metadata changes; derive dependencies, definitions and versions.")
def derive_and_save(context: dg.OpExecutionContext, config: OrchestrateConfig, store: StoreResource) -> None:
    from wfgov_dagster.usecases.list_tables import list_tables
    from wfgov_dagster.usecases.orchestrate import Options, orchestrate

    options = Options(store.settings.time_zone, config.full, store.settings.rebuild_above_rows)
    with as_dagster_failure(max_retries=3):
        opened = store.open()
        report = orchestrate(opened, actor_of(context.run.tags), options)
        catalogue.save(store.settings.catalogue(), list_tables(opened, store.settings.catalogue_limit))
        with opened.read() as work:
            revision = work.catalogue.revision()
        sync_partitions(context.instance, opened)
        events = list(islice(news(context.instance, opened, store.settings.default_engine), NEWS_A_RUN))
        for event in events:
            context.log_event(event)
        for verdict in evaluations(opened):
            context.log_event(verdict)  # type: ignore[arg-type]  # Dagster takes it, only its annotation forgot it
    if len(events) < NEWS_A_RUN:  # otherwise the sensor asks for another run, which tells the rest
        context.instance.add_run_tags(context.run_id, {keys.TAG_REVISION: str(revision)})
    context.add_output_metadata(summary(report))


@dg.job(
    name="orchestrate",
    description="Bring dependencies, workflow definitions and versions up to the metadata. Sensor `metadata_changed` "
    "starts it; one run takes all open changes, and running it twice changes nothing.",
    tags={"dagster/priority": "20", "dagster/max_runtime": "7200"},
)
def orchestrate_job() -> None:
    derive_and_save()


def summary(report: "OrchestrationReport") -> dict[str, dg.MetadataValue]:
    """The run in a few lines."""
    dependencies, definitions = report.dependencies, report.definitions
    versions = [
        {"workflow": one.workflow_code, "version": f"V{one.version_no}", "change": one.change_summary}
        for one in report.versions
    ]
    waiting = [{"workflow": one.workflow_code, "change": one.change_summary} for one in report.candidates]
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
        "candidates": present.table(waiting),
        "drafts": present.table(broken),
    }
