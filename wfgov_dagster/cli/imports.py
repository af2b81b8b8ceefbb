"""wfgov import …"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wfgov_dagster.cli.groups import import_group
from wfgov_dagster.cli.output import Table
from wfgov_dagster.cli.session import Session, command

if TYPE_CHECKING:
    from wfgov_dagster.ports.metadata import ImportBatch

_SOURCE_LIMIT = 90  # `import:<source>` has to fit who declared something
_FOLDER = click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
_SKIP_BAD = click.option("--skip-bad", is_flag=True, help="Leave bad rows out instead of refusing everything.")


def _source(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None and (not value.strip() or not value.isprintable() or len(value) > _SOURCE_LIMIT):
        raise click.BadParameter(f"1 to {_SOURCE_LIMIT} printable characters.")
    return value


_SOURCE = click.option(
    "--source", callback=_source, help="Who owns what is imported; else the name of the folder. Keep it the same."
)


@command(import_group, "csv")
@_FOLDER
@_SOURCE
@_SKIP_BAD
def import_csv(session: Session, folder: Path, source: str | None, **options: Any) -> None:
    """Import tasks.csv and lineage.csv of a folder.

    What the source brought before and does not hold any more is removed; rows of others are not touched.
    """
    from wfgov_dagster.wiring import read_csv

    _import(session, source or _name(folder), read_csv(folder), **options)


@command(import_group, "sql")
@_FOLDER
@click.option("--dialect", required=True, help="SQL dialect as sqlglot names it: duckdb, hive, spark, mysql …")
@_SOURCE
@_SKIP_BAD
def import_sql(session: Session, folder: Path, dialect: str, source: str | None, **options: Any) -> None:
    """Import a folder of .sql files, one file a task; what it reads and writes is read from its text.

    A YAML comment at the top of a file may say more: owner, workflow, cron …
    """
    from wfgov_dagster.wiring import read_sql

    _import(session, source or _name(folder), read_sql(folder, dialect), **options)


def _name(folder: Path) -> str:
    name = folder.resolve().name
    if not name or len(name) > _SOURCE_LIMIT or not name.isprintable():
        raise click.UsageError(f"the folder's name {name!r} is no good name of a source: use --source")
    return name


def _import(session: Session, source: str, batch: "ImportBatch", *, skip_bad: bool) -> None:
    from wfgov_dagster.usecases.import_metadata import import_metadata

    report = import_metadata(session.platform.store, session.actor, source, batch, skip_bad=skip_bad)
    rows = [(table, one.added, one.changed, one.removed) for table, one in report.counted.items()]
    if session.format == "table":
        session.say(f"warning: {one}" for one in report.warnings)
        session.say(f"left out: {one.file}:{one.line}: {one.reason}" for one in report.bad)
    session.put(
        {
            "source": report.source,
            "changes": report.changes,
            "tables": [dict(zip(("table_name", "added", "changed", "removed"), row, strict=True)) for row in rows],
            "bad": report.bad,
            "warnings": report.warnings,
        },
        Table(("table", "added", "changed", "removed"), rows, title=f"source {report.source}"),
        f"{report.changes} changes, {len(report.bad)} bad rows, {len(report.warnings)} warnings",
    )
