"""wfgov instance …"""

import uuid
from dataclasses import asdict
from dataclasses import fields as fields_of
from typing import TYPE_CHECKING

import click

from wfgov_dagster.cli.groups import instance_group
from wfgov_dagster.cli.output import Table, fields
from wfgov_dagster.cli.session import Session, command
from wfgov_dagster.errors import Conflict

if TYPE_CHECKING:
    from wfgov_dagster.ports.engine import Engine

_ENGINE = click.option("--engine", metavar="NAME", help="Which engine; else the workflow's, else WFGOV_DEFAULT_ENGINE.")
_ID = click.argument("instance_id", metavar="ID")


@command(instance_group, "list")
@click.argument("code", metavar="[CODE]", required=False)
@_ENGINE
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="At most so many.")
def list_command(session: Session, code: str | None, engine: str | None, limit: int) -> None:
    """List runs of a workflow, or of all, the newest first."""
    from wfgov_dagster.ports.engine import Instance

    found = _engine(session, engine, code).instances(code, limit)
    columns = [field.name for field in fields_of(Instance)]
    session.put(found, Table(columns, [[getattr(one, name) for name in columns] for one in found]))


@command(instance_group, "show")
@_ID
@_ENGINE
def show_command(session: Session, instance_id: str, engine: str | None) -> None:
    """Show a run with its tasks."""
    from wfgov_dagster.ports.engine import TaskInstance

    asked = _engine(session, engine)
    instance, tasks = asked.instance(instance_id), asked.task_instances(instance_id)
    columns = [field.name for field in fields_of(TaskInstance)]
    session.put(
        {**asdict(instance), "tasks": tasks},
        fields(asdict(instance).items()),
        Table(columns, [[getattr(one, name) for name in columns] for one in tasks], title="Tasks"),
    )


@command(instance_group, "start")
@click.argument("code", metavar="CODE")
@_ENGINE
@click.option("--wait", "seconds", type=click.FloatRange(0, 86_400), metavar="SECONDS",
              help="Wait so long for its end; exit code 1 unless it succeeded by then.")  # fmt: skip
def start_command(session: Session, code: str, engine: str | None, seconds: float | None) -> None:
    """Start one run of a workflow that is online, on the platform and on the engine."""
    from wfgov_dagster.usecases.start_instance import Start, launch, start_instance

    asked = _engine(session, engine, code)
    instance = start_instance(session.platform.store, asked, session.actor, Start(code, str(uuid.uuid4())))
    run_id = launch(session.platform.runs, instance.instance_id)
    if seconds is not None:
        session.platform.runs.wait(run_id, seconds)
        instance = asked.instance(instance.instance_id)
    session.put({**asdict(instance), "run_id": run_id}, fields([*asdict(instance).items(), ("Dagster run", run_id)]))
    if seconds is not None and instance.state != "success":
        raise Conflict(
            f"it is {instance.state}: {instance.error or 'not ended yet'}",
            where=f"instance {instance.instance_id}",
            hint=f"wfgov instance show {instance.instance_id}",
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


def _engine(session: Session, name: str | None, code: str | None = None) -> "Engine":
    """`code`: workflow that may name one."""
    from wfgov_dagster.usecases.workflow_engine import engine_for

    default = session.settings.default_engine
    chosen = name or default if code is None else engine_for(session.platform.store, code, name, default)
    return session.platform.engine(chosen, session.actor)
