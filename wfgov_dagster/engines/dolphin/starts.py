"""Starting an instance, and finding out which one it became: 3.1 says yes and no more.

What is asked for is written down first, with the newest instance of before; the request's key goes along as a start
parameter. Whoever asks again with the same key looks for it instead of starting another one.
"""

import time
from collections.abc import Callable
from typing import Any, Final

import orjson

from wfgov_dagster.engines.dolphin.connection import Connection, Session
from wfgov_dagster.engines.dolphin.definitions import Definitions, Held
from wfgov_dagster.engines.dolphin.dialect import StartAnswer
from wfgov_dagster.engines.dolphin.runs import Row, Runs
from wfgov_dagster.engines.dolphin.schedules import run_form
from wfgov_dagster.engines.dolphin.server_names import ServerNames
from wfgov_dagster.engines.dolphin.shown import Defaults
from wfgov_dagster.errors import EngineRejected, EngineUnreachable, OutcomeUnknown
from wfgov_dagster.ports.dolphin import DolphinMemory, Start

KEY: Final = "wfgov_request"
_LONGEST: Final = 100
_PAUSE_SECONDS: Final = 0.25
_LOST_SECONDS: Final = 120.0  # so long after it was asked for, an instance that is not there will not come any more
_CANDIDATES: Final = 50


class Starts:
    def __init__(
        self, connection: Connection, definitions: Definitions, runs: Runs, memory: DolphinMemory, defaults: Defaults
    ) -> None:
        self._connection = connection
        self._definitions = definitions
        self._runs = runs
        self._memory = memory
        self._defaults = defaults

    def start(self, workflow_code: str, request_key: str, started_by: str) -> str:
        for what, text in (("request key", request_key), ("who starts it", started_by)):
            if len(text) > _LONGEST:
                raise self._no(f"{what} has {len(text)} characters", f"at most {_LONGEST}")
        asked = self._memory.find_start(workflow_code, request_key)
        if asked is not None and asked.instance is not None:
            return str(asked.instance)
        with self._connection.session() as session:
            held = self._definitions.must_hold(session, workflow_code)
            if asked is None:
                newest = max((int(row["id"]) for row in self._runs.rows(session, held.code, 1)), default=0)
                asked = self._memory.begin_start(workflow_code, request_key, started_by, newest)
            lost = asked.age_seconds > _LOST_SECONDS and self._find(session, held, asked, request_key) is None
            answer = self._send(session, held, request_key) if asked.new or lost else None
            number = self._wait(session, lambda: self._instance(session, held, asked, request_key, answer))
            self._memory.started(workflow_code, request_key, number)
            return str(number)

    # --- parts -----------------------------------------------------------------------------------

    def _send(self, session: Session, held: Held, request_key: str) -> Any:
        settings = held.read.definition.settings
        names = ServerNames(session, self._memory, held.read.codes)
        form = run_form(settings, self._defaults, session, names) | {
            "scheduleTime": "",
            "execType": "START_PROCESS",
            "startParams": orjson.dumps({KEY: request_key}).decode(),
        }
        try:
            return session.ask(session.api.start(held.code, form))
        except (EngineRejected, EngineUnreachable):
            self._memory.forget_start(settings.code, request_key)
            raise

    def _wait(self, session: Session, look: Callable[[], int | None]) -> int:
        while True:
            number = look()
            if number is not None:
                return number
            if session.talk.left < 2 * _PAUSE_SECONDS:
                what = "asked to start an instance, and none has come yet"
                raise OutcomeUnknown(what, where=self._where, hint="the same request again looks for it")
            time.sleep(_PAUSE_SECONDS)

    def _instance(self, session: Session, held: Held, asked: Start, request_key: str, answer: Any) -> int | None:
        kind = session.api.dialect.start_answer
        if kind is StartAnswer.INSTANCES and answer:
            return int(answer[0])
        if kind is StartAnswer.TRIGGER and answer is not None:
            rows = session.ask(session.api.triggered(int(answer))) or ()
            return next((int(row["id"]) for row in rows), None)
        return self._find(session, held, asked, request_key)

    def _find(self, session: Session, held: Held, asked: Start, request_key: str) -> int | None:
        """Among the instances since it was asked for, by its key; the oldest first."""
        rows = self._runs.rows(session, held.code, _CANDIDATES)
        since = sorted(int(row["id"]) for row in rows if int(row["id"]) > asked.newest)
        known = set(self._memory.starters(since))
        for number in since:
            if number not in known and _has_key(session.ask(session.api.instance(number)), request_key):
                return number
        return None

    @property
    def _where(self) -> str:
        return f"engine {self._connection.name}"

    def _no(self, what: str, hint: str) -> EngineRejected:
        return EngineRejected(what, where=self._where, hint=hint)


def _has_key(row: Row, request_key: str) -> bool:
    found = orjson.loads(row.get("globalParams") or "[]") or ()
    return any(one.get("prop") == KEY and one.get("value") == request_key for one in found)
