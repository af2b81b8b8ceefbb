"""Job `publish_change_set`: many workflows as one, on one engine. The checks are in the use case, not here."""

import enum
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

import dagster as dg
from pydantic import Field

from resources import keys, names
from resources.store import StoreResource
from wfgov_dagster.ops import present, timeline
from wfgov_dagster.ops.actor import actor_of
from wfgov_dagster.ops.failures import as_dagster_failure
from wfgov_dagster.ops.publish import PublishOperation

if TYPE_CHECKING:
    from wfgov_dagster.ports.change_sets import Member
    from wfgov_dagster.usecases.change_set import Wanted
    from wfgov_dagster.usecases.show_change_sets import ChangeSetShown

OP: Final = "publish_members"
_PATIENCE_SECONDS: Final = 2.0  # whoever has to wait longer gives its place back, and is found when it is due
_GOOD: Final = ("success", "running", "restoring")  # the latter two: it goes on without this run


class OnFailureOption(enum.Enum):
    """As PublishOperation: the Launchpad shows the names."""

    stop = "stop"
    restore = "restore"


class ChangeSetConfig(dg.Config):
    operation: PublishOperation = Field(
        default=PublishOperation.deploy,
        description="deploy: the engine holds the current versions. online, offline: those published last start or "
        "stop being scheduled. Upstream first; offline downstream first.",
    )
    workflows: list[str] = Field(
        default=[],
        description="Codes of the workflows; empty = every one whose current version is not confirmed on the engine "
        "(deploy only).",
    )
    engine: str = Field(
        default="",
        description="Name of a registered engine; empty = the one that the workflow names, else the setting "
        "default_engine.",
    )
    on_failure: OnFailureOption = Field(
        default=OnFailureOption.stop,
        description="When one fails: stop = its wave is finished, later waves are skipped; restore = all are brought "
        "back to what was confirmed before.",
    )
    parallel: int | None = Field(
        default=None, description="So many side by side; left out = the setting publish_parallel."
    )
    writes_per_second: float | None = Field(
        default=None, description="Writes to the engine a second, 0 = no limit; left out = engine_writes_per_second."
    )


@dg.op(name=OP, description="Write down the set, then publish it wave by wave until every member has ended.")
def publish_members(context: dg.OpExecutionContext, config: ChangeSetConfig, store: StoreResource) -> None:
    with as_dagster_failure():
        change_set_id = _request(context, config, store)
        if change_set_id is None:
            context.add_output_metadata({"state": dg.MetadataValue.text("nothing to publish: all is confirmed")})
            return
        context.instance.add_run_tags(context.run_id, {keys.TAG_CHANGE_SET: str(change_set_id)})
        shown = _drive(context, store, change_set_id)
    _materialise(context, store, shown)
    about = _about(shown) | _past(store, shown)
    if shown.change_set.state not in _GOOD:
        what = f"change set {change_set_id}: {shown.change_set.state} — wfgov change-set show {change_set_id}"
        raise dg.Failure(what, metadata=about, allow_retries=False)
    context.add_output_metadata(about)


def _request(context: dg.OpExecutionContext, config: ChangeSetConfig, store: StoreResource) -> int | None:
    """None = there is nothing to publish."""
    from wfgov_dagster.usecases.change_set import request_change_set

    actor = actor_of(context.run.tags)
    wanted = _wanted(config, store, actor)
    return None if wanted is None else request_change_set(store.open(), actor, wanted)


def _wanted(config: ChangeSetConfig, store: StoreResource, actor: str) -> "Wanted | None":
    from wfgov_dagster.domain.change_set import OnFailure
    from wfgov_dagster.domain.publish import Operation
    from wfgov_dagster.errors import InvalidInput
    from wfgov_dagster.usecases.change_set import Wanted, all_changed
    from wfgov_dagster.usecases.workflow_engine import engine_for_all

    settings, codes, operation = store.settings, list(config.workflows), Operation(config.operation.value)
    engine = engine_for_all(store.open(), codes, config.engine, settings.default_engine)
    store.platform.engine(engine, actor)
    if not codes and operation is not Operation.DEPLOY:
        raise InvalidInput(f"which workflows shall go {operation}?", where="config workflows", hint="name them")
    if not codes:
        with store.open().read() as work:
            codes = list(all_changed(work, engine, default=settings.default_engine))
    if not codes:
        return None
    return Wanted(
        operation,
        engine,
        codes,
        OnFailure(config.on_failure.value),
        settings.publish_parallel if config.parallel is None else config.parallel,
        settings.engine_writes_per_second if config.writes_per_second is None else config.writes_per_second,
    )


