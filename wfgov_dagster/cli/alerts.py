"""wfgov alert …"""

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from wfgov_dagster.cli.groups import alert_group
from wfgov_dagster.cli.output import Table, fields
from wfgov_dagster.cli.session import Session, command

if TYPE_CHECKING:
    from wfgov_dagster.ports.alerts import AlertRow

_COLUMNS = ("id", "at", "kind", "state", "count", "workflow", "version", "task", "step", "message")
_ID = click.argument("alert_id", metavar="ID", type=click.IntRange(1, 2**63 - 1))


@command(alert_group, "list")
@click.option("--undelivered", is_flag=True, help="Only those that wait for delivery, or could not be delivered.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="At most so many.")
def list_command(session: Session, undelivered: bool, limit: int) -> None:
    """List alerts, the newest first. Those that came in a storm are one, with their count."""
    with session.platform.store.read() as work:
        found = work.alerts.list(limit, undelivered=undelivered)
    session.put([_value(session, one) for one in found], Table(_COLUMNS, [_line(one) for one in found]))


@command(alert_group, "show")
@_ID
def show_command(session: Session, alert_id: int) -> None:
    """Show an alert: what failed, where to look, and whether it was delivered."""
    with session.platform.store.read() as work:
        found = work.alerts.get(alert_id)
    value = _value(session, found)
    links = value.pop("links")
    assert isinstance(links, dict), "links have names"
    session.put({**value, "links": links}, fields([*value.items(), *((f"→ {name}", to) for name, to in links.items())]))


def _value(session: Session, row: "AlertRow") -> dict[str, object]:
    from wfgov_dagster.domain.alert import links_on

    told = {name: value for name, value in asdict(row).items() if name != "alert"}
    alert = {**asdict(row.alert), "links": links_on(row.alert.links, session.settings.webserver_url)}
    return {"id": told.pop("id"), **alert, **told}


def _line(row: "AlertRow") -> list[object]:
    alert = row.alert
    version = None if alert.version_no is None else f"V{alert.version_no}"
    about = (alert.workflow_code, version, alert.task_code, alert.step, alert.message)
    return [row.id, alert.at, alert.kind, row.state, row.count, *about]
