"""wfgov instance …"""

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

import click

from wfgov_dagster.cli.groups import instance_group
from wfgov_dagster.cli.output import Format, Table, fields
from wfgov_dagster.cli.session import Session, command
from wfgov_dagster.errors import Conflict, EngineUnreachable, InvalidInput

if TYPE_CHECKING:
    from wfgov_dagster.ports.engine import Engine
    from wfgov_dagster.ports.instances import CachedInstance
    from wfgov_dagster.usecases.show_history import History

_ENGINE = click.option("--engine", metavar="NAME", help="Which engine; else the workflow's, else WFGOV_DEFAULT_ENGINE.")
_COLUMNS: Final = ("instance_id", "workflow_code", "version_no", "state", "trigger", "started_by", "submitted_at",
                   "started_at", "ended_at", "error")  # fmt: skip
_TASK_COLUMNS: Final = ("task_code", "state", "attempt", "exit_code", "started_at", "ended_at", "error")
_FIRE_COLUMNS: Final = ("workflow_code", "scheduled_at", "fired_at", "skipped", "instance_id", "state")
_ID = click.argument("instance_id", metavar="ID")


@command(instance_group, "list")
@click.argument("code", metavar="[CODE]", required=False)
@_ENGINE
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="At most so many.")
def list_command(session: Session, code: str | None, engine: str | None, limit: int) -> None:
    """List runs of a workflow, or of all, the newest first.

    Of an engine over a network the last ten of each workflow, as they were seen last; how old that is, is told.
    """
    name = _name(session, engine, code)
    if _is_embedded(session, name):
        now = session.now()
        found = session.platform.engine(name, session.actor, looks=True).instances(code, limit)
        rows = [{**asdict(one), "page": None, "as_of": now} for one in found]
        session.put(rows, _table(rows, _COLUMNS))
        return
    from wfgov_dagster.usecases.show_history import list_history

    history = list_history(session.platform.store, name, code, limit)
    rows = [_row(history, one) for one in history.instances]
    if session.format is not Format.TABLE:
        session.say([history.sentence()])
    session.put(rows, history.sentence(), _table(rows, (*_COLUMNS, "page")))


@command(instance_group, "show")
@_ID
@_ENGINE
def show_command(session: Session, instance_id: str, engine: str | None) -> None:
    """Show a run with its tasks.

    Of an engine over a network as it was seen last, and how old that is; one that is not kept is asked for.
    """
    name, history = _name(session, engine), None
    if not _is_embedded(session, name):
        from wfgov_dagster.usecases.show_history import show_instance

        history, tasks = show_instance(session.platform.store, name, instance_id)
    if history is not None and history.instances:
        session.say([history.sentence()])
        row = _row(history, history.instances[0])
    else:
        asked = _engine(session, engine)
        row = {**asdict(asked.instance(instance_id)), "page": None, "as_of": session.now()}
        tasks = asked.task_instances(instance_id)
    lines = [asdict(one) for one in tasks]
    session.put({**row, "tasks": tasks}, fields(row.items()), _table(lines, _TASK_COLUMNS, "Tasks"))


@command(instance_group, "sync")
@click.option("--engine", "engines", metavar="NAME", multiple=True,
              help="Which engine, may be given again; else every engine over a network.")  # fmt: skip
def sync_command(session: Session, engines: Sequence[str]) -> None:
    """Read the last runs of each workflow from engines now; exit code 1 if one could not be read."""
    reports = session.platform.sync_history(session.actor, engines)
    rows = [asdict(one) for one in reports]
    session.put(reports, _table(rows, list(rows[0])) if rows else "no engine over a network is registered")
    unread = [one.engine for one in reports if one.error is not None]
    if unread:
        raise EngineUnreachable(
            "what is kept of it is as old as before, or not complete",
            where=f"engine {', '.join(unread)}",
            hint="wfgov instance list --engine NAME",
        )


