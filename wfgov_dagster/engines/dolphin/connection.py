"""A registered server: its dialect and its project, found out when it is first asked, and the names that it knows."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pydantic import SecretStr

from wfgov_dagster.engines.dolphin import calls
from wfgov_dagster.engines.dolphin.call import Call
from wfgov_dagster.engines.dolphin.calls import Api
from wfgov_dagster.engines.dolphin.client import Door, Talk
from wfgov_dagster.engines.dolphin.dialect import V31, V32, V33, Dialect, dialect_of
from wfgov_dagster.engines.dolphin.pages import page_url
from wfgov_dagster.engines.dolphin.words import NOT_THIS_PROJECT, UNKNOWN_PROJECT
from wfgov_dagster.errors import EngineRejected, EngineUnreachable, InvalidInput
from wfgov_dagster.ports.publishing import RegisteredEngine

MOST_PAGES: Final = 1000


@dataclass(frozen=True, slots=True)
class Session:
    """The requests of one call of the port."""

    talk: Talk
    api: Api

    def ask(self, call: Call) -> Any:
        return self.talk.ask(call)

    def pages(self, page: Callable[[int], Call]) -> Iterator[Mapping[str, Any]]:
        return pages(self.talk, page)


class Connection:
    """`seconds`: longest that one call of the port may take, all its requests together."""

    def __init__(self, registered: RegisteredEngine, token: Callable[[], SecretStr], seconds: float) -> None:
        self.name = registered.name
        self._registered = registered
        self._seconds = seconds
        self._door = Door(registered.name, registered.url or "", token)
        self._dialect: Dialect | None = None
        self._project: int | None = None

    def close(self) -> None:
        self._door.close()

    @contextmanager
    def session(self) -> Iterator[Session]:
        """What is wrong with the input is said in an engine's words: nothing was sent."""
        talk = self._door.talk(self._seconds)
        try:
            dialect = self.dialect(talk)
            if self._project is None:
                self._project = self._find_project(talk)
            yield Session(talk, Api(dialect, self._project))
        except EngineRejected as exc:
            if exc.number in UNKNOWN_PROJECT:
                self._project = None  # it may have been made anew
            raise
        except InvalidInput as exc:
            where = f"engine {self.name}" + (f", {exc.where}" if exc.where else "")
            raise EngineRejected(str(exc), where=where, hint=exc.hint) from exc

    def date(self) -> datetime | None:
        return self._door.date(self._seconds)

    def page(self, definition: str, instance_id: str | None) -> str | None:
        """None before the server was first asked: its address has the project's code."""
        if self._project is None:
            return None
        return page_url(self._registered.url or "", self._project, definition, instance_id)

    def talk(self) -> Talk:
        return self._door.talk(self._seconds)

    def dialect(self, talk: Talk) -> Dialect:
        """The pinned one, else asked for once."""
        if self._dialect is None:
            told = self._registered.family
            self._dialect = find_dialect(talk) if told is None else dialect_of(told)
        return self._dialect

    def find_project(self, talk: Talk) -> int | None:
        """Its code, by the exact name."""
        wanted = self._registered.project
        rows = pages(talk, lambda page: calls.find_projects(wanted, page))
        return next((int(row["code"]) for row in rows if row["name"] == wanted), None)

    def _find_project(self, talk: Talk) -> int:
        code = self.find_project(talk)
        if code is None:
            what = f"the server has no project {self._registered.project!r}, or its token may not see it"
            hint = f"create it there, or: wfgov engine test {self.name}"
            raise EngineRejected(what, where=f"engine {self.name}", hint=hint)
        return code


def find_dialect(talk: Talk) -> Dialect:
    """By what only some families know. Every answer but data means: not that one. Raises EngineUnreachable when there
    is none, EngineRejected for a bad token."""
    talk.ask(calls.find_projects("", 1))  # all know it: what is wrong with URL or token is told here
    if _knows(talk, calls.product_info()):
        return V33
    if _knows(talk, Api(V32, 0).triggered(0)):
        return V32
    return V31


def pages(talk: Talk, page: Callable[[int], Call]) -> Iterator[Mapping[str, Any]]:
    """Rows of every page."""
    for number in range(1, MOST_PAGES + 1):
        found = talk.ask(page(number))
        rows: Sequence[Mapping[str, Any]] = found["totalList"] or ()
        yield from rows
        if number * calls.PAGE >= int(found["total"]):
            return


def _knows(talk: Talk, call: Call) -> bool:
    """It has data, or an answer that only this endpoint gives: a server that does not know it takes the last word of
    the path for an id of something else, or answers 404."""
    try:
        talk.ask(call)
    except EngineRejected as exc:
        return exc.number in NOT_THIS_PROJECT
    except EngineUnreachable as exc:
        if f" {call.catch_all} " not in f"{exc} ":
            raise
    return True
