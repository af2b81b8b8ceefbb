"""wfgov edge …"""

from typing import TYPE_CHECKING

import click

from wfgov_dagster.cli.groups import edge_group
from wfgov_dagster.cli.output import Block, Table, fields
from wfgov_dagster.cli.session import Session, command

if TYPE_CHECKING:
    from wfgov_dagster.usecases.decide_edge import Decided

_STATES = ("unconfirmed", "confirmed", "rejected")
_REASON = click.option("--reason", required=True, help="Why; it is kept beside the edge and in the audit log.")


@command(edge_group, "list")
@click.argument("code", metavar="[WORKFLOW]", required=False)
@click.option("--state", type=click.Choice(_STATES), help="Only those.")
def list_command(session: Session, code: str | None, state: str | None) -> None:
    """List dependencies between two workflows, of all or of one, into it and out of it."""
    from wfgov_dagster.usecases.decide_edge import list_edges

    found = list_edges(session.platform.store, code, state)
    session.warn_if_stale()
    rows = [
        (
            f"{one.upstream_workflow_code}/{one.upstream_task_code}",
            f"{one.workflow_code}/{one.task_code}",
            one.state,
            one.decided_by,
            one.reason,
        )
        for one in found
    ]
    session.put(found, Table(("upstream", "waits", "state", "decided by", "reason"), rows))


@command(edge_group, "confirm")
@click.argument("task", metavar="TASK")
@click.argument("upstream", metavar="UPSTREAM_TASK")
@_REASON
def confirm(session: Session, task: str, upstream: str, reason: str) -> None:
    """Let TASK wait for UPSTREAM_TASK of another workflow. Its workflow gets a version that says so; while it is
    pinned, a candidate.

    Refused where the tasks would wait for each other in a circle.
    """
    from wfgov_dagster.usecases.decide_edge import CONFIRMED

    _decide(session, (task, upstream), CONFIRMED, reason)


@command(edge_group, "reject")
@click.argument("task", metavar="TASK")
@click.argument("upstream", metavar="UPSTREAM_TASK")
@_REASON
def reject(session: Session, task: str, upstream: str, reason: str) -> None:
    """Say that TASK does not have to wait for UPSTREAM_TASK. If it did, its workflow gets a version without it."""
    from wfgov_dagster.usecases.decide_edge import REJECTED

    _decide(session, (task, upstream), REJECTED, reason)


def _decide(session: Session, ends: tuple[str, str], state: str, reason: str) -> None:
    from wfgov_dagster.usecases.decide_edge import Word, decide_edge

    task, upstream = ends
    word = Word(upstream, task, state, reason)
    done = decide_edge(session.platform.store, session.actor, word, session.settings.time_zone)
    session.put(done, *_blocks(done))


def _blocks(done: "Decided") -> list[Block]:
    edge = done.edge
    state = edge.state if edge.state == done.before else f"{edge.state} (was {done.before})"
    made = [f"V{one.version_no}: {one.change_summary}" for one in done.versions]
    return [
        fields(
            [
                ("waits", f"{edge.workflow_code}/{edge.task_code}"),
                ("for", f"{edge.upstream_workflow_code}/{edge.upstream_task_code}"),
                ("state", state),
                ("decided by", edge.decided_by),
                ("reason", edge.reason),
                ("new version", made or None),
                *([("no version, because", done.broken)] if done.broken else []),
                *([("candidate, it is pinned", done.candidate.change_summary)] if done.candidate else []),
            ]
        )
    ]
