"""wfgov adopt"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wfgov_dagster.cli.groups import cli
from wfgov_dagster.cli.output import Block, Table, as_json
from wfgov_dagster.cli.session import Session, command
from wfgov_dagster.errors import Conflict

if TYPE_CHECKING:
    from wfgov_dagster.domain.baseline import Baseline


@command(cli, "adopt")
@click.option("--engine", required=True, help="Registered engine whose workflows are adopted.")
@click.option("--workflow", metavar="NAME", help="One workflow, by its name on the engine.")
@click.option("--all", "every", is_flag=True, help="All that the engine's project holds.")
@click.option("--dialect", help="SQL dialect of its SQL nodes; else duckdb for an embedded engine, mysql for others.")
@click.option("--dry-run", is_flag=True, help="Only report; nothing is written.")
@click.option(
    "--report",
    "folder",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for baseline.md and baseline.json.",
)
def adopt_command(session: Session, engine: str, workflow: str | None, every: bool, **how: Any) -> None:
    """Take workflows that somebody made on an engine: V1 and a baseline are what the engine holds, unchanged.

    Every node type is kept. SQL nodes tell their lineage; a node that is for sure a task of the metadata becomes that
    task, others become new ones. Publishing right after writes nothing. The report says what to keep in mind.
    """
    if every == (workflow is not None):
        raise click.UsageError("which workflows? --workflow NAME or --all")
    from wfgov_dagster.domain.baseline import value
    from wfgov_dagster.usecases import engines
    from wfgov_dagster.usecases.adopt import Adopter, adopt
    from wfgov_dagster.usecases.sql_nodes import dialect_of
    from wfgov_dagster.wiring import sql_reader

    platform = session.platform
    asked = platform.engine(engine, session.actor, looks=how["dry_run"])
    with platform.store.read() as work:
        registered = engines.seen(work, engine)
    reader = sql_reader(how["dialect"] or dialect_of(registered.kind))
    adopter = Adopter(platform.store, registered, asked, reader, session.actor)
    report = adopt(adopter, workflow, dry_run=how["dry_run"])
    if how["folder"] is not None:
        _write(how["folder"], report)
    session.put(value(report), *_blocks(report))
    if failed := [one.workflow_code for one in report.workflows if one.state == "failed"]:
        raise Conflict(f"not adopted: {', '.join(failed)}", where=f"engine {engine}", hint="the report says why")


def _write(folder: Path, report: "Baseline") -> None:
    from wfgov_dagster.domain.baseline import markdown, value

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "baseline.md").write_text(markdown(report), encoding="utf-8")
    (folder / "baseline.json").write_bytes(as_json(value(report)) + b"\n")


def _blocks(report: "Baseline") -> list[Block]:
    columns = ("workflow", "state", "online", "schedule", "tasks", "lineage", "elsewhere", "risks")
    rows = [
        (
            one.workflow_code,
            f"{one.state}: {one.reason}" if one.reason else one.state,
            one.online,
            one.schedule,
            ", ".join(f"{kind} {count}" for kind, count in one.types.items()) or None,
            ", ".join(f"{count} {kind}" for kind, count in one.lineage.items() if count) or None,
            sum(task.elsewhere is not None for task in one.tasks),
            len(one.risks),
        )
        for one in report.workflows
    ]
    risks = [f"{one.workflow_code}: {risk}" for one in report.workflows for risk in one.risks]
    blocks: list[Block] = [Table(columns, rows, title="dry run: nothing is written" if report.dry_run else "")]
    return [*blocks, "\n".join(risks)] if risks else blocks