@command(instance_group, "fires")
@click.argument("code", metavar="[CODE]", required=False)
@_ENGINE
@click.option("--page", type=click.IntRange(1), default=1, show_default=True, help="Which page, the newest first.")
@click.option("--size", type=click.IntRange(1, 1000), default=20, show_default=True, help="Fires a page.")
def fires_command(session: Session, code: str | None, engine: str | None, page: int, size: int) -> None:
    """List when schedules of an embedded engine fired, of a workflow or of all, the newest first.

    Each with the instance that it made, and how many due times before it were skipped: of missed ones the latest fires.
    """
    from wfgov_dagster.usecases.show_fires import list_fires

    name = _name(session, engine, code)
    if not _is_embedded(session, name):
        hint = f"wfgov instance list --engine {name}: what they started"
        raise InvalidInput("it fires its schedules itself, and keeps what fired", where=f"engine {name}", hint=hint)
    found = list_fires(session.platform.embedded_store, (name, code), page, size)
    rows = [asdict(one) for one in found.fires]
    session.put(found, _table(rows, _FIRE_COLUMNS), f"page {page}: {len(rows)} of {found.total}")


@command(instance_group, "start")
@click.argument("code", metavar="CODE")
@_ENGINE
@click.option("--wait", "seconds", type=click.FloatRange(0, 86_400), metavar="SECONDS",
              help="Wait so long for its end; exit code 1 unless it succeeded by then.")  # fmt: skip
def start_command(session: Session, code: str, engine: str | None, seconds: float | None) -> None:
    """Start one run of a workflow that is online, on the platform and on the engine."""
    from wfgov_dagster.usecases.start_instance import Start, launch, start_instance, wait_for_end

    name = _name(session, engine, code)
    asked = session.platform.engine(name, session.actor)
    instance = start_instance(session.platform.store, asked, session.actor, Start(code, str(uuid.uuid4())))
    run_id = None
    if _is_embedded(session, name):
        run_id = launch(session.platform.runs, instance.instance_id)
        if seconds is not None:
            session.platform.runs.wait(run_id, seconds)
            instance = asked.instance(instance.instance_id)
    elif seconds is not None:
        instance = wait_for_end(asked, instance, seconds, time.sleep, time.monotonic)
    session.put({**asdict(instance), "run_id": run_id}, fields([*asdict(instance).items(), ("Dagster run", run_id)]))
    if seconds is not None and instance.state != "success":
        raise Conflict(
            f"it is {instance.state}: {instance.error or 'not ended yet'}",
            where=f"instance {instance.instance_id}",
            hint=f"wfgov instance show {instance.instance_id}" + ("" if run_id else f" --engine {name}"),
        )


@command(instance_group, "log")
@_ID
@click.argument("task", metavar="TASK")
@_ENGINE
@click.option("--bytes", "max_bytes", type=click.IntRange(1, 100_000_000), default=1_000_000, show_default=True,
              help="At most so many, from its end.")  # fmt: skip
def log_command(session: Session, instance_id: str, task: str, engine: str | None, max_bytes: int) -> None:
    """Print the log of a task of a run."""
    text = _engine(session, engine).task_log(instance_id, task, max_bytes)
    session.put({"instance_id": instance_id, "task_code": task, "log": text}, text.removesuffix("\n"))


def _name(session: Session, name: str | None, code: str | None = None) -> str:
    """`code`: workflow that may name one."""
    from wfgov_dagster.usecases.workflow_engine import engine_for

    default = session.settings.default_engine
    return name or default if code is None else engine_for(session.platform.store, code, name, default)


def _engine(session: Session, name: str | None, code: str | None = None) -> "Engine":
    return session.platform.engine(_name(session, name, code), session.actor)


def _is_embedded(session: Session, name: str) -> bool:
    """Its memory is the platform's own database, so what it says is never old. Raises NotFound."""
    from wfgov_dagster.usecases import engines

    if name == engines.EMBEDDED:
        return True
    with session.platform.store.read() as work:
        return engines.get(work, name).kind == engines.EMBEDDED


def _row(history: "History", one: "CachedInstance") -> dict[str, object]:
    as_of = None if history.state is None else history.state.read_at
    return {**asdict(one.instance), "page": one.page, "as_of": as_of}


def _table(rows: Sequence[Mapping[str, object]], columns: Sequence[str], title: str = "") -> Table:
    return Table(columns, [[row[name] for name in columns] for row in rows], title)
