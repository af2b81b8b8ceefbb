"""What commands about many workflows are told: which ones, and how to publish them."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wfgov_dagster.cli.session import Session

if TYPE_CHECKING:
    from wfgov_dagster.usecases.change_set import Wanted

_FILE = click.Path(path_type=Path, dir_okay=False)


@dataclass(frozen=True, slots=True)
class Which:
    """`change_set`: a file that lists them."""

    operation: str
    engine: str | None
    all_changed: bool
    change_set: Path | None

    @property
    def many(self) -> bool:
        return self.all_changed or self.change_set is not None


@dataclass(frozen=True, slots=True)
class How:
    """None = the default."""

    on_failure: str | None = None
    parallel: int | None = None
    rate: float | None = None
    wait: bool | None = None
    dry_run: bool = False

    def for_many(self) -> bool:
        """Whether something was told that only many workflows have."""
        return any(one is not None for one in (self.on_failure, self.parallel, self.rate))


_WHICH = (
    click.option("--operation", type=click.Choice(["deploy", "online", "offline"]), required=True,
                 help="deploy sends the current version."),
    click.option("--engine", metavar="NAME",
                 help="Which engine; else the one that a workflow names, else WFGOV_DEFAULT_ENGINE."),
    click.option("--all-changed", is_flag=True,
                 help="Deploy every workflow of the engine whose current version is not the one confirmed there."),
    click.option("--change-set", metavar="FILE", type=_FILE, help="Many workflows as one: YAML or JSON list of codes."),
)  # fmt: skip
_HOW = (
    click.option("--on-failure", type=click.Choice(["stop", "restore"]),
                 help="Of many, when one fails: stop after its wave (default), or bring all back to what they were."),
    click.option("--parallel", metavar="N", type=click.IntRange(1, 64),
                 help="Of many: so many side by side; else WFGOV_PUBLISH_PARALLEL."),
    click.option("--rate", metavar="R", type=click.FloatRange(0, 1000),
                 help="Of many: so many writes a second, 0 = no limit; else WFGOV_ENGINE_WRITES_PER_SECOND."),
    click.option("--wait/--no-wait", default=None,
                 help="Until it has ended (default), or leave what has to wait to `wfgov flow watch` or Dagster."),
    click.option("--dry-run", is_flag=True, help="Only say what would be done."),
)  # fmt: skip


def which_options(function: Callable[..., None]) -> Callable[..., None]:
    return _bundled(function, "which", Which, _WHICH)


def how_options(function: Callable[..., None]) -> Callable[..., None]:
    return _bundled(function, "how", How, _HOW)


def _bundled(
    function: Callable[..., None], name: str, kind: type[Which | How], options: tuple[Callable[..., Any], ...]
) -> Callable[..., None]:
    """The options become one argument of the function."""
    names = [field.name for field in fields(kind)]

    @wraps(function)
    def run(*arguments: Any, **told: Any) -> None:
        values = {one: told.pop(one) for one in names}
        function(*arguments, **told, **{name: kind(**values)})

    decorated: Any = run
    for option in reversed(options):
        decorated = option(decorated)
    return run


def wanted_of(session: Session, which: Which, how: How) -> "Wanted | None":
    """None = every workflow is as it should be. Raises InvalidInput for a file that is no list of codes."""
    from wfgov_dagster.cli.member_file import read_codes
    from wfgov_dagster.domain.publish import Operation
    from wfgov_dagster.usecases.change_set import Wanted, all_changed
    from wfgov_dagster.usecases.workflow_engine import engine_for_all

    default = session.settings.default_engine
    if which.all_changed == (which.change_set is not None):
        raise click.UsageError("either --all-changed or --change-set FILE")
    if which.all_changed and which.operation != Operation.DEPLOY:
        raise click.UsageError("--all-changed is about deploy; --change-set FILE says what is to go online or offline")
    if which.change_set is not None:
        codes = read_codes(which.change_set)
        name = engine_for_all(session.platform.store, codes, which.engine, default)
        session.platform.engine(name, session.actor, looks=how.dry_run)
    else:
        name = which.engine or default
        session.platform.engine(name, session.actor, looks=how.dry_run)
        with session.platform.store.read() as work:
            codes = list(all_changed(work, name, default=default))
        _tell_of_others(session, name)
    return like(session, Wanted(Operation(which.operation), name, codes), how) if codes else None


def _tell_of_others(session: Session, engine: str) -> None:
    from wfgov_dagster.usecases.workflow_engine import elsewhere

    for name, count in elsewhere(session.platform.store, engine).items():
        session.say([f"note: {count} workflows name engine {name}, and are not meant here: --engine {name}"])


def like(session: Session, wanted: "Wanted", how: How) -> "Wanted":
    """With what was told, or the settings."""
    from dataclasses import replace

    from wfgov_dagster.domain.change_set import OnFailure

    told = session.settings
    return replace(
        wanted,
        on_failure=OnFailure(how.on_failure or "stop"),
        parallel=told.publish_parallel if how.parallel is None else how.parallel,
        writes_per_second=told.engine_writes_per_second if how.rate is None else how.rate,
    )
