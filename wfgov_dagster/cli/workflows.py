"""wfgov workflow …"""

from dataclasses import asdict, fields
from typing import TYPE_CHECKING

import click

from wfgov_dagster.cli import output
from wfgov_dagster.cli.groups import workflow_group
from wfgov_dagster.cli.output import Block, Table
from wfgov_dagster.cli.session import Session, command

if TYPE_CHECKING:
    from wfgov_dagster.usecases.show_workflows import WorkflowShown

_CODE = click.argument("code", metavar="CODE")


@command(workflow_group, "list")
def list_command(session: Session) -> None:
    """List all workflows."""
    from wfgov_dagster.ports.queries import WorkflowRow
    from wfgov_dagster.usecases.show_workflows import list_workflows

    rows = list_workflows(session.platform.store)
    session.warn_if_stale()
    columns = [field.name for field in fields(WorkflowRow)]
    session.put(rows, Table(columns, [[getattr(row, name) for name in columns] for row in rows]))


@command(workflow_group, "show")
@_CODE
def show_command(session: Session, code: str) -> None:
    """Show a workflow: tasks, edges, levels, settings, schedule, edges to other workflows, findings."""
    from wfgov_dagster.usecases.show_workflows import show_workflow

    shown = show_workflow(session.platform.store, code, session.now())
    session.warn_if_stale()
    session.put(_value(shown), *_blocks(shown))


@command(workflow_group, "online")
@_CODE
def online_command(session: Session, code: str) -> None:
    """Let the platform start instances. No engine is touched: that is `wfgov publish`."""
    _change(session, code, "online")


@command(workflow_group, "offline")
@_CODE
def offline_command(session: Session, code: str) -> None:
    """Let the platform start no more instances. No engine is touched: that is `wfgov publish`."""
    _change(session, code, "offline")


def _change(session: Session, code: str, event: str) -> None:
    from wfgov_dagster.domain.lifecycle import Event
    from wfgov_dagster.usecases.change_status import change_status

    report = change_status(session.platform.store, session.actor, code, Event(event))
    told = f"is {report.status} already" if report.before == report.status else f"{report.before} → {report.status}"
    session.put(report, f"{report.workflow_code}: {told}")


def _value(shown: "WorkflowShown") -> dict[str, object]:
    settings = shown.settings
    kept = {} if settings is None else {name: one for name, one in asdict(settings).items() if name != "schedule"}
    schedule = None if shown.schedule is None else {**asdict(shown.schedule), "next_fires": shown.next_fires}
    detail = {name: one for name, one in asdict(shown.detail).items() if name != "definition_json"}
    return {
        **asdict(shown.row),
        **detail,
        "tasks": [task.code for task in shown.tasks],
        "edges": shown.edges,
        "entry_tasks": shown.entry_tasks,
        "exit_tasks": shown.exit_tasks,
        "levels": shown.levels,
        "memberships": shown.memberships,
        "settings": kept,
        "schedule": schedule,
        "cross_workflow_edges": shown.cross_workflow_edges,
        "findings": shown.findings,
    }


def _blocks(shown: "WorkflowShown") -> list[Block]:
    row, detail = shown.row, shown.detail
    blocks: list[Block] = [
        output.fields(
            [
                ("workflow", row.workflow_code),
                ("name", row.workflow_name),
                ("description", detail.description),
                ("status", f"{row.status}, publish: {row.publish_status}"),
                ("current version", _version(row.current_version_no)),
                ("last published", _version(row.last_published_version_no)),
                ("definition error", row.definition_error),
                ("domain, owner", f"{row.business_domain or '-'}, {row.owner or '-'}"),
                ("engine", detail.engine or "the default one"),
                ("origin", f"{detail.origin}, by {detail.created_by}"),
                ("pinned", _pin(shown)),
                ("tasks, edges", f"{row.task_count}, {row.edge_count}"),
                ("entry tasks", shown.entry_tasks),
                ("exit tasks", shown.exit_tasks),
                *_schedule(shown),
            ]
        ),
        _tasks(shown),
    ]
    if shown.edges:
        blocks.append(Table(("upstream", "downstream"), shown.edges, title="Edges"))
    if shown.cross_workflow_edges:
        blocks.append(_crossing(shown))
    if shown.findings:
        rows = [(one.rule, one.opened_at, one.message) for one in shown.findings]
        blocks.append(Table(("rule", "since", "message"), rows, title="Findings"))
    return blocks


def _pin(shown: "WorkflowShown") -> str | None:
    detail = shown.detail
    if detail.pinned_reason is None:
        return None
    until = "until it is unpinned" if detail.pinned_until is None else f"until {detail.pinned_until:%Y-%m-%d %H:%M:%S}Z"
    return f"{detail.pinned_reason} (by {detail.pinned_by}, {until})"


def _schedule(shown: "WorkflowShown") -> list[tuple[str, object]]:
    if shown.schedule is None:
        return [("schedule", None)]
    return [("schedule", f"{shown.schedule.cron} ({shown.schedule.time_zone})"), ("next fires", shown.next_fires)]


def _tasks(shown: "WorkflowShown") -> Table:
    members = {row.task_code: row for row in shown.memberships}
    rows = []
    for task in shown.tasks:
        row = members.get(task.code)
        told = (None,) * 4 if row is None else tuple(asdict(row).values())[1:]
        rows.append((task.code, task.node_type, *told))
    columns = ("task_code", "node type", "level", "inheritance mode", "upstream", "downstream")
    return Table(columns, rows, title="Tasks")


def _crossing(shown: "WorkflowShown") -> Table:
    rows = [
        (
            f"{one.upstream_workflow_code}/{one.upstream_task_code}",
            f"{one.workflow_code}/{one.task_code}",
            one.state,
            one.decided_by,
        )
        for one in shown.cross_workflow_edges
    ]
    return Table(("upstream", "downstream", "state", "decided by"), rows, title="Edges to other workflows")


def _version(version_no: int | None) -> str | None:
    return None if version_no is None else f"V{version_no}"
