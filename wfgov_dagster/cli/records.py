"""wfgov record …"""

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from wfgov_dagster.cli.groups import record_group
from wfgov_dagster.cli.output import Block, Table, fields
from wfgov_dagster.cli.publishing import follow
from wfgov_dagster.cli.session import Session, command

if TYPE_CHECKING:
    from wfgov_dagster.usecases.show_records import RecordShown

_LIST = ("record_id", "workflow_code", "engine", "operation", "version_no", "status", "phase", "attempts", "operator",
         "created_at", "error_code")  # fmt: skip
_TIMELINE = ("at", "round", "no", "attempt", "what", "outcome", "seconds", "actor", "message")
_STATUS = ("pending", "success", "failed")
_PHASES = ("intent", "running", "settling", "compensating", "paused", "parked", "confirmed", "rejected", "superseded",
           "failed", "aborted")  # fmt: skip
_ID = click.argument("record_id", metavar="ID", type=click.IntRange(1, 2**63 - 1))
_WAIT = click.option("--wait/--no-wait", default=True, help="Until it has ended, or leave it to the watch loop.")
_REASON = click.option("--reason", default="", metavar="TEXT", help="Why; it is kept with the record and the audit.")


@command(record_group, "list")
@click.argument("code", metavar="[CODE]", required=False)
@click.option("--engine", metavar="NAME", help="Only on this engine.")
@click.option("--status", type=click.Choice(_STATUS), help="Only with this status.")
@click.option("--phase", type=click.Choice(_PHASES), help="Only in this phase, parked or paused for example.")
@click.option("--page", type=click.IntRange(1), default=1, show_default=True, help="Which page, the newest first.")
@click.option("--size", type=click.IntRange(1, 1000), default=20, show_default=True, help="Records a page.")
def list_command(session: Session, code: str | None, page: int, size: int, **wanted: str | None) -> None:
    """List publish records of a workflow, or of all, the newest first."""
    from wfgov_dagster.ports.publish_history import RecordFilter
    from wfgov_dagster.usecases.show_records import list_records

    found = list_records(session.platform.store, RecordFilter(code, **wanted), page, size)
    rows = [[getattr(one, name) for name in _LIST] for one in found.records]
    session.put(found, Table(_LIST, rows), f"page {page}: {len(rows)} of {found.total}")


@command(record_group, "show")
@_ID
def show_command(session: Session, record_id: int) -> None:
    """Show a publish record with its timeline: every step, attempt and change of phase, and what it waits on."""
    from wfgov_dagster.usecases.show_records import show_record

    shown = show_record(session.platform.store, record_id)
    value = {**asdict(shown.record), "waits_on": shown.waits_on, "timeline": shown.timeline}
    session.put(value, *_blocks(shown))


@command(record_group, "retry")
@_ID
@_REASON
@_WAIT
def retry_command(session: Session, record_id: int, reason: str, wait: bool) -> None:
    """Try a publish again that was parked, paused, refused or has failed: the same record, with all that was."""
    from wfgov_dagster.usecases.steer_publish import retry

    retry(session.platform.store, session.actor, record_id, reason)
    follow(session, record_id, wait=wait)


@command(record_group, "decide")
@_ID
@click.argument("choice", type=click.Choice(["republish", "accept", "abort"]))
@_REASON
@_WAIT
def decide_command(session: Session, record_id: int, choice: str, reason: str, wait: bool) -> None:
    """Decide about a publish that is paused because somebody changed the workflow on the engine.

    republish overwrites that edit; accept saves what the engine holds as the next version, already published; abort
    ends the publish and leaves the engine as it is.
    """
    from wfgov_dagster.usecases.show_records import show_record
    from wfgov_dagster.usecases.steer_publish import Choice, decide

    flow_id = decide(session.platform.publisher(), session.actor, record_id, Choice(choice), reason)
    if flow_id is not None:
        follow(session, record_id, wait=wait)
        return
    shown = show_record(session.platform.store, record_id)
    session.put(asdict(shown.record), *_blocks(shown))


@command(record_group, "sweep")
def sweep_command(session: Session) -> None:
    """Look now where a write without a reply may have come late, and at what is parked; its flow does so by itself.

    No engine is written to. A late write of ours is taken back by a publish record of its own, which its flow drives.
    """
    import time

    from wfgov_dagster.usecases.sweep import Pace, sweep

    found = sweep(session.platform.publisher(), session.actor, Pace(time.sleep))
    columns = ("engine", "workflow_code", "found", "record_id", "message")
    session.put(found, Table(columns, [[getattr(one, name) for name in columns] for one in found]))


def _blocks(shown: "RecordShown") -> list[Block]:
    lines = [(name, value) for name, value in asdict(shown.record).items() if value is not None]
    rows = [[getattr(one, name) for name in _TIMELINE] for one in shown.timeline]
    blocks: list[Block] = [fields(lines)]
    if shown.waits_on is not None:
        blocks.append(Table((), [(f"{name}:", value) for name, value in shown.waits_on.items()], title="It waits on"))
    return [*blocks, Table(_TIMELINE, rows, title="Timeline")]
