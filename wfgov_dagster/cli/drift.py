"""wfgov drift"""

from dataclasses import asdict
from difflib import unified_diff
from typing import TYPE_CHECKING

import click

from wfgov_dagster.cli.groups import cli
from wfgov_dagster.cli.output import Block, Table
from wfgov_dagster.cli.session import Session, command

if TYPE_CHECKING:
    from wfgov_dagster.domain.drift import Difference
    from wfgov_dagster.usecases.inspect_drift import Found, Inspection

_DIFFERENT = 3  # exit code
_COLUMNS = ("workflow", "engine", "class", "field", "confirmed", "current", "on the engine", "since")


@command(cli, "drift")
@click.argument("code", metavar="[CODE]", required=False)
@click.option("--all", "everything", is_flag=True, help="Every workflow, and what else the engines hold.")
@click.option("--engine", metavar="NAME", help="Only this one; else wherever it was deployed, with --all every one.")
@click.option("--full", is_flag=True, help="With --all: look whole also at what the engine's list tells untouched.")
def drift_command(session: Session, code: str | None, everything: bool, engine: str | None, full: bool) -> None:
    """Say what an engine holds otherwise than was confirmed there, or than the current version. Changes nothing.

    Exit code 3 if something differs, 1 if an engine could not be seen: then it is not known.
    """
    if (code is None) != everything:
        raise click.UsageError("which workflow? CODE, or --all")
    from wfgov_dagster.usecases.engines import EMBEDDED
    from wfgov_dagster.usecases.inspect_drift import Scope, inspect_drift

    default = session.settings.default_engine
    if EMBEDDED in {engine, default}:
        session.platform.engine(EMBEDDED, session.actor)
    scope = Scope(None if code is None else [code], engine, default, whole=full)
    found = inspect_drift(session.platform.publisher(), session.actor, scope)
    value = {"differs": found.differs, "complete": not found.unseen, **asdict(found)}
    session.put(value, *_blocks(found))
    if found.unseen:
        session.say(one.message for one in found.unseen)
        raise click.exceptions.Exit(1)
    if found.differs:
        raise click.exceptions.Exit(_DIFFERENT)


def _blocks(found: "Inspection") -> list[Block]:
    rows = [row for one in found.findings for row in _rows(one)]
    blocks: list[Block] = [Table(_COLUMNS, rows)] if rows else []
    blocks += [text for one in found.findings for field in one.differences if (text := _text(one, field))]
    if found.findings:
        lines = [f"{one.workflow_code}: {one.message}\n  {one.next_step}" for one in found.findings]
        blocks.append("\n".join(lines))
    if found.unseen:
        columns = ("engine", "workflow", "unknown since", "why")
        unseen = [(one.engine, one.workflow_code, one.since, one.message) for one in found.unseen]
        blocks.append(Table(columns, unseen, title="Not seen"))
    return [*blocks, "\n".join(_summary(found)) or "no engine is registered"]


def _rows(one: "Found") -> list[tuple[object, ...]]:
    from wfgov_dagster.domain.diff import short

    about = (one.workflow_code, one.engine, one.kind.value)
    if not one.differences:
        return [(*about, None, None, None, None, one.since)]
    return [
        (*about, field.field, short(field.confirmed), short(field.current), short(field.engine), one.since)
        for field in one.differences
    ]


def _text(one: "Found", field: "Difference") -> str:
    """Texts of several lines: what it takes to come from the confirmed one to the engine's."""
    before, after = field.confirmed, field.engine
    if not (isinstance(before, str) and isinstance(after, str) and "\n" in before + after):
        return ""
    names = (f"{one.workflow_code}: {field.field}, confirmed", f"on {one.engine}")
    return "\n".join(unified_diff(before.splitlines(), after.splitlines(), *names, lineterm=""))


def _summary(found: "Inspection") -> list[str]:
    told = []
    for one in found.engines:
        findings = [each for each in found.findings if each.engine == one.engine]
        differing = len({each.workflow_code for each in findings if each.severity.value != "info"})
        about = f"{one.engine}: {one.workflows} workflows compared, {one.observed} looked at whole, {differing} differ"
        left_out = f"; left out, being published: {', '.join(one.publishing)}" if one.publishing else ""
        told.append(about + left_out)
    return told
