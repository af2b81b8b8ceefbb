"""The one schedule of a workflow. Whoever writes first sees to it that there is one: 3.1 takes a second one, from a
request that came twice, and then fires neither and cannot take the workflow offline."""

from collections.abc import Mapping
from typing import Any

import orjson

from wfgov_dagster.domain.definition import Schedule, Settings
from wfgov_dagster.engines.dolphin import cron
from wfgov_dagster.engines.dolphin.connection import Connection, Session
from wfgov_dagster.engines.dolphin.definitions import Definitions, Held, is_online, schedule_rows
from wfgov_dagster.engines.dolphin.payload import NO_ENVIRONMENT, PRIORITIES
from wfgov_dagster.engines.dolphin.server_names import ServerNames
from wfgov_dagster.engines.dolphin.shown import DEFAULT, Defaults
from wfgov_dagster.engines.dolphin.words import SAME_STATE, UNKNOWN_SCHEDULE
from wfgov_dagster.errors import EngineRejected
from wfgov_dagster.ports.dolphin import DolphinMemory


class Schedules:
    def __init__(
        self, connection: Connection, definitions: Definitions, memory: DolphinMemory, defaults: Defaults
    ) -> None:
        self._connection = connection
        self._definitions = definitions
        self._memory = memory
        self._defaults = defaults

    def put(self, workflow_code: str, schedule: Schedule | None) -> None:
        with self._connection.session() as session:
            told = None if schedule is None else cron.to_row(schedule)  # refused before anything is touched
            held = self._definitions.must_hold(session, workflow_code)
            if not is_online(held.head(session)):
                raise self._no(f"workflow {workflow_code} is offline", "take it online first", 50004)
            row = self._only(session, held.code)
            if row is not None and is_online(row):
                self._turn(session, row, online=False)
            if told is None:
                if row is not None:
                    self._delete(session, row)
                return
            if row is not None and schedule is not None and cron.from_row(row) == cron.shown(schedule):
                return
            form = self._form(session, told, held)
            if row is None:
                session.ask(session.api.create_schedule(held.code, form))
            else:
                session.ask(session.api.update_schedule(int(row["id"]), form))

    def turn(self, workflow_code: str, *, online: bool) -> None:
        with self._connection.session() as session:
            held = self._definitions.must_hold(session, workflow_code)
            row = self._only(session, held.code)
            if row is None:
                raise self._no(f"workflow {workflow_code} has no schedule", "give it one first", 10022)
            if online and not is_online(held.head(session)):
                raise self._no(f"workflow {workflow_code} is offline", "take it online first", 50004)
            if is_online(row) != online:
                self._turn(session, row, online=online)

    def turn_workflow(self, workflow_code: str, *, online: bool) -> None:
        """Its schedule goes offline with it, and does not come back with it: the server does both itself."""
        with self._connection.session() as session:
            held = self._definitions.must_hold(session, workflow_code)
            self._only(session, held.code)
            session.ask(session.api.release(held.code, online=online))

    # --- parts -----------------------------------------------------------------------------------

    def _only(self, session: Session, code: int) -> Mapping[str, Any] | None:
        """The oldest; others are deleted."""
        rows = schedule_rows(session, code)
        for row in rows[1:]:
            if is_online(row):
                self._turn(session, row, online=False)
            self._delete(session, row)
        return rows[0] if rows else None

    def _turn(self, session: Session, row: Mapping[str, Any], *, online: bool) -> None:
        try:
            session.ask(session.api.release_schedule(int(row["id"]), online=online))
        except EngineRejected as exc:
            if exc.number != SAME_STATE:
                raise

    def _delete(self, session: Session, row: Mapping[str, Any]) -> None:
        try:
            session.ask(session.api.delete_schedule(int(row["id"])))
        except EngineRejected as exc:
            if exc.number not in UNKNOWN_SCHEDULE:
                raise

    def _form(self, session: Session, told: Mapping[str, str], held: Held) -> dict[str, str | int]:
        names = ServerNames(session, self._memory, held.read.codes)
        form = run_form(held.read.definition.settings, self._defaults, session, names)
        return {"schedule": orjson.dumps(dict(told)).decode(), **form}

    def _no(self, what: str, hint: str, number: int) -> EngineRejected:
        return EngineRejected(what, where=f"engine {self._connection.name}", hint=hint, number=number)


def run_form(settings: Settings, defaults: Defaults, session: Session, names: ServerNames) -> dict[str, str | int]:
    """How instances run: what a schedule and a start have in common."""
    dialect = session.api.dialect
    form: dict[str, str | int] = {
        "warningType": "NONE",
        "warningGroupId": 0,  # 3.1 does without it only where it makes one
        "failureStrategy": settings.failure_strategy.upper(),
        "workerGroup": defaults.worker_group if settings.worker_group == DEFAULT else settings.worker_group,
        "environmentCode": names.environment_code(settings.environment) if settings.environment else NO_ENVIRONMENT,
        dialect.instance_priority: PRIORITIES[settings.priority - 1],
    }
    if not dialect.tenant_of_definition:
        form["tenantCode"] = defaults.tenant if settings.tenant == DEFAULT else settings.tenant
    return form
