"""wfgov version …"""

from difflib import unified_diff
from typing import TYPE_CHECKING

import click

from wfgov_dagster.cli import output
from wfgov_dagster.cli.groups import version_group
from wfgov_dagster.cli.output import Block, Table
from wfgov_dagster.cli.session import Session, command

if TYPE_CHECKING:
    from wfgov_dagster.domain.diff import FieldChange
    from wfgov_dagster.ports.queries import VersionListRow
    from wfgov_dagster.usecases.show_versions import Comparison, VersionShown

_CODE = click.argument("code", metavar="CODE")
_DIFFERENT = 3  # exit code
_HASH = 15  # characters that tell two versions apart


class VersionNumber(click.ParamType[int]):
    """3 or V3."""

    name = "version"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        digits = str(value).removeprefix("V").removeprefix("v")
        if not (digits.isascii() and digits.isdigit() and len(digits) < 10 and int(digits)):
            self.fail(f"{value!r} is no version: 3 or V3.", param, ctx)
        return int(digits)


@command(version_group, "list")
@_CODE
def list_command(session: Session, code: str) -> None:
    """List the versions of a workflow, from V1 on."""
    from wfgov_dagster.usecases.show_versions import list_versions

    rows = list_versions(session.platform.store, code)
    columns = ("version", "published", "trigger_source", "created_by", "created_at", "content_hash", "change_summary")
    session.put(rows, Table(columns, [_line(row) for row in rows]))


@command(version_group, "show")
@_CODE
@click.argument("number", metavar="N", type=VersionNumber())
def show_command(session: Session, code: str, number: int) -> None:
    """Show a version whole: its w1 document, and the version of each task."""
    from wfgov_dagster.usecases.show_versions import show_version

    shown = show_version(session.platform.store, code, number)
    session.put(_value(code, shown), *_blocks(code, shown))


@command(version_group, "diff")
@_CODE
@click.argument("before", metavar="A", type=VersionNumber())
@click.argument("after", metavar="B", type=VersionNumber())
def diff_command(session: Session, code: str, before: int, after: int) -> None:
    """Say what it takes to come from version A to version B. Exit code 3 if they differ."""
    from wfgov_dagster.usecases.show_versions import compare_versions

    found = compare_versions(session.platform.store, code, before, after)
    value = {"workflow_code": code, "before": before, "after": after, "equal": not found.diff}
    session.put({**value, "diff": found.diff}, *_difference(found))
    if found.diff:
        raise click.exceptions.Exit(_DIFFERENT)


def _line(row: "VersionListRow") -> tuple[object, ...]:
    summary = row.change_summary if row.rollback_of is None else f"rollback of V{row.rollback_of}; {row.change_summary}"
    return (
        f"V{row.version_no}",
        row.published,
        row.trigger_source,
        row.created_by,
        row.created_at,
        row.content_hash[:_HASH],
        summary,
    )


def _value(code: str, shown: "VersionShown") -> dict[str, object]:
    from dataclasses import asdict

    import orjson

    from wfgov_dagster.domain.snapshot import document

    whole = orjson.loads(document(shown.definition))
    return {"workflow_code": code, **asdict(shown.row), "task_versions": shown.task_versions, "document": whole}


def _blocks(code: str, shown: "VersionShown") -> list[Block]:
    row, definition = shown.row, shown.definition
    schedule = definition.settings.schedule
    tasks = [(task.code, shown.task_versions[task.code], task.node_type, task.name) for task in definition.tasks]
    return [
        output.fields(
            [
                ("workflow", code),
                ("version", f"V{row.version_no}"),
                ("content hash", row.content_hash),
                ("change", row.change_summary),
                ("by", f"{row.created_by}, {row.trigger_source}"),
                ("at", row.created_at),
                ("rollback of", None if row.rollback_of is None else f"V{row.rollback_of}"),
                ("published", row.published),
                ("schedule", None if schedule is None else f"{schedule.cron} ({schedule.time_zone})"),
            ]
        ),
        Table(("task_code", "version", "node type", "name"), tasks, title="Tasks"),
        *([Table(("upstream", "downstream"), definition.edges, title="Edges")] if definition.edges else []),
        *(f"--- {task.code} ({task.node_type})\n{task.text}" for task in definition.tasks),
    ]


def _difference(found: "Comparison") -> list[Block]:
    """Lines with + - ~ as in a change summary; long texts as a unified diff."""
    from wfgov_dagster.domain.diff import waiting

    diff = found.diff
    if not diff:
        return [f"V{found.before} and V{found.after} of {found.workflow_code} have the same content"]
    lines = [f"+task {code}" for code in diff.tasks_added]
    lines += [f"-task {code}" for code in diff.tasks_removed]
    lines += [f"+edge {pre} → {post}" for pre, post in diff.edges_added]
    lines += [f"-edge {pre} → {post}" for pre, post in diff.edges_removed]
    lines += [f"+{waiting(one)}" for one in diff.cross_added]
    lines += [f"-{waiting(one)}" for one in diff.cross_removed]
    for change in diff.settings:
        lines += _changed(found, "", change)
    for task in diff.tasks_changed:
        lines.append(f"~task {task.code}")
        for change in task.fields:
            lines += _changed(found, "  ", change)
    return ["\n".join(lines)]


def _changed(found: "Comparison", indent: str, change: "FieldChange") -> list[str]:
    before, after = change.before, change.after
    if not (isinstance(before, str) and isinstance(after, str) and "\n" in before + after):
        return [f"{indent}~{change.field}: {before} → {after}"]
    names = (f"{change.field} V{found.before}", f"{change.field} V{found.after}")
    return [f"{indent}{line}" for line in unified_diff(before.splitlines(), after.splitlines(), *names, lineterm="")]
