"""Job `publish`: one operation for one workflow on one engine. The checks are in the use case, not here."""

import enum
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

import dagster as dg
from pydantic import Field

from resources import keys
from resources.store import StoreResource
from wfgov_dagster.domain.plan import rows
from wfgov_dagster.domain.publish import Operation
from wfgov_dagster.errors import WfgovError
from wfgov_dagster.ops import present, publish_end, timeline
from wfgov_dagster.ops.actor import actor_of
from wfgov_dagster.ops.chosen import chosen_workflow, config_of
from wfgov_dagster.ops.failures import as_dagster_failure
from wfgov_dagster.usecases.drive_publish import Left, drive_publish
from wfgov_dagster.usecases.preview_publish import preview
from wfgov_dagster.usecases.publisher import Publisher
from wfgov_dagster.usecases.request_publish import Request, request
from wfgov_dagster.usecases.show_past import past_of_records
from wfgov_dagster.usecases.show_records import show_record
from wfgov_dagster.usecases.workflow_engine import engine_for

if TYPE_CHECKING:
    from wfgov_dagster.usecases.flow_manager import NodeReport

OP: Final = "publish_workflow"


class PublishOperation(enum.Enum):
    """The Launchpad shows and takes the names of the members, so they are what people write."""

    deploy = "deploy"
    online = "online"
    offline = "offline"


class PublishConfig(dg.Config):
    operation: PublishOperation = Field(
        default=PublishOperation.deploy,
        description="deploy: the engine holds the current version, online or not as before. online, offline: the "
        "version published last starts or stops being scheduled.",
    )
    engine: str = Field(
        default="",
        description="Name of a registered engine; empty = the one that the workflow names, else the setting "
        "default_engine.",
    )
    version: int | None = Field(
        default=None, description="A guard: refuse unless the publish would be about V<version>. Usually left out."
    )


@dg.op(name=OP, description="Write the intent, then observe, take one step, observe … until the engine shows it.")
def publish_workflow(context: dg.OpExecutionContext, config: PublishConfig, store: StoreResource) -> None:
    with as_dagster_failure(max_retries=3):
        wanted = _request(context, config, store)
        actor = actor_of(context.run.tags)
        store.platform.engine(wanted.engine, actor)
        record_id = request(store.open(), actor, wanted)
        tags = {keys.TAG_WORKFLOW: wanted.workflow_code, keys.TAG_RECORD: str(record_id)}
        context.instance.add_run_tags(context.run_id, tags)
        plan = _plan(store.platform.publisher(), wanted)
        context.log.info("publish record %s, planned: %s", record_id, "; ".join(plan))
    see_through(context, store, record_id, {"plan": present.lines(plan)}, tries=3)


def see_through(
    context: dg.OpExecutionContext,
    store: StoreResource,
    record_id: int,
    about: Mapping[str, dg.MetadataValue],
    *,
    tries: int = 0,
) -> None:
    """Drive the record and say how it stands, with `about`; mark the deployment once it has succeeded."""
    with as_dagster_failure(max_retries=tries):
        end = drive_publish(store.platform.flows(_teller(context)), record_id, time.sleep, wait=False)
        shown = show_record(store.open(), record_id)
    context.log.info(publish_end.sentence(shown))
    told = publish_end.metadata(shown) | dict(about) | _alerts(store, record_id)
    context.instance.add_run_tags(context.run_id, {keys.TAG_VERSION: f"V{shown.record.version_no}"})
    if isinstance(end, Left):
        context.log.warning("%s; this run ends, the deployment is marked by the run that sees its end", end.sentence())
        context.add_output_metadata(told | {"goes_on": dg.MetadataValue.text(end.sentence())})
        return
    if end.status != "success":
        raise dg.Failure(end.message or end.phase, metadata=told, allow_retries=False)
    publish_end.mark_deployed(context, store, shown)
    context.add_output_metadata(told)


def _alerts(store: StoreResource, record_id: int) -> dict[str, dg.MetadataValue]:
    return timeline.of_alerts(past_of_records(store.open(), [record_id]).alerts)


def _teller(context: dg.OpExecutionContext) -> "Callable[[NodeReport], None]":
    from wfgov_dagster.usecases.watch_flows import describe_event

    return lambda event: context.log.info(describe_event(event))


def _request(context: dg.OpExecutionContext, config: PublishConfig, store: StoreResource) -> Request:
    code = chosen_workflow(context, store)
    engine = engine_for(store.open(), code, config.engine, store.settings.default_engine)
    return Request(
        code,
        Operation(config.operation.value),
        engine,
        config.version,
    )


def _plan(publisher: Publisher, wanted: Request) -> list[str]:
    """What is about to be done. A plan that fails is no end: driving has patience, and it alone closes the record."""
    try:
        steps = rows(preview(publisher, wanted).steps)
    except WfgovError as exc:
        return [f"no plan: {exc.sentence()}"]
    return [str(one["text"]) for one in steps] or ["nothing to do: the engine shows what is wanted"]


@dg.job(
    name="publish",
    config=config_of(OP, {"operation": "deploy"}),
    description="Bring one workflow to an engine, or online or offline there. Choose the workflow as partition; the "
    "config needs no edit to deploy the current version. Publishing what the engine holds already writes nothing.",
    tags={"dagster/priority": "10", "dagster/max_runtime": "3600"},
)
def publish_job() -> None:
    publish_workflow()
