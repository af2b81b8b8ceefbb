"""How a publish stands, on a run's page: its timeline as a table, and the deployment marked when it has succeeded."""

from collections.abc import Collection

import dagster as dg

from resources import keys, names
from resources.store import StoreResource
from wfgov_dagster.errors import NotFound
from wfgov_dagster.ops import links, present, timeline
from wfgov_dagster.usecases import engines, tell_deployments
from wfgov_dagster.usecases.publish_flow import BIZ_TYPE
from wfgov_dagster.usecases.show_records import Moment, RecordShown, show_record


def metadata(shown: RecordShown) -> dict[str, dg.MetadataValue]:
    record = shown.record
    waits = shown.waits_on or {}
    steps = [one for one in shown.timeline if one.no is not None]
    return {
        "workflow": dg.MetadataValue.text(record.workflow_code),
        "engine": dg.MetadataValue.text(record.engine),
        "operation": dg.MetadataValue.text("restore" if record.restore else record.operation),
        "publish_record": dg.MetadataValue.int(record.record_id),
        "snapshot": dg.MetadataValue.text("" if record.snapshot_id is None else str(record.snapshot_id)),
        "flow": dg.MetadataValue.text("" if record.flow_id is None else str(record.flow_id)),
        "version": dg.MetadataValue.text(f"V{record.version_no}"),
        "status": dg.MetadataValue.text(f"{record.status} ({record.phase})"),
        "steps": present.table([_step(one) for one in steps]),
        "timeline": present.table([timeline.moment_row(one) for one in shown.timeline]),
        "error_code": dg.MetadataValue.text(record.error_code or ""),
        "error": dg.MetadataValue.text(record.error or ""),
        "foreign_edit": dg.MetadataValue.text(str(waits.get("changes", ""))),
    }


def mark_deployed(context: dg.OpExecutionContext, store: StoreResource, shown: RecordShown) -> None:
    """The asset of the deployment, in the run that saw its end. Nothing for a publish that did not succeed."""
    if shown.record.status != "success":
        return
    partition = names.partition(shown.record.workflow_code)
    told = metadata(shown) | _on_engine(store, shown.record.engine, shown.record.workflow_code)
    context.log_event(dg.AssetMaterialization(keys.ENGINE_DEPLOYMENTS, partition=partition, metadata=told))
    tell_deployments.told_itself(store.open(), shown.record.engine, shown.record.workflow_code)


def mark_untold(context: dg.OpExecutionContext, store: StoreResource) -> int:
    """The assets of deployments that others confirmed: the command line, or a run that could not speak any more."""
    found = tell_deployments.to_tell(store.open())
    for one in found:
        partition = names.partition(one.workflow_code)
        about: dict[str, dg.MetadataValue] = {
            "workflow": dg.MetadataValue.text(one.workflow_code),
            "engine": dg.MetadataValue.text(one.engine),
            "version": dg.MetadataValue.text(f"V{one.version_no}"),
            "confirmed": dg.MetadataValue.timestamp(one.confirmed_at),
        }
        record = {} if one.record_id is None else metadata(show_record(store.open(), one.record_id))
        told = record | about | _on_engine(store, one.engine, one.workflow_code)
        context.log_event(dg.AssetMaterialization(keys.ENGINE_DEPLOYMENTS, partition=partition, metadata=told))
        tell_deployments.told(store.open(), one)
    return len(found)


def _on_engine(store: StoreResource, engine: str, workflow_code: str) -> dict[str, dg.MetadataValue]:
    """The engine's own codes of the workflow and its tasks, and the pages of both sides."""
    with store.open().read() as work:
        registered = engines.get(work, engine)
        held = next(iter(work.instances.deployed(registered.id, workflow_code)), None)
    if held is None:  # an offline of what was never confirmed
        return {}
    codes = sorted((task, code) for code, task in held.task_codes.items())
    page = store.platform.engine_of(registered).pages(held.engine_workflow_code)
    return {
        "engine_workflow_code": dg.MetadataValue.text(held.engine_workflow_code),
        "engine_task_codes": present.table([{"task": task, "code": code} for task, code in codes]),
        **links.pages(store.settings, workflow_code, page),
    }


def tell_ends(context: dg.OpExecutionContext, store: StoreResource, flow_ids: Collection[int]) -> None:
    """Of flows that this run brought to an end: publishes that succeeded mark their deployment, the others are told.

    A flow whose record cannot be read is told, too: a run that failed would hold back the flows of others.
    """
    for flow_id in sorted(flow_ids):
        with store.open().read() as work:
            flow = work.flows.get(flow_id)
        if flow.biz_type != BIZ_TYPE:
            continue
        try:
            shown = show_record(store.open(), int(flow.biz_id))
        except (NotFound, ValueError) as exc:
            context.log.warning("flow %s: %s", flow_id, exc)
            continue
        context.log.info(sentence(shown))
        mark_deployed(context, store, shown)


def sentence(shown: RecordShown) -> str:
    """Everything that whoever reads a log needs to find it again."""
    record = shown.record
    steps = [one for one in shown.timeline if one.no is not None]
    told = f"publish record {record.record_id}: {record.operation} {record.workflow_code} V{record.version_no} on "
    told += f"{record.engine}: {record.status} ({record.phase})"
    if record.error is None:
        return told
    last = f", step {steps[-1].what}" if steps else ""
    return f"{told}, snapshot {record.snapshot_id}{last}, {record.error}"


def _step(moment: Moment) -> dict[str, object]:
    outcome = timeline.SPOKEN.get(moment.outcome, moment.outcome)
    return {"no": moment.no, "step": moment.what, "outcome": outcome, "message": moment.message or ""}
