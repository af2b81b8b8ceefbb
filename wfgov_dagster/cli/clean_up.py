"""wfgov clean-up, wfgov stats"""

import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from wfgov_dagster.cli.groups import cli
from wfgov_dagster.cli.output import Block, Table
from wfgov_dagster.cli.session import Session, command
from wfgov_dagster.errors import FlowError

if TYPE_CHECKING:
    from wfgov_dagster.usecases.clean_up import Report
    from wfgov_dagster.usecases.measure_growth import Growth
    from wfgov_dagster.usecases.plan_clean_up import Plan

_WHAT = ("what", "rows", "bytes")
_ENGINE = ("engine", "workflow", "engine version", "outcome", "message")
_MONTHS = 12


@command(cli, "clean-up")
@click.argument("code", metavar="[CODE]", required=False)
@click.option("--all", "everything", is_flag=True, help="Every workflow.")
@click.option("--dry-run", is_flag=True, help="Say what would go and why the rest stays; remove nothing.")
@click.option("--engine-versions", is_flag=True, help="Also old versions that engines keep; what they refuse is told.")
def clean_up_command(
    session: Session, code: str | None, everything: bool, dry_run: bool, engine_versions: bool
) -> None:
    """Remove versions that no retention rule keeps, and what nothing needs without them.

    Never removed: what is current, the newest, published last, on an engine, in a publish or flow that has not ended,
    a baseline, or was rolled back to. Publish records and audit entries stay. It is a durable flow: `wfgov flow stop
    ID` stops it, and when this command is ended the watch loop goes on.
    """
    if (code is None) != everything:
        raise click.UsageError("which workflow? CODE, or --all")
    from wfgov_dagster.usecases.clean_up import report, request
    from wfgov_dagster.usecases.flows import drive_flow
    from wfgov_dagster.usecases.plan_clean_up import Scope, plan
    from wfgov_dagster.usecases.watch_flows import describe

    scope = Scope(None if code is None else [code], engine_versions)
    if dry_run:
        found = plan(session.platform.publisher(), scope)
        session.put({"rows": found.rows, "bytes": found.bytes, **asdict(found)}, *_planned(found))
        return
    flow_id = request(session.platform.store, session.actor, scope)
    session.say([f"flow {flow_id}"])
    said = drive_flow(session.platform.flows(), flow_id, time.sleep)
    session.say([describe(flow_id, said)])
    done = report(session.platform.store, flow_id)
    session.put({"rows": done.rows, "bytes": done.bytes, **asdict(done)}, *_done(done))
    if done.state == "Error":
        raise FlowError(where=f"flow {flow_id}", hint=f"{done.error}; then: wfgov flow resume {flow_id}")


def _planned(found: "Plan") -> list[Block]:
    going = [(f"{one.workflow_code} V{number}",) for one in found.workflows for number in one.removed]
    kept = [
        (one.workflow_code, f"V{version.version_no}", version.reasons)
        for one in found.workflows
        for version in one.kept
    ]
    of_each = [(what, [getattr(one, what) for one in found.workflows]) for what in ("edges", "members")]
    counts = [
        ("versions", sum(len(one.removed) for one in found.workflows), sum(one.bytes for one in found.workflows)),
        *((what, sum(one.rows for one in some), sum(one.bytes for one in some)) for what, some in of_each),
        ("tasks", found.tasks.rows, found.tasks.bytes),
        ("bodies", found.bodies.rows, found.bodies.bytes),
        ("all", found.rows, found.bytes),
    ]
    engines = [
        (one.engine, one.workflow_code, [str(version) for version in one.removed], one.kept, one.error)
        for one in found.engines
    ]
    columns = ("engine", "workflow", "would go", "kept", "not seen")
    return [
        *([Table(("would go",), going)] if going else []),
        *([Table(("workflow", "kept", "why"), kept)] if kept else []),
        *([Table(columns, engines, title="On engines")] if engines else []),
        Table(_WHAT, counts, title="Would be removed"),
        f"{found.untouched} workflows keep everything",
    ]


def _done(done: "Report") -> list[Block]:
    rows = [(one.workflow_code or "-", one.what, one.rows, one.bytes) for one in done.removed]
    words = [
        (one.engine, one.workflow_code, one.engine_version or "list", one.outcome, one.message) for one in done.engines
    ]
    return [
        Table(("workflow", *_WHAT), [*rows, ("all", "", done.rows, done.bytes)], title="Removed"),
        *([Table(_ENGINE, words, title="On engines")] if words else []),
    ]


@command(cli, "stats")
@click.option("--months", type=click.IntRange(1, 600), default=_MONTHS, show_default=True, help="The last so many.")
def stats_command(session: Session, months: int) -> None:
    """Show how much of versions is kept, how it grew by month in UTC, and where that leads by a straight line.

    Bytes are those of the content, without indexes. What a clean-up took is in no month.
    """
    from wfgov_dagster.usecases.measure_growth import measure_growth

    found = measure_growth(session.platform.store)
    session.put(found, *_grown(found, months))


def _grown(found: "Sequence[Growth]", months: int) -> list[Block]:
    totals = [(one.what, one.rows, one.bytes, one.in_3, one.in_12) for one in found]
    rows = [(month.month, one.what, month.rows, month.bytes) for one in found for month in one.months[-months:]]
    columns = (*_WHAT, "bytes in 3 months", "bytes in 12 months")
    blocks: list[Block] = [Table(columns, totals)]
    return blocks + ([Table(("month", *_WHAT), rows, title="Added, and still there")] if rows else [])
