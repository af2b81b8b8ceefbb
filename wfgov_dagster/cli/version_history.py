"""wfgov version live, wfgov version blame"""

from datetime import datetime
from typing import TYPE_CHECKING

import click

from wfgov_dagster.cli.groups import version_group
from wfgov_dagster.cli.moment import Moment
from wfgov_dagster.cli.output import Block, Table, fields
from wfgov_dagster.cli.session import Session, command
from wfgov_dagster.cli.version_types import VersionNumber

if TYPE_CHECKING:
    from wfgov_dagster.ports.version_history import Blame, LiveVersion

_CODE = click.argument("code", metavar="CODE")
_BLAME = ("brought in", "by", "at", "trigger", "changed in", "by", "at", "change")


@command(version_group, "live")
@_CODE
@click.option("--engine", metavar="NAME", help="Which engine; else the one that the workflow is published to.")
@click.option("--at", type=Moment(), help="When; ISO 8601, UTC where it names no zone. Else now.")
def live_command(session: Session, code: str, engine: str | None, at: datetime | None) -> None:
    """Say which version an engine held at a time, as publish records tell. The engine is not asked."""
    from wfgov_dagster.usecases.version_history import live_version
    from wfgov_dagster.usecases.workflow_engine import engine_for

    store = session.platform.store
    chosen = engine_for(store, code, engine, session.settings.default_engine)
    found = live_version(store, code, chosen, at or session.now())
    session.put(found, *_live(found))


@command(version_group, "blame")
@_CODE
@click.option("--task", metavar="T", help="Only this task.")
@click.option("--edge", metavar="A B", nargs=2, help="Only the edge from A to B.")
@click.option("--version", "number", type=VersionNumber(), help="Of this version; else the newest.")
def blame_command(
    session: Session, code: str, task: str | None, edge: tuple[str, str] | None, number: int | None
) -> None:
    """Say for each task and edge which version brought it, which changed it last, and who made those.

    Whatever left and came back was brought when it came back. An edge changes when one of its tasks does.
    """
    if task is not None and edge is not None:
        raise click.UsageError("--task or --edge, not both")
    from wfgov_dagster.usecases.version_history import blame

    found = blame(session.platform.store, code, number, task=task, edge=edge)
    tasks = [(one.task_code, *_told(one)) for one in found if one.kind == "task"]
    edges = [(one.upstream, one.downstream, *_told(one)) for one in found if one.kind == "edge"]
    blocks = [Table(("task", *_BLAME), tasks, title="Tasks")] if tasks else []
    blocks += [Table(("upstream", "downstream", *_BLAME), edges, title="Edges")] if edges else []
    session.put(found, *blocks)


def _live(found: "LiveVersion") -> list[Block]:
    shown: list[Block] = [
        fields(
            [
                ("workflow", found.workflow_code),
                ("engine", found.engine),
                ("at", found.at),
                ("version", None if found.version_no is None else f"V{found.version_no}"),
                ("since", found.since),
                ("publish record", found.record_id),
                ("by", found.operator),
                ("online", found.online),
            ]
        )
    ]
    if found.open_records:
        listed = ", ".join(str(one) for one in found.open_records)
        shown.append(f"not ended then, so it may have held another one: publish record {listed}")
    return shown


def _told(one: "Blame") -> tuple[object, ...]:
    return (f"V{one.brought_in}", one.brought_by, one.brought_at, one.brought_trigger,
            f"V{one.changed_in}", one.changed_by, one.changed_at, one.changed_change)  # fmt: skip
