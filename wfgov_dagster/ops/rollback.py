"""Job `rollback`: an older version's content as a new version, pinned and published. The checks are in the use case."""

from typing import TYPE_CHECKING, Final

import dagster as dg
from pydantic import Field

from resources import keys
from resources.store import StoreResource
from wfgov_dagster.domain.moment import moment_of
from wfgov_dagster.ops import present
from wfgov_dagster.ops.actor import actor_of
from wfgov_dagster.ops.chosen import chosen_workflow, config_of
from wfgov_dagster.ops.failures import as_dagster_failure
from wfgov_dagster.ops.publish import see_through

if TYPE_CHECKING:
    from wfgov_dagster.usecases.rollback import RolledBack

OP: Final = "roll_back_workflow"


class RollbackConfig(dg.Config):
    reason: str = Field(description="Why, in 1 to 2000 characters. It is the reason of the pin, too.")
    to: int | None = Field(
        default=None, description="Version to go back to, as a number; left out = the one published last."
    )
    take_back: bool = Field(
        default=False, description="Take tasks that have moved from the workflows that they are in now."
    )
    unpublished: bool = Field(default=False, description="Though that version was never published.")
    publish: bool = Field(default=True, description="Publish the new version; false: only make it.")
    until: str = Field(
        default="", description="End of the pin, ISO 8601, UTC where it names no zone; empty = until it is unpinned."
    )
    engine: str = Field(
        default="",
        description="Name of a registered engine; empty = the one that the workflow names, else the setting "
        "default_engine.",
    )


@dg.op(name=OP, description="Make the new version, pin the workflow; then publish as job `publish` does.")
def roll_back_workflow(context: dg.OpExecutionContext, config: RollbackConfig, store: StoreResource) -> None:
    from wfgov_dagster.usecases.rollback import Wanted, rollback
    from wfgov_dagster.usecases.workflow_engine import engine_for

    code, actor = chosen_workflow(context, store), actor_of(context.run.tags)
    with as_dagster_failure(max_retries=3):  # what is tried again has written nothing
        engine = engine_for(store.open(), code, config.engine, store.settings.default_engine)
        store.platform.engine(engine, actor)
        wanted = Wanted(
            code,
            engine,
            config.reason,
            config.to,
            take_back=config.take_back,
            unpublished=config.unpublished,
            publish=config.publish,
            until=moment_of(config.until, "until") if config.until else None,
        )
        done = rollback(store.open(), actor, wanted, store.settings.time_zone)
    told = _metadata(done)
    tags = {keys.TAG_WORKFLOW: code, keys.TAG_VERSION: f"V{done.version.version_no}"}
    tags |= {} if done.record_id is None else {keys.TAG_RECORD: str(done.record_id)}
    context.instance.add_run_tags(context.run_id, tags)
    if done.record_id is None:
        context.add_output_metadata(told)
        return
    see_through(context, store, done.record_id, told)


def _metadata(done: "RolledBack") -> dict[str, dg.MetadataValue]:
    others = [
        {"workflow": one.workflow_code, "version": f"V{one.version_no}", "change": one.change_summary}
        for one in done.others
    ]
    waiting = [{"workflow": one.workflow_code, "change": one.change_summary} for one in done.candidates]
    return {
        "workflow": dg.MetadataValue.text(done.version.workflow_code),
        "version": dg.MetadataValue.text(f"V{done.version.version_no}"),
        "rollback_of": dg.MetadataValue.text(f"V{done.rollback_of}"),
        "change": dg.MetadataValue.text(done.version.change_summary),
        "pinned": dg.MetadataValue.text(done.pin.sentence()),
        "restored": present.lines(list(done.restored)),
        "taken_back": present.lines(list(done.taken_back)),
        "warnings": present.lines(list(done.warnings)),
        "other_versions": present.table(others),
        "candidates": present.table(waiting),
    }


@dg.job(
    name="rollback",
    config=config_of(OP, {"reason": ""}),  # without one the run is refused
    description="Go back to an older version of one workflow: its content becomes a new version, which is published, "
    "and the workflow is pinned. Choose the workflow as partition and write a reason.",
    tags={"dagster/priority": "10", "dagster/max_runtime": "3600"},
)
def rollback_job() -> None:
    roll_back_workflow()
