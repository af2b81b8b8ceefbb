"""wfgov orchestrate"""

from typing import TYPE_CHECKING

import click

from wfgov_dagster.cli.groups import cli
from wfgov_dagster.cli.output import Block, Table, fields
from wfgov_dagster.cli.session import Session, command

if TYPE_CHECKING:
    from wfgov_dagster.ports.queries import WorkflowRow
    from wfgov_dagster.usecases.orchestrate import OrchestrationReport
    from wfgov_dagster.usecases.summarise_estate import EstateSummary


@command(cli, "orchestrate")
@click.option("--full", is_flag=True, help="Derive everything again; memberships stay as they are.")
def orchestrate_command(session: Session, full: bool) -> None:
    """Bring dependencies, workflow definitions and versions up to the metadata."""
    from wfgov_dagster.usecases.orchestrate import Options, orchestrate
    from wfgov_dagster.usecases.summarise_estate import summarise_estate

    settings, store = session.settings, session.platform.store
    options = Options(settings.time_zone, full, settings.rebuild_above_rows)
    report = orchestrate(store, session.actor, options)
    estate = summarise_estate(store)
    session.put(_value(report, estate), *_blocks(report, estate))


def _value(report: "OrchestrationReport", estate: "EstateSummary") -> dict[str, object]:
    step, defined = report.dependencies, report.definitions
    return {
        "dependencies": {
            "mode": step.mode,
            "changes": step.changes,
            "added": step.added,
            "removed": step.removed,
            "total": sum(estate.dependencies.values()),
            **estate.dependencies,
        },
        "definitions": {"placed": defined.placed, "moved": defined.moved, "changed": defined.changed},
        "workflows": estate.workflows,
        "drafts": [_draft(row) for row in estate.drafts],
        "versions": report.versions,
        "candidates": report.candidates,
    }


def _draft(row: "WorkflowRow") -> dict[str, object]:
    return {"workflow_code": row.workflow_code, "definition_error": row.definition_error}


def _blocks(report: "OrchestrationReport", estate: "EstateSummary") -> list[Block]:
    step, defined, kinds = report.dependencies, report.definitions, estate.dependencies
    total = f"{sum(kinds.values())} ({kinds['direct']} direct, {kinds['view']} through views only, "
    blocks: list[Block] = [
        fields(
            [
                ("metadata changes", f"{step.changes} ({step.mode})"),
                ("dependencies", f"{total}{kinds['declared']} declared), {step.added} new, {step.removed} gone"),
                ("tasks", f"{defined.placed} placed, {defined.moved} moved"),
                ("workflows", f"{estate.workflows}, {len(defined.changed)} definitions changed"),
                ("drafts", len(estate.drafts)),
                ("new versions", len(report.versions)),
                *([("candidates", len(report.candidates))] if report.candidates else []),
            ]
        )
    ]
    if estate.drafts:
        rows = [(row.workflow_code, row.definition_error) for row in estate.drafts]
        blocks.append(Table(("draft", "why"), rows))
    if report.versions:
        made = [(one.workflow_code, f"V{one.version_no}", one.change_summary) for one in report.versions]
        blocks.append(Table(("workflow_code", "new version", "change_summary"), made))
    if report.candidates:
        waits = [(one.workflow_code, one.change_summary) for one in report.candidates]
        blocks.append(Table(("pinned workflow", "candidate"), waits))
    return blocks
