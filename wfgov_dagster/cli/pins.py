"""wfgov pin, wfgov unpin"""

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

import click

from wfgov_dagster.cli.groups import cli
from wfgov_dagster.cli.moment import Moment
from wfgov_dagster.cli.output import fields
from wfgov_dagster.cli.session import Session, command

if TYPE_CHECKING:
    from wfgov_dagster.usecases.pin import Unpinned

_CODE = click.argument("code", metavar="CODE")


@command(cli, "pin")
@_CODE
@click.option("--reason", required=True, metavar="TEXT", help="Why; it is shown with the workflow and in the audit.")
@click.option("--until", metavar="TIME", type=Moment(), help="ISO 8601, UTC without a zone; else until it is unpinned.")
def pin_command(session: Session, code: str, reason: str, until: datetime | None) -> None:
    """Keep a workflow at its version: orchestration makes candidates of it, and no versions.

    A person's own word (a rollback, an edit that is accepted, a candidate that is applied) still makes one.
    """
    from wfgov_dagster.usecases.pin import pin

    done = pin(session.platform.store, session.actor, code, reason, until)
    lines = [("workflow", code), ("pinned", done.pin.reason), ("by", done.pin.by), ("until", done.pin.until)]
    before = [] if done.before is None else [("in place of", f"{done.before.reason} (by {done.before.by})")]
    session.put(asdict(done), fields([*lines, *before]))


@command(cli, "unpin")
@_CODE
def unpin_command(session: Session, code: str) -> None:
    """Let orchestration make versions of a workflow again, and at once the one that waits.

    Its candidates are gone, and what was dropped may become a version.
    """
    from wfgov_dagster.usecases.pin import unpin

    done = unpin(session.platform.store, session.actor, code)
    session.put(asdict(done), _told(done))


def _told(done: "Unpinned") -> str:
    if done.before is None:
        return f"{done.workflow_code}: is not pinned"
    if done.version is not None:
        return f"{done.workflow_code}: unpinned; V{done.version.version_no}: {done.version.change_summary}"
    why = "its definition is the current version" if done.broken is None else f"no version: {done.broken}"
    return f"{done.workflow_code}: unpinned; {why}"
