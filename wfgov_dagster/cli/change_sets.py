"""wfgov plan, apply and change-set …; and what `wfgov publish` does with many workflows"""

import time
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wfgov_dagster.cli.change_set_options import How, Which, how_options, like, wanted_of, which_options
from wfgov_dagster.cli.groups import change_set_group, cli
from wfgov_dagster.cli.output import Table, as_json
from wfgov_dagster.cli.session import Session, command
from wfgov_dagster.errors import ChangeSetFailed, InvalidInput

if TYPE_CHECKING:
    from wfgov_dagster.usecases.change_set import Wanted
    from wfgov_dagster.usecases.show_change_sets import ChangeSetShown

_DIFFERENT = 3  # exit code
_LOOK_SECONDS = 1.0  # longest pause between two looks at how it comes on
_LARGEST_PLAN = 100_000_000  # bytes
_NOTHING = "nothing to publish: the engine was confirmed to hold every current version"
_ID = click.argument("change_set_id", metavar="ID", type=click.IntRange(1, 2**63 - 1))
_WAIT = click.option("--wait/--no-wait", default=True, help="Until all have ended, or leave it to `wfgov flow watch`.")


def publish_many(session: Session, which: Which, how: How) -> None:
    wanted = wanted_of(session, which, how)
    if wanted is None:
        session.put({"change_set": None, "members": []}, _NOTHING)
    elif how.dry_run:
        _plan(session, wanted)
    else:
        _publish(session, wanted, wait=how.wait is not False)


@command(cli, "plan", into_file=True)
@which_options
def plan_command(session: Session, which: Which, file: Path | None) -> None:
    """Say what publishing many workflows would do, wave by wave, and keep it as a plan with -o FILE.

    `wfgov apply FILE` does exactly that, or nothing if platform or engine moved. Without -o FILE the exit code is 3 if
    there is something to do.
    """
    wanted = wanted_of(session, which, How(dry_run=True))
    if wanted is None:
        session.put({"change_set": None, "members": []}, _NOTHING)
        return
    told = _plan(session, wanted)
    if file is not None:
        try:
            file.write_bytes(as_json(told) + b"\n")
        except OSError as exc:
            raise InvalidInput(f"the plan cannot be written: {exc}", where=str(file), hint="another FILE") from exc
        session.say([f"the plan is in {file}; wfgov apply {file} does it"])
    elif any(one["steps"] for wave in told["waves"] for one in wave):
        raise click.exceptions.Exit(_DIFFERENT)


@command(cli, "apply")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@how_options
def apply_command(session: Session, file: Path, how: How) -> None:
    """Do what a plan says, exactly; refuse it if platform or engine moved since, or if somebody edited it."""
    import orjson

    from wfgov_dagster.cli.change_set_output import plan_blocks
    from wfgov_dagster.cli.member_file import read_text
    from wfgov_dagster.domain.change_plan import parse
    from wfgov_dagster.usecases.change_set import Wanted
    from wfgov_dagster.usecases.plan_change_set import as_wanted, check_unmoved

    try:
        told = orjson.loads(read_text(file, _LARGEST_PLAN))
    except orjson.JSONDecodeError as exc:
        raise InvalidInput(f"it is no JSON: {exc}", where=str(file), hint="a file that wfgov plan wrote") from exc
    plan, plan_hash = parse(told)
    session.platform.engine(plan.engine, session.actor, looks=how.dry_run)
    check_unmoved(session.platform.publisher(), plan)
    if how.dry_run:
        session.put(told, *plan_blocks(plan))
        return
    how_wanted = like(session, Wanted(plan.operation, plan.engine, ()), how)
    _publish(session, as_wanted(plan, plan_hash, how_wanted), wait=how.wait is not False)


