"""What every command shares: its common options, the platform it talks to, and how errors leave it."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wfgov_dagster.cli.output import Block, Format, as_json, clean, put
from wfgov_dagster.domain.redact import redact
from wfgov_dagster.errors import InvalidInput, WfgovError

if TYPE_CHECKING:
    from wfgov_dagster.settings import Settings
    from wfgov_dagster.wiring import Platform

_ACTOR_LIMIT = 100
_OPTIONS = (
    click.option(
        "-o", "--output", type=click.Choice([one.value for one in Format]), default="table", help="How to print it."
    ),
    click.option("--actor", default="", help="Who acts; else WFGOV_ACTOR, else the user of the operating system."),
    click.option("--debug", is_flag=True, help="Print the traceback of an unexpected error."),
)


class Session:
    """One run of one command. Everything is made at its first use."""

    def __init__(self, format_: Format, actor: str) -> None:
        self.format = format_
        self._actor = actor

    @cached_property
    def settings(self) -> "Settings":
        """Raises InvalidInput for a variable that breaks its rule."""
        from wfgov_dagster.settings import Settings

        try:
            return Settings()
        except ValueError as exc:  # pydantic's; its own text may hold what was set
            errors: list[Any] = getattr(exc, "errors", list)()
            told = "; ".join(f"WFGOV_{str(one['loc'][0]).upper()}: {one['msg']}" for one in errors)
            raise InvalidInput(told, where="environment", hint="the settings are in the handbook") from None

    @cached_property
    def platform(self) -> "Platform":
        from wfgov_dagster.wiring import Platform

        return Platform(self.settings)

    @cached_property
    def actor(self) -> str:
        try:
            who = self._actor or self.settings.who()
        except (KeyError, OSError):
            raise InvalidInput("who acts is not known", where="actor", hint="--actor NAME or WFGOV_ACTOR") from None
        if not who.strip() or not who.isprintable() or len(who) > _ACTOR_LIMIT:
            raise InvalidInput(f"{who!r} is no actor", where="actor", hint=f"1 to {_ACTOR_LIMIT} printable characters")
        return who

    def now(self) -> datetime:
        return datetime.now(UTC)

    def put(self, value: object, *blocks: Block) -> None:
        put(value, blocks, self.format)

    def say(self, lines: Iterable[str]) -> None:
        """Beside the result, for people: on stderr."""
        for line in lines:
            click.echo(clean(line), err=True)

    def warn_if_stale(self) -> None:
        from wfgov_dagster.usecases.summarise_estate import count_open_changes

        count = count_open_changes(self.platform.store)
        if count:
            self.say([f"note: {count} changes of the metadata are not derived yet: wfgov orchestrate"])

    def without_secrets(self, text: str) -> str:
        """Whatever an engine said: a token that this process has read does not leave it."""
        return self.platform.redaction.known(text) if "platform" in self.__dict__ else text

    def close(self) -> None:
        if "platform" in self.__dict__:
            self.platform.close()


class FormatOrFile(click.ParamType[Any]):
    """table, json or yaml; or a file, known by a separator or a name that ends in .json."""

    name = "format or file"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:  # noqa: ARG002
        return "[table|json|yaml|FILE.json]"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str | Path:
        text = str(value)
        if text in set(Format):
            return text
        if text.endswith(".json") or os.sep in text:
            return Path(text)
        return self.fail(f"{text!r} is neither table, json or yaml nor a file such as plan.json.", param, ctx)


_FILE_OPTION = click.option(
    "-o", "--output", type=FormatOrFile(), default="table", help="How to print it, or the file to keep it in."
)


def command(
    group: click.Group, name: str, *, into_file: bool = False
) -> Callable[[Callable[..., None]], click.Command]:
    """A command whose function takes the session first; it has the common options, and its errors are ours.

    `into_file`: -o may name a file instead of a format; the function is given it as `file`, or None.
    """

    def decorate(function: Callable[..., None]) -> click.Command:
        @wraps(function)
        def run(output: str | Path, actor: str, debug: bool, **arguments: Any) -> None:
            if into_file:
                arguments["file"] = output if isinstance(output, Path) else None
            format_ = Format.TABLE if isinstance(output, Path) else Format(output)
            for argument in arguments.values():
                _check_text(argument)
            with _session(format_, actor, debug=debug) as session:
                function(session, **arguments)

        own = run.__dict__.pop("__click_params__", [])  # of `function`, by `wraps`
        decorated: Any = run
        for option in reversed((_FILE_OPTION, *_OPTIONS[1:]) if into_file else _OPTIONS):
            decorated = option(decorated)
        decorated.__click_params__ += own  # the common ones come last in the help
        return group.command(name)(decorated)

    return decorate


@contextmanager
def _session(format_: Format, actor: str, *, debug: bool) -> Iterator[Session]:
    session = Session(format_, actor)
    try:
        yield session
    except WfgovError as exc:
        told = as_json(exc.problem()).decode() if format_ is Format.JSON else _one_line(exc.sentence())
        click.echo(session.without_secrets(told), err=True)
        sys.exit(1)
    except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
        raise
    except Exception as exc:  # the outermost loop: nobody above could say more
        if debug:
            raise
        told = f"internal: {type(exc).__name__}: {_first_line(exc)} — {_where(session, exc)}"
        click.echo(_one_line(session.without_secrets(told)), err=True)
        sys.exit(1)
    finally:
        session.close()


def _where(session: Session, exc: Exception) -> str:
    """Where the traceback is, for the last words."""
    import traceback

    try:
        log = session.settings.root() / "logs" / "cli.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as file:
            told = f"{session.now().isoformat()} {' '.join(sys.argv[1:])}\n{''.join(traceback.format_exception(exc))}"
            file.write(session.platform.redaction.text(told))
    except (OSError, WfgovError, ValueError):
        return "run it again with --debug to see where"
    return f"the traceback is in {log}"


def _one_line(text: str) -> str:
    return clean(text).replace("\n", "\\n")


def _first_line(exc: Exception) -> str:
    """Nobody chose these words, so they may hold anything."""
    return redact((str(exc).splitlines() or [""])[0])


def _check_text(argument: object) -> None:
    """What is not UTF-8 comes in as lone surrogates, which no database and no JSON takes."""
    if isinstance(argument, (str, Path)):
        try:
            str(argument).encode()
        except UnicodeEncodeError:
            raise click.UsageError(f"an argument is not UTF-8: {str(argument)!r}") from None
