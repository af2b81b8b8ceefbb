"""wfgov version diff"""

from functools import cache
from typing import TYPE_CHECKING

import click

from wfgov_dagster.cli.groups import version_group
from wfgov_dagster.cli.output import Block, Table
from wfgov_dagster.cli.session import Session, command
from wfgov_dagster.cli.version_types import CURRENT, SideOfComparison

if TYPE_CHECKING:
    from wfgov_dagster.ports.sql import SqlReader
    from wfgov_dagster.usecases.compare_versions import Compared, Comparer, Side

_DIFFERENT = 3  # exit code
_TABLES = ("table", "what", "columns dropped", "columns changed", "columns added", "readers", "unaffected")


@command(version_group, "diff")
@click.argument("code", metavar="CODE")
@click.argument("before", metavar="A", type=SideOfComparison())
@click.argument("after", metavar="B", type=SideOfComparison())
@click.option("--unified", is_flag=True, help="As one unified text.")
@click.option("--dialect", help="SQL dialect of its SQL nodes; else duckdb for an embedded engine, mysql for others.")
def diff_command(
    session: Session, code: str, before: int | str, after: int | str, unified: bool, dialect: str | None
) -> None:
    """Say what it takes to come from A to B, and how grave that is. Exit code 3 if they differ.

    A and B are versions, `current` for the current definition, `engine` or `engine:NAME` for what an engine holds; that
    is compared as the engine shows it, so what it cannot hold is no difference. The class is none, metadata, ordering,
    non-breaking or breaking; breaking names the tables, the columns where the SQL is known, and today's readers. Of two
    versions it is also told whether something above changed: what the cross-workflow edges wait for.
    """
    from wfgov_dagster.usecases.compare_versions import compare_sides

    sides = _side(session, code, before), _side(session, code, after)
    found = compare_sides(_comparer(session, code, dialect), code, *sides)
    session.put(_value(found), *(_unified(found) if unified else _blocks(found)))
    if found.comparison.diff:
        raise click.exceptions.Exit(_DIFFERENT)


def _side(session: Session, code: str, told: int | str) -> "Side":
    from wfgov_dagster.usecases.compare_versions import Side
    from wfgov_dagster.usecases.engines import EMBEDDED
    from wfgov_dagster.usecases.workflow_engine import engine_for

    if isinstance(told, int):
        return Side(version_no=told)
    if told == CURRENT:
        return Side()
    named = told.partition(":")[2] or None
    engine = engine_for(session.platform.store, code, named, session.settings.default_engine)
    if engine == EMBEDDED:
        session.platform.engine(engine, session.actor)
    return Side(engine=engine)


def _comparer(session: Session, code: str, dialect: str | None) -> "Comparer":
    from wfgov_dagster.usecases.compare_versions import Comparer
    from wfgov_dagster.usecases.sql_nodes import dialect_for

    platform = session.platform
    chosen = dialect or dialect_for(platform.store, code, session.settings.default_engine)

    @cache
    def sql() -> "SqlReader":
        from wfgov_dagster.wiring import sql_reader

        return sql_reader(chosen)

    if dialect is not None:
        sql()  # a dialect that nobody knows is refused, needed or not
    return Comparer(platform.store, sql, platform.publisher)


def _value(found: "Compared") -> dict[str, object]:
    own = found.comparison
    return {
        "workflow_code": found.workflow_code,
        "before": _plain(found.before),
        "after": _plain(found.after),
        "equal": not own.diff,
        "changed": found.changed,
        "class": own.verdict.change_class,
        "reasons": [{"class": one.change_class, "told": one.told} for one in own.verdict.reasons],
        "renamed": own.renamed,
        "moved_in": own.moves.came,
        "moved_out": own.moves.left,
        "parameters": own.parameters,
        "resources": own.resources,
        "schedule": own.schedule,
        "formatting_only": sorted(own.effects.formatted),
        "tables": own.effects.tables,
        "diff": own.diff,
    }


def _plain(side: "Side") -> int | str:
    if side.engine is not None:
        return f"engine:{side.engine}"
    return CURRENT if side.version_no is None else side.version_no


def _unified(found: "Compared") -> list[Block]:
    from wfgov_dagster.domain.readable import unified

    names = f"{found.workflow_code} {found.before}", f"{found.workflow_code} {found.after}"
    return ["\n".join(unified(found.old, found.new, names))] if found.comparison.diff else [_equal(found)]


def _blocks(found: "Compared") -> list[Block]:
    from wfgov_dagster.domain.change_class import reader
    from wfgov_dagster.domain.compare_text import lines, verdict

    own = found.comparison
    if not own.diff:
        return [_equal(found)]
    blocks: list[Block] = ["\n".join([*lines(own, str(found.before), str(found.after)), *_above(found)])]
    if own.effects.tables:
        rows = []
        for one in own.effects.tables:
            change = one.change
            columns = (change.columns_dropped, change.columns_changed, change.columns_added)
            rows.append(
                (change.table, change.fate.value, *columns, [reader(each) for each in one.readers], one.unaffected)
            )
        blocks.append(Table(_TABLES, rows, title="Tables"))
    return [*blocks, "\n".join(verdict(own))]


def _equal(found: "Compared") -> str:
    same = f"{found.before} and {found.after} of {found.workflow_code} have the same content"
    return "; ".join([same, *_above(found)])


def _above(found: "Compared") -> list[str]:
    return ["something above it changed too"] if found.changed in {"above", "both"} else []
