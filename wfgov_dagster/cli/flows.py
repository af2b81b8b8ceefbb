"""wfgov flow …"""

import signal
import time
from dataclasses import asdict
from threading import Event
from typing import TYPE_CHECKING

import click

from wfgov_dagster.cli.groups import flow_group
from wfgov_dagster.cli.output import Block, Table, fields
from wfgov_dagster.cli.session import Session, command
from wfgov_dagster.errors import FlowError

if TYPE_CHECKING:
    from wfgov_dagster.usecases.flow_manager import FlowManager, NodeReport

_STATES = ("Initializing", "Processing", "Canceling", "Canceled", "Stopped", "Finished", "Error")
_FLOW = ("id", "flow_name", "definition_version", "biz_type", "biz_id", "state", "created_by", "created_at",
         "next_due_at", "error_code")  # fmt: skip
_NODE = ("no", "node_name", "kind", "state", "failures", "started_at", "ended_at", "result", "error")
_ATTEMPT = ("node_name", "no", "action", "looks", "outcome", "started_at", "ended_at", "error")
_COUNTS = ("day", "verb", "calls", "failures", "seconds")
_ID = click.argument("flow_id", metavar="ID", type=click.IntRange(1, 2**63 - 1))


@command(flow_group, "list")
@click.option("--biz-id", metavar="ID", help="Only of this thing.")
@click.option("--biz-type", metavar="TYPE", help="Only of this kind of thing, publish_record for example.")
@click.option("--state", type=click.Choice(_STATES, case_sensitive=False), help="Only in this state.")
@click.option("--page", type=click.IntRange(1), default=1, show_default=True, help="Which page, the newest first.")
@click.option("--size", type=click.IntRange(1, 1000), default=20, show_default=True, help="Flows a page.")
def list_command(
    session: Session, biz_id: str | None, biz_type: str | None, state: str | None, page: int, size: int
) -> None:
    """List flows, the newest first."""
    from wfgov_dagster.domain.flow import FlowState
    from wfgov_dagster.ports.flows import FlowFilter
    from wfgov_dagster.usecases.flows import list_flows

    wanted = FlowFilter(biz_id, biz_type, None if state is None else FlowState(state))
    found = list_flows(session.platform.flows(), wanted, page, size)
    rows = [[getattr(one, name) for name in _FLOW] for one in found.flows]
    session.put(found, Table(_FLOW, rows), f"page {page}: {len(rows)} of {found.total}")


@command(flow_group, "show")
@_ID
def show_command(session: Session, flow_id: int) -> None:
    """Show a flow with its flow nodes and every attempt at them."""
    _show(session, session.platform.flows(), flow_id)


@command(flow_group, "start")
@_ID
def start_command(session: Session, flow_id: int) -> None:
    """Start a flow that was created, and drive it until it ends or has to wait."""
    from wfgov_dagster.usecases.flows import start_flow

    manager = _manager(session)
    start_flow(manager, session.actor, flow_id)
    _drive(session, manager, flow_id)


@command(flow_group, "stop")
@_ID
def stop_command(session: Session, flow_id: int) -> None:
    """Stop a flow at its current flow node: that one is brought to its end, the next one waits for `resume`."""
    from wfgov_dagster.usecases.flows import stop_flow

    manager = _manager(session)
    stop_flow(manager, session.actor, flow_id)
    _show(session, manager, flow_id)


@command(flow_group, "cancel")
@_ID
@click.option("--reason", required=True, metavar="TEXT", help="Why; it is kept with the flow.")
def cancel_command(session: Session, flow_id: int, reason: str) -> None:
    """Cancel a flow: what was begun is undone, the last flow node first."""
    from wfgov_dagster.usecases.flows import cancel_flow

    manager = _manager(session)
    cancel_flow(manager, session.actor, flow_id, reason)
    _drive(session, manager, flow_id)


@command(flow_group, "resume")
@_ID
def resume_command(session: Session, flow_id: int) -> None:
    """Go on with a flow that was stopped or is in error, at the same flow node."""
    from wfgov_dagster.usecases.flows import resume_flow

    manager = _manager(session)
    resume_flow(manager, session.actor, flow_id)
    _drive(session, manager, flow_id)


@command(flow_group, "watch")
@click.option("--workers", type=click.IntRange(1, 64), default=4, show_default=True, help="Flows at a time.")
def watch_command(session: Session, workers: int) -> None:
    """Drive every flow that is due, until Ctrl-C or SIGTERM; what `wfgov up` does too.

    Flows of processes that died are taken over. Every few seconds it also fires the schedules of embedded engines, has
    their instances run, and delivers alerts. What it does is told on stderr.
    """
    from wfgov_dagster.usecases.watch_flows import Ears, describe, describe_event

    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    ears = Ears(
        lambda event: session.say([describe_event(event)]),
        lambda flow_id, said: session.say([describe(flow_id, said)]),
        lambda failure: session.say([failure.sentence()]),
    )
    session.platform.database  # noqa: B018 - a database that cannot be used is told at once, not watched for
    session.say(["watching"])
    session.platform.watch_flows(stop, ears, workers=workers)
    session.say(["stopped"])


@command(flow_group, "stats")
@click.option("--days", type=click.IntRange(1, 3660), default=7, show_default=True, help="Today and the days before.")
def stats_command(session: Session, days: int) -> None:
    """Show how often the verbs of flows were called, in vain, and how long they took together, by day in UTC.

    Each process adds its counts when it ends, the watch loop every minute.
    """
    from wfgov_dagster.usecases.count_calls import show_counts

    found = show_counts(session.platform.store, days)
    rows = [[one.day, one.verb, one.calls, one.failures, f"{one.seconds:.3f}"] for one in found]
    session.put(found, Table(_COUNTS, rows))


def _manager(session: Session) -> "FlowManager":
    from wfgov_dagster.usecases.watch_flows import describe_event

    def tell(event: "NodeReport") -> None:
        session.say([describe_event(event)])

    return session.platform.flows(tell)


def _drive(session: Session, manager: "FlowManager", flow_id: int) -> None:
    """Whoever asks need not wait for a tick. What is left over the watch loop does. Raises FlowError when it fails."""
    from wfgov_dagster.usecases.flows import Ended, drive_flow
    from wfgov_dagster.usecases.watch_flows import describe

    said = drive_flow(manager, flow_id, time.sleep)
    session.say([describe(flow_id, said)])
    _show(session, manager, flow_id)
    if isinstance(said, Ended) and said.state == "Error":
        raise FlowError(where=f"flow {flow_id}", hint=f"{said.message}; then: wfgov flow resume {flow_id}")


def _show(session: Session, manager: "FlowManager", flow_id: int) -> None:
    from wfgov_dagster.usecases.flows import detail

    found = detail(manager, flow_id)
    blocks: list[Block] = [fields(asdict(found.flow).items())]
    for title, columns, rows in (("Flow nodes", _NODE, found.nodes), ("Attempts", _ATTEMPT, found.attempts)):
        if rows:
            blocks.append(Table(columns, [[getattr(one, name) for name in columns] for one in rows], title=title))
    session.put({**asdict(found.flow), "nodes": found.nodes, "attempts": found.attempts}, *blocks)
