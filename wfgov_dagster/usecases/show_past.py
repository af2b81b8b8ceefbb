"""What happened to flows so far, whoever drove them: attempts, the timelines of what they publish, and their alerts."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from wfgov_dagster.domain.alert import subject
from wfgov_dagster.domain.change_set import FLOW as CHANGE_SET
from wfgov_dagster.errors import NotFound
from wfgov_dagster.ports.alerts import AlertRow
from wfgov_dagster.ports.flows import AttemptRow, FlowRow
from wfgov_dagster.ports.store import Store, Work
from wfgov_dagster.usecases import publish_flow
from wfgov_dagster.usecases.show_records import RecordShown, show_record

RECORDS: Final = 50  # timelines that are read for one page; more are a page that nobody reads


@dataclass(frozen=True, slots=True)
class Past:
    """`attempts`: (flow, attempt), flow by flow in the order in which they were begun. Alerts: the oldest first."""

    attempts: Sequence[tuple[FlowRow, AttemptRow]]
    records: Sequence[RecordShown]
    alerts: Sequence[AlertRow]


def past_of_flows(store: Store, flow_ids: Collection[int]) -> Past:
    """Raises NotFound for an unknown flow. A record that is not there is left out: the flow's own word tells it."""
    with store.read() as work:
        flows = [work.flows.get(flow_id) for flow_id in sorted(flow_ids)]
        attempts = [(flow, attempt) for flow in flows for attempt in work.flows.attempts(flow.id)]
        known = [record_id for flow in flows for record_id in _records(work, flow)][:RECORDS]
    subjects = [subject("flow", flow.id) for flow in flows]
    return Past(attempts, _shown(store, known), alerts_about(store, [*subjects, *_subjects(known)]))


def past_of_records(store: Store, record_ids: Collection[int]) -> Past:
    known = list(record_ids)[:RECORDS]
    return Past((), _shown(store, known), alerts_about(store, _subjects(known)))


def alerts_about(store: Store, subjects: Collection[str]) -> Sequence[AlertRow]:
    with store.read() as work:
        found = {one.id: one for each in subjects for one in work.alerts.of(each)}
    return [found[number] for number in sorted(found)]


def _records(work: Work, flow: FlowRow) -> Sequence[int]:
    """Publish records that a flow drives."""
    if flow.biz_type == publish_flow.BIZ_TYPE and flow.biz_id.isdecimal():
        return [int(flow.biz_id)]
    if flow.biz_type == CHANGE_SET and flow.biz_id.isdecimal():
        members = work.change_sets.members(int(flow.biz_id))
        return [one.record_id for one in members if one.record_id is not None]
    return []


def _shown(store: Store, record_ids: Collection[int]) -> Sequence[RecordShown]:
    found = []
    for record_id in record_ids:
        try:
            found.append(show_record(store, record_id))
        except NotFound:
            continue
    return found


def _subjects(record_ids: Collection[int]) -> Sequence[str]:
    return [subject("record", record_id) for record_id in record_ids]
