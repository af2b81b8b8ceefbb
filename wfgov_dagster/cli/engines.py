"""wfgov engine …"""

import sys
from collections.abc import Callable
from dataclasses import asdict
from dataclasses import fields as fields_of
from typing import TYPE_CHECKING, Any

import click

from wfgov_dagster.cli.groups import engine_group
from wfgov_dagster.cli.output import Block, Table, fields
from wfgov_dagster.cli.session import Session, command
from wfgov_dagster.errors import EngineRejected

if TYPE_CHECKING:
    from wfgov_dagster.ports.engine_probe import ProbeReport
    from wfgov_dagster.usecases.credentials import Given

_WARNED = 3  # exit code
_LARGEST_TOKEN = 4096
_NAME = click.argument("name", metavar="NAME")
_OWN = ("kind", "url", "project", "tenant", "worker_group", "time_zone", "credential_ref")


def _token_options(function: Callable[..., None]) -> Callable[..., None]:
    decorated: Any = function
    for option in (
        click.option("--token-stdin", is_flag=True, help="Read the token from stdin; it is kept encrypted."),
        click.option("--token-env", metavar="VAR", help="The token is in this variable, whenever it is needed."),
    ):
        decorated = option(decorated)
    return function


@command(engine_group, "add")
@_NAME
@click.option("--kind", type=click.Choice(["dolphin", "embedded"]), required=True, help="Which kind of engine.")
@click.option("--url", metavar="URL", help="Where it answers: https://host:12345/dolphinscheduler; without the token.")
@click.option("--project", metavar="NAME", help="Project on the engine; one that is not there is made.")
@click.option("--tenant", metavar="NAME", help="Tenant that instances run as; else the server's default.")
@click.option("--worker-group", metavar="NAME", help="Worker group that runs them; else the server's default.")
@click.option("--time-zone", metavar="ZONE", help="IANA zone of the server's times; else UTC.")
@_token_options
def add_command(session: Session, name: str, token_env: str | None, token_stdin: bool, **told: str) -> None:
    """Register an engine. It is connected to first: one that cannot be used is not registered.

    The token is never an argument: it would be in the shell's history and in the list of processes.
    """
    from wfgov_dagster.usecases.register_engine import Wanted, add_engine

    wanted = Wanted(name, **told, token=_given(token_env, token_stdin=token_stdin))
    added = add_engine(session.platform.desk(), session.actor, wanted)
    engine, report = added.engine, added.report
    if report.project_created:
        session.say([f"project {engine.project} was not there: it is made"])
    own = {one: getattr(engine, one) for one in _OWN}
    session.put(
        {"name": name, **own, "report": asdict(report)},
        fields([("engine", name), *own.items(), *_told(report)]),
    )
    session.say([f"a workflow takes it by: wfgov workflow engine CODE {name}; all by: WFGOV_DEFAULT_ENGINE={name}"])


@command(engine_group, "list")
def list_command(session: Session) -> None:
    """List engines, and how many workflows name each. Tokens are never shown."""
    from wfgov_dagster.usecases.list_engines import EngineRow, list_engines

    rows = list_engines(session.platform.store, session.settings.default_engine)
    columns = [field.name for field in fields_of(EngineRow)]
    session.put(rows, Table(columns, [[getattr(row, name) for name in columns] for row in rows]))


@command(engine_group, "test")
@_NAME
@click.option("--pin", is_flag=True, help="Use the dialect that it speaks now: its server was upgraded.")
def test_command(session: Session, name: str, pin: bool) -> None:
    """Connect to an engine and say who it is and what it can do for us. Nothing is changed there.

    Exit code 1 if publishes cannot work, 3 if there is something to look at: a foreign writer, a clock that is off.
    """
    from wfgov_dagster.usecases.engines import EMBEDDED, ensure_embedded
    from wfgov_dagster.usecases.try_engine import try_engine

    if name == EMBEDDED:
        ensure_embedded(session.platform.store, session.actor)
    tried = try_engine(session.platform.desk(), session.actor, name, pin=pin)
    own = {one: getattr(tried.engine, one) for one in _OWN}
    value = {"name": name, **own, "report": asdict(tried.report), "warnings": tried.warnings, "pinned": tried.pinned}
    blocks: list[Block] = [fields([("engine", name), *own.items(), *_told(tried.report)])]
    blocks += [f"warning: {line}" for line in tried.warnings]
    session.put(value, *blocks)
    _raise_problems(name, tried.report)
    if tried.warnings:
        raise click.exceptions.Exit(_WARNED)


@command(engine_group, "token")
@_NAME
@_token_options
def token_command(session: Session, name: str, token_env: str | None, token_stdin: bool) -> None:
    """Give an engine another token: the old one has expired, or the key is lost. The new one is tried first."""
    from wfgov_dagster.usecases.credentials import Given
    from wfgov_dagster.usecases.register_engine import replace_token

    given = _given(token_env, token_stdin=token_stdin) or Given()
    report = replace_token(session.platform.desk(), session.actor, name, given)
    session.put({"name": name, "report": asdict(report)}, fields([("engine", name), *_told(report)]))
    _raise_problems(name, report)


@command(engine_group, "remove")
@_NAME
def remove_command(session: Session, name: str) -> None:
    """Forget an engine and its token. Nothing is changed on its server: what is offline there stays."""
    from wfgov_dagster.usecases.register_engine import remove_engine

    removed = remove_engine(session.platform.store, session.actor, name, session.settings.default_engine)
    told = f"{name} is removed"
    if removed.left:
        told += f"; its server still holds {removed.left} workflows, offline"
    if removed.kept:
        told += "; its name stays taken, for its history"
    session.put(removed, told)


def _given(variable: str | None, *, token_stdin: bool) -> "Given | None":
    from pydantic import SecretStr

    from wfgov_dagster.usecases.credentials import Given

    if variable is not None and token_stdin:
        raise click.UsageError("either --token-env or --token-stdin")
    if variable is not None:
        return Given(variable=variable)
    if not token_stdin:
        return None
    if sys.stdin.isatty():
        return Given(SecretStr(click.prompt("token", hide_input=True, err=True)))
    return Given(SecretStr(sys.stdin.read(_LARGEST_TOKEN)))


def _told(report: "ProbeReport") -> list[tuple[str, object]]:
    skew = report.clock_skew_seconds
    return [
        ("version", report.version or "it does not tell"),
        ("dialect", report.family),
        ("capabilities", ", ".join(report.capabilities)),
        ("clock", "it does not tell" if skew is None else f"{skew:+.1f} s against ours"),
        ("permissions", ", ".join(report.permissions) or "none"),
        ("foreign writers", report.foreign_writers or "none seen"),
    ]


def _raise_problems(name: str, report: "ProbeReport") -> None:
    if report.problems:
        hint = f"put it right on the server, then: wfgov engine test {name}"
        raise EngineRejected("; ".join(report.problems), where=f"engine {name}", hint=hint)