def _drive(context: dg.OpExecutionContext, store: StoreResource, change_set_id: int) -> "ChangeSetShown":
    """Until it has ended, or has to wait: then the watch loop goes on with it."""
    from wfgov_dagster.usecases.flows import Ended, Held, advance_flow
    from wfgov_dagster.usecases.show_change_sets import show_change_set

    manager, told = store.platform.flows(), dict[str, str]()
    shown = show_change_set(store.open(), change_set_id)
    while shown.change_set.flow_id is not None:
        said = advance_flow(manager, shown.change_set.flow_id)
        shown = show_change_set(store.open(), change_set_id)
        for line in _news(shown, told):
            context.log.info("change set %s: %s", change_set_id, line)
        if isinstance(said, Ended):
            break
        wait = min(said.seconds, 0.5) if isinstance(said, Held) else said.after_seconds
        if wait > _PATIENCE_SECONDS:
            context.log.info("change set %s: waits %.0f s; flow_watch goes on with it", change_set_id, wait)
            break
        time.sleep(wait)
    return shown


def _news(shown: "ChangeSetShown", told: dict[str, str]) -> Iterator[str]:
    """A line for each member that moved; `told`: how they stood."""
    rows = [(f"wave {one.wave}: {one.workflow_code}", one) for one in shown.members]
    rows += [(f"bring back {one.workflow_code}", one) for one in shown.back.values()]
    for name, one in rows:
        if one.state != told.get(name, "waiting"):
            yield f"{name}: {one.state}" + (f": {one.reason}" if one.reason else "")
        told[name] = one.state


def _about(shown: "ChangeSetShown") -> dict[str, dg.MetadataValue]:
    found = shown.change_set
    rows = [_row(one, shown.back.get(one.workflow_code)) for one in shown.members]
    return {
        "change_set": dg.MetadataValue.int(found.id),
        "state": dg.MetadataValue.text(found.state.value),
        "engine": dg.MetadataValue.text(found.engine.name),
        "operation": dg.MetadataValue.text(found.operation.value),
        "counts": dg.MetadataValue.text(", ".join(f"{count} {state}" for state, count in sorted(found.counts.items()))),
        "members": present.table(rows),
    }


def _past(store: StoreResource, shown: "ChangeSetShown") -> dict[str, dg.MetadataValue]:
    """Timelines of all members, wave by wave, then of those that were brought back, and their alerts."""
    from wfgov_dagster.usecases.show_past import past_of_records

    ids = [one.record_id for one in (*shown.members, *shown.back.values()) if one.record_id is not None]
    past = past_of_records(store.open(), ids)
    return timeline.of_records(past.records) | timeline.of_alerts(past.alerts)


def _row(one: "Member", back: "Member | None") -> dict[str, object]:
    return {
        "wave": one.wave,
        "workflow": one.workflow_code,
        "version": "" if one.version_no is None else f"V{one.version_no}",
        "state": one.state,
        "writes": one.steps,
        "publish record": one.record_id or "",
        "brought back": "" if back is None else back.state,
        "reason": one.reason or (back.reason if back is not None else "") or "",
    }


def _materialise(context: dg.OpExecutionContext, store: StoreResource, shown: "ChangeSetShown") -> None:
    """What is deployed now as the set wanted it."""
    from wfgov_dagster.usecases.tell_deployments import told_itself

    for one in _published(shown):
        told = {
            "version": dg.MetadataValue.text(f"V{one.version_no}"),
            "publish_record": dg.MetadataValue.int(one.record_id or 0),
            "change_set": dg.MetadataValue.int(shown.change_set.id),
        }
        partition = names.partition(one.workflow_code)
        context.log_event(dg.AssetMaterialization(keys.ENGINE_DEPLOYMENTS, partition=partition, metadata=told))
        told_itself(store.open(), shown.change_set.engine.name, one.workflow_code)


def _published(shown: "ChangeSetShown") -> Sequence["Member"]:
    return [one for one in shown.members if one.state == "success" and one.workflow_code not in shown.back]


@dg.job(
    name="publish_change_set",
    description="Publish many workflows as one: in waves, upstream first. The config needs no edit to deploy "
    "everything whose current version is not confirmed on the engine. Every member is reported, also when some fail.",
    tags={"dagster/priority": "10", "dagster/max_runtime": "7200"},
)
def publish_change_set_job() -> None:
    publish_members()
