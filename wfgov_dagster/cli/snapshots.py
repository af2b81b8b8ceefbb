"""wfgov snapshot …"""

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from wfgov_dagster.cli.groups import snapshot_group
from wfgov_dagster.cli.output import Block, Table, fields
from wfgov_dagster.cli.session import Session, command

if TYPE_CHECKING:
    from wfgov_dagster.usecases.show_snapshots import SnapshotShown

_LIST = ("snapshot_id", "workflow_code", "version_no", "engine", "status", "is_baseline", "attempts", "publisher",
         "updated_at", "content_hash", "error")  # fmt: skip
_PUBLISH = ("record_id", "operation", "status", "phase", "operator", "created_at", "finished_at", "error")
_HASH = 15  # characters that tell two apart


@command(snapshot_group, "list")
@click.argument("code", metavar="[CODE]", required=False)
@click.option("--engine", metavar="NAME", help="Only those for this engine.")
@click.option("--status", type=click.Choice(["draft", "failed", "published"]), help="Only with this status.")
@click.option("--page", type=click.IntRange(1), default=1, show_default=True, help="Which page, the newest first.")
@click.option("--size", type=click.IntRange(1, 1000), default=20, show_default=True, help="Snapshots a page.")
def list_command(session: Session, code: str | None, page: int, size: int, **wanted: str | None) -> None:
    """List snapshots of a workflow, or of all, the newest first, each with how its last publish failed."""
    from wfgov_dagster.ports.snapshots import SnapshotFilter
    from wfgov_dagster.usecases.show_snapshots import list_snapshots

    found = list_snapshots(session.platform.store, SnapshotFilter(code, **wanted), page, size)
    rows = [
        [getattr(one, name)[:_HASH] if name == "content_hash" else getattr(one, name) for name in _LIST]
        for one in found.snapshots
    ]
    session.put(found, Table(_LIST, rows), f"page {page}: {len(rows)} of {found.total}")


@command(snapshot_group, "show")
@click.argument("snapshot_id", metavar="ID", type=click.IntRange(1, 2**63 - 1))
def show_command(session: Session, snapshot_id: int) -> None:
    """Show a snapshot with the publishes that sent it; -o json also has its document, as it was signed.

    Its version may have been removed since: the document stays. To take it elsewhere: wfgov version export.
    """
    import orjson

    from wfgov_dagster.usecases.show_snapshots import show_snapshot

    shown = show_snapshot(session.platform.store, snapshot_id)
    value = {**asdict(shown.row), "publishes": shown.publishes, "document": orjson.loads(shown.document)}
    session.put(value, *_blocks(shown))


def _blocks(shown: "SnapshotShown") -> list[Block]:
    lines = [(name.replace("_", " "), told) for name, told in asdict(shown.row).items() if told is not None]
    rows = [[getattr(one, name) for name in _PUBLISH] for one in shown.publishes]
    return [fields(lines), *([Table(_PUBLISH, rows, title="Publishes")] if rows else [])]
