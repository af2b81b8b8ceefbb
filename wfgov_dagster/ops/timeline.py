"""On a run's page what `wfgov flow show`, `wfgov record show` and `wfgov alert list` show: the same rows in the same
order, also of what other runs and the command line did before."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

import dagster as dg

from wfgov_dagster.ops import present
from wfgov_dagster.ports.alerts import AlertRow
from wfgov_dagster.usecases.show_records import Moment, RecordShown

if TYPE_CHECKING:
    from wfgov_dagster.usecases.show_past import Past

SPOKEN: Final = {"ok": "done", "rejected": "refused by the engine", "unknown": "no reply", None: "begun"}


def of_flows(past: "Past") -> dict[str, dg.MetadataValue]:
    attempts = [
        {
            "flow": flow.id,
            "flow node": one.node_name,
            "try": one.no,
            "action": one.action,
            "looks": one.looks,
            "outcome": one.outcome or "begun",
            "from": _at(one.started_at),
            "until": "" if one.ended_at is None else _at(one.ended_at),
            "message": one.error or "",
        }
        for flow, one in past.attempts
    ]
    return {"attempts": present.table(attempts), **of_records(past.records), **of_alerts(past.alerts)}


def of_records(records: Sequence[RecordShown]) -> dict[str, dg.MetadataValue]:
    """Of several in one table, one record after the other."""
    rows = [
        {"record": shown.record.record_id, "workflow": shown.record.workflow_code, **moment_row(one)}
        for shown in records
        for one in shown.timeline
    ]
    return {"timeline": present.table(rows)}


def of_alerts(alerts: Sequence[AlertRow]) -> dict[str, dg.MetadataValue]:
    rows = [
        {
            "alert": one.id,
            "kind": one.alert.kind,
            "workflow": one.alert.workflow_code or "",
            "step": one.alert.step or "",
            "message": one.alert.message,
            "look": f"wfgov alert show {one.id}",
        }
        for one in alerts
    ]
    return {"alerts": present.table(rows)}


def moment_row(moment: Moment) -> dict[str, object]:
    is_step = moment.no is not None
    return {
        "at": _at(moment.at),
        "round": moment.round,
        "attempt": moment.attempt or "",
        "what": moment.what,
        "outcome": SPOKEN.get(moment.outcome, moment.outcome) if is_step else f"→ {moment.what}",
        "seconds": "" if moment.seconds is None else moment.seconds,
        "who": moment.actor or "",
        "message": moment.message or "",
    }


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S.%f}"[:-3]
