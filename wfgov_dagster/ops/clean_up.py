"""Job `clean_up_versions`: what no retention rule keeps, said or removed. The checks are in the use case, not here."""

import time
from typing import TYPE_CHECKING, Final

import dagster as dg
from pydantic import Field

from resources.store import StoreResource
from wfgov_dagster.ops import present
from wfgov_dagster.ops.actor import actor_of
from wfgov_dagster.ops.failures import as_dagster_failure

if TYPE_CHECKING:
    from wfgov_dagster.usecases.clean_up import Report
    from wfgov_dagster.usecases.plan_clean_up import Plan

OP: Final = "remove_old_versions"


class CleanUpConfig(dg.Config):
    workflows: list[str] = Field(default=[], description="Codes; empty = every workflow.")
    dry_run: bool = Field(default=True, description="Only say what would go, and why the rest stays.")
    engine_versions: bool = Field(
        default=False,
        description="Also old versions that engines keep; what they refuse is in a table, and no failure.",
    )


@dg.op(name=OP, description="Say what no rule keeps and nothing protects; remove it, in small transactions.")
def remove_old_versions(context: dg.OpExecutionContext, config: CleanUpConfig, store: StoreResource) -> None:
    from wfgov_dagster.usecases.clean_up import report, request
    from wfgov_dagster.usecases.flows import drive_flow
    from wfgov_dagster.usecases.plan_clean_up import Scope, plan
    from wfgov_dagster.usecases.watch_flows import describe, describe_event

    platform, scope = store.platform, Scope(config.workflows or None, config.engine_versions)
    with as_dagster_failure(max_retries=3):
        found = plan(platform.publisher(), scope)
        if config.dry_run:
            context.log.info("%s rows, %s bytes would go", found.rows, found.bytes)
            context.add_output_metadata({"dry_run": dg.MetadataValue.bool(True), **_planned(found)})
            return
        flow_id = request(store.open(), actor_of(context.run.tags), scope)
    with as_dagster_failure():
        flows = platform.flows(lambda event: context.log.info(describe_event(event)))
        said = drive_flow(flows, flow_id, time.sleep)
        done = report(store.open(), flow_id)
    context.log.info(describe(flow_id, said))
    told = {"dry_run": dg.MetadataValue.bool(False), **_planned(found), **_done(done)}
    if done.state == "Error":
        raise dg.Failure(done.error or "it failed", metadata=told, allow_retries=False)
    context.add_output_metadata(told)


def _planned(found: "Plan") -> dict[str, dg.MetadataValue]:
    """As it was seen before anything was removed."""
    going = [
        {
            "workflow": one.workflow_code,
            "versions": ", ".join(f"V{number}" for number in one.removed) or "—",
            "bytes": one.bytes,
            "edge rows": one.edges.rows,
            "member rows": one.members.rows,
        }
        for one in found.workflows
    ]
    kept = [
        {"workflow": one.workflow_code, "version": f"V{version.version_no}", "why": ", ".join(version.reasons)}
        for one in found.workflows
        for version in one.kept
    ]
    engines = [
        {
            "engine": one.engine,
            "workflow": one.workflow_code,
            "versions": ", ".join(map(str, one.removed)) or "—",
            "kept": one.kept,
            "not seen": one.error or "",
        }
        for one in found.engines
    ]
    return {
        "rows": dg.MetadataValue.int(found.rows),
        "bytes": dg.MetadataValue.int(found.bytes),
        "goes": present.table(going),
        "kept": present.table(kept),
        "untouched_workflows": dg.MetadataValue.int(found.untouched),
        "goes_on_engines": present.table(engines),
    }


def _done(done: "Report") -> dict[str, dg.MetadataValue]:
    removed = [
        {"workflow": one.workflow_code or "—", "what": one.what, "rows": one.rows, "bytes": one.bytes}
        for one in done.removed
    ]
    words = [
        {
            "engine": one.engine,
            "workflow": one.workflow_code,
            "version": one.engine_version or "list",
            "outcome": one.outcome or "no answer",
            "message": one.message or "",
        }
        for one in done.engines
    ]
    return {
        "flow": dg.MetadataValue.int(done.flow_id),
        "state": dg.MetadataValue.text(done.state.value),
        "removed_rows": dg.MetadataValue.int(done.rows),
        "removed_bytes": dg.MetadataValue.int(done.bytes),
        "removed": present.table(removed),
        "on_engines": present.table(words),
    }


@dg.job(
    name="clean_up_versions",
    description="Remove versions that no retention rule keeps and nothing protects, and what nothing needs without "
    "them. As it comes it only says what would go: set dry_run to false to remove it. Schedule `retention` starts it.",
    tags={"dagster/max_runtime": "14400"},
)
def clean_up_versions_job() -> None:
    remove_old_versions()