@command(change_set_group, "list")
@click.option("--limit", metavar="N", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many.")
def list_command(session: Session, limit: int) -> None:
    """List change sets, the newest first."""
    from wfgov_dagster.cli.change_set_output import LISTED, set_value
    from wfgov_dagster.usecases.show_change_sets import list_change_sets

    rows = [set_value(one) for one in list_change_sets(session.platform.store, limit)]
    session.put(rows, Table(LISTED, [[row[name] for name in LISTED] for row in rows]))


@command(change_set_group, "show")
@_ID
def show_command(session: Session, change_set_id: int) -> None:
    """Show a change set with every member: how it ended, why, and whether it was brought back."""
    _show(session, change_set_id)


@command(change_set_group, "cancel")
@_ID
@click.option("--reason", required=True, metavar="TEXT", help="Why; it is kept with the set.")
@_WAIT
def cancel_command(session: Session, change_set_id: int, reason: str, wait: bool) -> None:
    """Begin no more members; those that were begun are brought to their end.

    A set that was published with --on-failure restore is brought back as a whole.
    """
    from wfgov_dagster.usecases.end_change_set import cancel_change_set

    driven = cancel_change_set(session.platform.store, session.actor, change_set_id, reason)
    _end(session, change_set_id, driven if wait else None, ("canceled", "restored", "success"))


@command(change_set_group, "resume")
@_ID
def resume_command(session: Session, change_set_id: int) -> None:
    """Go on with a set that nobody drives any more, and wait until it has ended: only the rest is done."""
    from wfgov_dagster.usecases.end_change_set import resume_change_set

    driven = resume_change_set(session.platform.store, session.actor, change_set_id)
    _end(session, change_set_id, driven, ("success", "restored", "canceled"))


@command(change_set_group, "restore")
@_ID
@_WAIT
def restore_command(session: Session, change_set_id: int, wait: bool) -> None:
    """Bring the members of an ended set back to what was confirmed before it began, downstream first."""
    from wfgov_dagster.usecases.end_change_set import restore_change_set

    restoring = restore_change_set(session.platform.store, session.actor, change_set_id)
    if restoring is None:
        _show(session, change_set_id)
    else:
        _end(session, change_set_id, restoring if wait else None, ("restored",))


def _plan(session: Session, wanted: "Wanted") -> dict[str, Any]:
    from wfgov_dagster.cli.change_set_output import plan_blocks
    from wfgov_dagster.domain.change_plan import document
    from wfgov_dagster.usecases.plan_change_set import plan_change_set

    plan = plan_change_set(session.platform.publisher(), wanted)
    told = document(plan)
    session.put(told, *plan_blocks(plan))
    return told


def _publish(session: Session, wanted: "Wanted", *, wait: bool) -> None:
    from wfgov_dagster.usecases.change_set import request_change_set

    change_set_id = request_change_set(session.platform.store, session.actor, wanted)
    session.say([f"change set {change_set_id}"])
    _end(session, change_set_id, change_set_id if wait else None, ("success",))


def _end(session: Session, change_set_id: int, driven: int | None, good: Collection[str]) -> None:
    """Show the set, once `driven` has ended if it is to be waited for. Raises ChangeSetFailed for an end not in
    `good`."""
    if driven is not None:
        _drive(session, driven)
    shown = _show(session, change_set_id)
    state, counts = shown.change_set.state, shown.change_set.counts
    if driven is None:
        session.say([f"`wfgov flow watch` or Dagster goes on with it: wfgov change-set show {change_set_id}"])
    elif state not in good:
        told = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
        hint = "see the reasons; then publish again what is left, or: wfgov change-set restore"
        raise ChangeSetFailed(f"{state}: {told}", where=f"change set {change_set_id}", hint=hint)


def _drive(session: Session, change_set_id: int) -> None:
    """Until the set's flow has ended, whoever advances it, telling how it comes on."""
    from wfgov_dagster.cli.change_set_progress import progress
    from wfgov_dagster.usecases.flows import Ended, Held, advance_flow
    from wfgov_dagster.usecases.show_change_sets import show_change_set

    store, manager = session.platform.store, session.platform.flows()
    with store.read() as work:
        flow_id = work.change_sets.get(change_set_id).flow_id
    try:
        with progress(session) as update:
            while flow_id is not None:
                said = advance_flow(manager, flow_id)
                update(show_change_set(store, change_set_id))
                if isinstance(said, Ended):
                    return
                wait = said.seconds if isinstance(said, Held) else said.after_seconds
                time.sleep(min(wait, _LOOK_SECONDS))
    except KeyboardInterrupt:
        session.say([f"it is not canceled: wfgov change-set resume {change_set_id}, or cancel {change_set_id}"])
        raise


def _show(session: Session, change_set_id: int) -> "ChangeSetShown":
    from wfgov_dagster.cli.change_set_output import shown_blocks, shown_value
    from wfgov_dagster.usecases.show_change_sets import show_change_set

    shown = show_change_set(session.platform.store, change_set_id)
    session.put(shown_value(shown), *shown_blocks(shown))
    return shown
