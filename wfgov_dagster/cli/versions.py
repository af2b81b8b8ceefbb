"""wfgov version …"""

from typing import TYPE_CHECKING, Any

import click

from wfgov_dagster.cli import output
from wfgov_dagster.cli.groups import version_group
from wfgov_dagster.cli.moment import Moment
from wfgov_dagster.cli.output import Block, Table
from wfgov_dagster.cli.session import Session, command
from wfgov_dagster.cli.version_types import NumberOrPublished

if TYPE_CHECKING:
    from wfgov_dagster.ports.queries import VersionListRow
    from wfgov_dagster.ports.version_history import HistoryRow
    from wfgov_dagster.usecases.show_versions import VersionShown

_CODE = click.argument("code", metavar="CODE")
_LIST = ("version", "published", "trigger_source", "created_by", "created_at", "content_hash", "change_summary",
         "changed")  # fmt: skip
_STATES = ("new", "draft", "failed", "published")
_TRIGGERS = ("task_change", "lineage_update", "manual", "api")
_HASH = 15  # characters that tell two versions apart


@command(version_group, "list")
@click.argument("code", metavar="[CODE]", required=False)
@click.option("--state", type=click.Choice(_STATES), help="Only with snapshots in this state; new = without any.")
@click.option("--since", type=Moment(), help="Only those made then or later.")
@click.option("--until", type=Moment(), help="Only those made before.")
@click.option("--author", metavar="NAME", help="Only those that this person made.")
@click.option("--trigger", type=click.Choice(_TRIGGERS), help="Only those that this led to.")
@click.option(
    "--published/--unpublished", default=None, help="Only those that an engine was, or never was, seen to hold."
)
@click.option("--page", type=click.IntRange(1), help="Which page, the newest version first.")
@click.option("--size", type=click.IntRange(1, 1000), help="Versions a page; 20.")
def list_command(session: Session, code: str | None, **asked: Any) -> None:
    """List the versions of a workflow, from V1 on; with options, or of all workflows, in pages, the newest first.

    A version changed `itself`; `both` = something above it, too: what its cross-workflow edges wait for.
    """
    if code is not None and all(value is None for value in asked.values()):
        from wfgov_dagster.usecases.show_versions import list_versions

        rows = list_versions(session.platform.store, code)
        session.put(rows, Table(_LIST, [_line(row) for row in rows]))
        return
    from wfgov_dagster.ports.version_history import VersionFilter
    from wfgov_dagster.usecases.version_history import page_versions

    page, size = asked.pop("page") or 1, asked.pop("size") or 20
    found = page_versions(session.platform.store, VersionFilter(code, **asked), page, size)
    lines = [(row.workflow_code, *_line(row), row.state) for row in found.versions]
    columns = ("workflow", *_LIST, "state")
    session.put(found, Table(columns, lines), f"page {page}: {len(lines)} of {found.total}")


@command(version_group, "show")
@_CODE
@click.argument("number", metavar="N", type=NumberOrPublished())
def show_command(session: Session, code: str, number: int | str) -> None:
    """Show a version whole: w1 document, version of each task, publishes. N may be `published`: the last of those.

    The deep hash is of it and of the workflows above it as they were; `above` says whether these have changed since.
    """
    from wfgov_dagster.usecases.show_versions import show_version

    shown = show_version(session.platform.store, code, number if isinstance(number, int) else None)
    session.put(_value(code, shown), *_blocks(code, shown))


def _line(row: "VersionListRow | HistoryRow") -> tuple[object, ...]:
    summary = row.change_summary if row.rollback_of is None else f"rollback of V{row.rollback_of}; {row.change_summary}"
    summary = summary if row.imported_from is None else f"imported from {row.imported_from}; {summary}"
    return (
        f"V{row.version_no}",
        row.published,
        row.trigger_source,
        row.created_by,
        row.created_at,
        row.content_hash[:_HASH],
        summary,
        row.changed,
    )


def _value(code: str, shown: "VersionShown") -> dict[str, object]:
    from dataclasses import asdict

    import orjson

    from wfgov_dagster.domain.snapshot import document

    whole = orjson.loads(document(shown.definition))
    return {"workflow_code": code, **asdict(shown.row), "task_versions": shown.task_versions,
            "publishes": shown.publishes, "deep_hash": shown.deep_hash, "changed_since": shown.changed_since,
            "document": whole}  # fmt: skip


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
                ("deep hash", shown.deep_hash),
                ("above", _above(shown)),
                ("change", row.change_summary),
                ("by", f"{row.created_by}, {row.trigger_source}"),
                ("at", row.created_at),
                ("rollback of", None if row.rollback_of is None else f"V{row.rollback_of}"),
                ("published", row.published),
                *([("imported from", row.imported_from)] if row.imported_from is not None else []),
                ("schedule", None if schedule is None else f"{schedule.cron} ({schedule.time_zone})"),
            ]
        ),
        *([_publishes(shown)] if shown.publishes else []),
        Table(("task_code", "version", "node type", "name"), tasks, title="Tasks"),
        *([Table(("upstream", "downstream"), definition.edges, title="Edges")] if definition.edges else []),
        *(f"--- {task.code} ({task.node_type})\n{task.text}" for task in definition.tasks),
    ]


def _above(shown: "VersionShown") -> str | None:
    if shown.changed_since is None:
        return None
    if not shown.row.above_hash:
        return "nothing"
    return "as it was" if shown.changed_since == "nothing" else "changed since"


def _publishes(shown: "VersionShown") -> Table:
    columns = ("record_id", "engine", "operation", "status", "phase", "operator", "created_at", "finished_at", "error")
    return Table(columns, [[getattr(one, name) for name in columns] for one in shown.publishes], title="Publishes")
