"""How a change set comes on, on stderr: bars on a screen, elsewhere a line for each member that moved."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from wfgov_dagster.cli.output import clean

if TYPE_CHECKING:
    from wfgov_dagster.cli.session import Session
    from wfgov_dagster.ports.change_sets import Member
    from wfgov_dagster.usecases.show_change_sets import ChangeSetShown

Update = Callable[["ChangeSetShown"], None]
_ENDED = frozenset({"success", "failed", "skipped"})


@contextmanager
def progress(session: "Session") -> Iterator[Update]:
    """Tell what is given every now and then."""
    if sys.stderr.isatty():
        with _bars() as update:
            yield update
    else:
        yield _Lines(session).update


class _Lines:
    def __init__(self, session: "Session") -> None:
        self._session = session
        self._told: dict[tuple[bool, str], str] = {}

    def update(self, shown: "ChangeSetShown") -> None:
        for one in shown.members:
            self._tell(one, back=False)
        for one in shown.back.values():
            self._tell(one, back=True)

    def _tell(self, one: "Member", *, back: bool) -> None:
        before = self._told.get((back, one.workflow_code), "waiting")
        self._told[back, one.workflow_code] = one.state
        if one.state != before:
            what = "bring back" if back else f"wave {one.wave}"
            reason = f": {one.reason}" if one.reason else ""
            self._session.say([f"{what} {one.workflow_code}: {one.state}{reason}"])


@contextmanager
def _bars() -> Iterator[Update]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
               TextColumn("{task.fields[now]}", markup=False))  # fmt: skip
    with Progress(*columns, console=Console(stderr=True)) as bars:
        known: dict[str, int] = {}

        def put(name: str, members: list["Member"]) -> None:
            now = ", ".join(clean(one.workflow_code) for one in members if one.state == "open")
            bar = known.setdefault(name, len(known))
            if bar == len(bars.tasks):
                bars.add_task(name, total=len(members), now="")
            done = sum(one.state in _ENDED for one in members)
            bars.update(bars.tasks[bar].id, completed=done, now=now)

        def update(shown: "ChangeSetShown") -> None:
            for wave in sorted({one.wave for one in shown.members}):
                put(f"wave {wave}", [one for one in shown.members if one.wave == wave])
            if shown.back:
                put("bring back", list(shown.back.values()))

        yield update
