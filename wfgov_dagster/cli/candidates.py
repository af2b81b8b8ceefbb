"""wfgov candidate …"""

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from wfgov_dagster.cli.groups import candidate_group
from wfgov_dagster.cli.output import Table, fields
from wfgov_dagster.cli.session import Session, command

if TYPE_CHECKING:
    from wfgov_dagster.domain.diff import Diff

_COLUMNS = ("workflow_code", "upon", "trigger_source", "created_by", "created_at", "state", "change_summary", "reason")
_CODE = click.argument("code", metavar="CODE")


@command(candidate_group, "list")
@click.argument("code", metavar="[CODE]", required=False)
@click.option("--state", type=click.Choice(["open", "dropped", "all"]), default="open", show_default=True,
              help="Those that wait, or those that a person dropped under the pin that lasts.")  # fmt: skip
def list_command(session: Session, code: str | None, state: str) -> None:
    """List candidates of a workflow, or of all."""
    from wfgov_dagster.usecases.candidates import list_candidates

    found = list_candidates(session.platform.store, code, None if state == "all" else state)
    session.warn_if_stale()
    rows = [
        [one.workflow_code, _version(one.base_version_no), *(getattr(one, name) for name in _COLUMNS[2:])]
        for one in found
    ]
    session.put(found, Table(_COLUMNS, rows))


@command(candidate_group, "show")
@_CODE
def show_command(session: Session, code: str) -> None:
    """Show a candidate: what would change against the current version."""
    from wfgov_dagster.usecases.candidates import show_candidate

    shown = show_candidate(session.platform.store, code)
    session.warn_if_stale()
    one = shown.candidate
    lines = [
        ("workflow", code),
        ("content hash", one.content_hash),
        ("by", f"{one.created_by}, {one.trigger_source}"),
        ("at", one.created_at),
        ("made upon", _version(one.base_version_no)),
        ("current version", _version(shown.current_version_no)),
    ]
    value = {**asdict(one), "current_version_no": shown.current_version_no, "diff": asdict(shown.diff)}
    session.put(value, fields(lines), "\n".join(lines_of(shown.diff)) or "nothing would change")


@command(candidate_group, "apply")
@_CODE
def apply_command(session: Session, code: str) -> None:
    """Make the next version of a candidate. The workflow stays pinned."""
    from wfgov_dagster.usecases.candidates import apply_candidate

    made = apply_candidate(session.platform.store, session.actor, code)
    session.put(asdict(made), f"{code}: V{made.version_no}: {made.change_summary}")


@command(candidate_group, "drop")
@_CODE
@click.option("--reason", required=True, metavar="TEXT", help="Why; it is kept beside the candidate and in the audit.")
def drop_command(session: Session, code: str, reason: str) -> None:
    """Say that a candidate shall not become a version. As long as the pin lasts it is not proposed again."""
    from wfgov_dagster.usecases.candidates import drop_candidate

    dropped = drop_candidate(session.platform.store, session.actor, code, reason)
    session.put(asdict(dropped) | {"state": "dropped", "reason": reason}, f"{code}: dropped: {dropped.change_summary}")


def lines_of(found: "Diff") -> list[str]:
    """One a change; texts are cut."""
    from wfgov_dagster.domain.diff import short, waiting

    lines = [f"+task {code}" for code in found.tasks_added] + [f"-task {code}" for code in found.tasks_removed]
    lines += [f"+edge {pre} → {post}" for pre, post in found.edges_added]
    lines += [f"-edge {pre} → {post}" for pre, post in found.edges_removed]
    lines += [f"+{waiting(one)}" for one in found.cross_added] + [f"-{waiting(one)}" for one in found.cross_removed]
    told = [("", change) for change in found.settings]
    told += [(f"task {one.code}: ", change) for one in found.tasks_changed for change in one.fields]
    return lines + [f"~{head}{one.field}: {short(one.before)} → {short(one.after)}" for head, one in told]


def _version(number: int | None) -> str | None:
    return None if number is None else f"V{number}"
