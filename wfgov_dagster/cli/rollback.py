"""wfgov rollback"""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from wfgov_dagster.cli.candidates import lines_of as changes
from wfgov_dagster.cli.groups import cli
from wfgov_dagster.cli.moment import Moment
from wfgov_dagster.cli.output import Block, fields
from wfgov_dagster.cli.publishing import driven, lines_of
from wfgov_dagster.cli.session import Session, command
from wfgov_dagster.cli.version_types import VersionNumber

if TYPE_CHECKING:
    from wfgov_dagster.usecases.plan_rollback import RollbackPlan
    from wfgov_dagster.usecases.rollback import RolledBack, Wanted


@command(cli, "rollback")
@click.argument("code", metavar="CODE")
@click.option("--to", metavar="N", type=VersionNumber(), help="Version to go back to; else the one published last.")
@click.option("--reason", default="", metavar="TEXT", help="Why; needed unless it is a dry run. It is the pin's, too.")
@click.option("--take-back", is_flag=True, help="Take tasks that have moved from the workflows that they are in now.")
@click.option("--unpublished", is_flag=True, help="Though that version was never published.")
@click.option("--publish/--no-publish", default=True, help="Publish the new version, or only make it.")
@click.option("--until", metavar="TIME", type=Moment(), help="End of the pin, ISO 8601; else until it is unpinned.")
@click.option("--engine", metavar="NAME", help="Which engine; else the workflow's, else WFGOV_DEFAULT_ENGINE.")
@click.option("--wait/--no-wait", default=True, help="Until the publish has ended, or leave it to the watch loop.")
@click.option("--dry-run", is_flag=True, help="Only show what would change, and what speaks against it.")
def rollback_command(session: Session, code: str, engine: str | None, wait: bool, dry_run: bool, **told: Any) -> None:
    """Go back to an older version: its content becomes a new version, which is published and pinned.

    Metadata is not touched. Until `wfgov unpin` orchestration makes candidates of the workflow, and no versions.
    """
    from wfgov_dagster.usecases.rollback import Wanted
    from wfgov_dagster.usecases.workflow_engine import engine_for

    name = engine_for(session.platform.store, code, engine, session.settings.default_engine)
    wanted = Wanted(code, name, **told)
    session.platform.engine(name, session.actor, looks=dry_run)
    if dry_run:
        _preview(session, wanted)
    else:
        _rollback(session, wanted, wait=wait)


def _rollback(session: Session, wanted: "Wanted", *, wait: bool) -> None:
    from wfgov_dagster.usecases.rollback import rollback

    done = rollback(session.platform.store, session.actor, wanted, session.settings.time_zone)
    told = f"V{done.version.version_no} has the content of V{done.rollback_of}; {wanted.workflow_code} is pinned"
    session.say([told, *(f"warning: {one}" for one in done.warnings)])
    shown, error = (None, None) if done.record_id is None else driven(session, done.record_id, wait=wait)
    value = {"workflow_code": wanted.workflow_code, **asdict(done), "publish": None if shown is None else asdict(shown)}
    blocks: list[Block] = [fields(_lines(done))]
    session.put(value, *blocks, *([] if shown is None else [fields(lines_of(shown))]))
    if error is not None:
        raise error


def _lines(done: "RolledBack") -> list[tuple[str, object]]:
    version = done.version
    others = [f"{one.workflow_code} V{one.version_no}: {one.change_summary}" for one in done.others]
    waiting = [f"{one.workflow_code}: {one.change_summary}" for one in done.candidates]
    return [
        ("workflow", version.workflow_code),
        ("new version", f"V{version.version_no}: {version.change_summary}"),
        ("pinned", done.pin.sentence()),
        *([("tasks restored", done.restored)] if done.restored else []),
        *([("tasks taken back", done.taken_back)] if done.taken_back else []),
        *([("other versions", others)] if others else []),
        *([("candidates", waiting)] if waiting else []),
    ]


def _preview(session: Session, wanted: "Wanted") -> None:
    from wfgov_dagster.usecases.rollback import preview_rollback

    plan = preview_rollback(session.platform.store, wanted)
    names = ("current", "target", "diff", "lineage", "restored", "moved", "readers", "warnings")
    value = {"workflow_code": wanted.workflow_code, "engine": plan.engine.name}
    value |= {name: getattr(plan, name) for name in names}
    session.put(value | {"refusals": [one.problem() for one in plan.refusals]}, "\n".join(_told(plan)))


def _told(plan: "RollbackPlan") -> list[str]:
    about = f"{plan.workflow.code} from V{plan.current.version_no} to V{plan.target.version_no}"
    lines = [f"dry run: rollback of {about} on {plan.engine.name}", *changes(plan.diff)]
    lines += [f"comes back, deleted in the metadata: {task}" for task in plan.restored]
    lines += [f"has moved: {task} is in {code}" for task, code in plan.moved.items()]
    lines += [f"warning: {one}" for one in plan.warnings]
    return lines + [f"it would be refused: {one.sentence()}" for one in plan.refusals]
