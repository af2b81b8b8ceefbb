"""wfgov deps"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from wfgov_dagster.cli.groups import cli
from wfgov_dagster.cli.output import Table
from wfgov_dagster.cli.session import Session, command

if TYPE_CHECKING:
    from wfgov_dagster.usecases.dependencies_of import Reached


@command(cli, "deps")
@click.argument("task", metavar="TASK")
@click.option("--up", is_flag=True, help="Only what it depends on.")
@click.option("--down", is_flag=True, help="Only what depends on it.")
@click.option("--depth", type=click.IntRange(min=1), help="Greatest distance, in tasks; else any.")
def deps(session: Session, task: str, up: bool, down: bool, depth: int | None) -> None:
    """Show what a task depends on, and what depends on it, with the tables that make it so.

    Views are not counted as distance. The evidence is that of the last hop.
    """
    from wfgov_dagster.usecases.dependencies_of import Reach, dependencies_of

    both = up == down
    found = dependencies_of(session.platform.store, task, Reach(both or up, both or down, depth))
    session.warn_if_stale()
    parts = {"upstream": found.upstream, "downstream": found.downstream}
    asked = {name: part for name, part in parts.items() if part is not None}
    tables = [_table(f"{len(part)} {name} of {found.task_code}", part) for name, part in asked.items()]
    session.put({"task_code": found.task_code, **asked}, *tables)


def _table(title: str, reached: "Sequence[Reached]") -> Table:
    rows = [(one.distance, one.task_code, one.evidence.kind, " ← ".join(one.evidence.chain)) for one in reached]
    return Table(("distance", "task_code", "kind", "tables"), rows, title=title)
