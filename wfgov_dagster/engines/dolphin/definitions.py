"""What the server holds of a workflow, and putting another definition in its place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from wfgov_dagster.domain.definition import Definition, Schedule
from wfgov_dagster.domain.extra import CODE, TASK, WORKFLOW, Symbol, pack, replaced, symbols, unpack
from wfgov_dagster.engines.dolphin import cron, marks, reading
from wfgov_dagster.engines.dolphin.connection import Connection, Session
from wfgov_dagster.engines.dolphin.payload import Ground, Target, definition_form
from wfgov_dagster.engines.dolphin.reading import Read, Source
from wfgov_dagster.engines.dolphin.server_names import ServerNames
from wfgov_dagster.engines.dolphin.shown import Defaults, shown
from wfgov_dagster.engines.dolphin.times import Clock
from wfgov_dagster.engines.dolphin.waits import expanded
from wfgov_dagster.engines.dolphin.words import UNKNOWN_DEFINITION, UNKNOWN_TASK
from wfgov_dagster.errors import EngineRejected
from wfgov_dagster.ports.dolphin import ITSELF, DolphinMemory
from wfgov_dagster.ports.engine import EngineVersion, Head, Marker, Observed

_AT_ONCE: Final = 100  # task codes


@dataclass(frozen=True, slots=True)
class Held:
    """What a GET of a definition says. `data`: as the server said it."""

    code: int
    data: Mapping[str, Any]
    read: Read

    def head(self, session: Session) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.data[session.api.dialect.definition_key]
        return found


class Definitions:
    def __init__(self, connection: Connection, memory: DolphinMemory, defaults: Defaults, clock: Clock) -> None:
        self._connection = connection
        self._memory = memory
        self._defaults = defaults
        self._clock = clock

    # --- reads -----------------------------------------------------------------------------------

    def observe(self, workflow_code: str) -> Observed | None:
        with self._connection.session() as session:
            held = self.held(session, workflow_code)
            if held is None:
                return None
            rows = schedule_rows(session, held.code)
            head = held.head(session)
            return Observed(
                definition=held.read.definition,
                online=is_online(head),
                schedule=cron.from_row(rows[0]) if rows else None,
                schedule_online=len(rows) == 1 and is_online(rows[0]),  # two of them fire neither
                engine_workflow_code=str(held.code),
                engine_version=int(head["version"]),
                marker=held.read.marker,
                engine_task_codes={task.code: str(held.read.codes[task.code]) for task in held.read.definition.tasks},
            )

    def held(self, session: Session, workflow_code: str) -> Held | None:
        """By the code that is remembered, whatever its name is now; else by the exact name."""
        known = self._memory.codes(workflow_code)
        code = known.get(ITSELF)
        data = None if code is None else self._get(session, code)
        if data is None:
            code = self.find(session, workflow_code)
            data = None if code is None else self._get(session, code)
        if code is None or data is None:
            return None
        tasks = {task: number for task, number in known.items() if task != ITSELF}
        return Held(code, data, self._read(session, workflow_code, data, tasks))

    def must_hold(self, session: Session, workflow_code: str) -> Held:
        """Raises EngineRejected for an unknown one."""
        held = self.held(session, workflow_code)
        if held is None:
            raise self.unknown(workflow_code)
        return held

    def code(self, session: Session, workflow_code: str) -> int | None:
        """Without a look at what it holds."""
        return self._memory.codes(workflow_code).get(ITSELF) or self.find(session, workflow_code)

    def find(self, session: Session, name: str) -> int | None:
        """The list of names stands, whatever is wrong with a schedule of the project: 3.1's other list does not."""
        rows = session.ask(session.api.names()) or ()
        return next((int(row["code"]) for row in rows if row["name"] == name), None)

    def heads(self) -> Mapping[str, Head]:
        """Two lists: definitions by pages, schedules at once."""
        with self._connection.session() as session:
            rows = list(session.pages(lambda page: session.api.find_definitions("", page)))
            schedules: dict[int, list[Mapping[str, Any]]] = {}
            for row in session.ask(session.api.all_schedules()) or ():
                schedules.setdefault(int(row[session.api.dialect.definition_code]), []).append(row)
        ours = {code: workflow for workflow, code in self._memory.workflows().items()}
        found = {
            ours.get(int(row["code"]), str(row["name"])): _head(row, schedules.get(int(row["code"]), ()))
            for row in rows
        }
        return dict(sorted(found.items()))

    def versions(self, workflow_code: str) -> Sequence[EngineVersion]:
        with self._connection.session() as session:
            code = self.code(session, workflow_code)
            return [] if code is None else self.versions_of(session, code, workflow_code)

    def versions_of(self, session: Session, code: int, workflow_code: str) -> list[EngineVersion]:
        rows = session.pages(lambda page: session.api.versions(code, page))
        found = [
            EngineVersion(
                int(row["version"]),
                marks.read(str(row.get("description") or ""), workflow_code)[1],
                self._clock.moment(row.get("operateTime") or row["createTime"]),
            )
            for row in rows
        ]
        return sorted(found, key=lambda one: -one.version)

    def current(self, session: Session) -> list[tuple[int, int, int | None]]:
        """Of each definition: its code, its version in use, and the version of ours that this is."""
        rows = session.pages(lambda page: session.api.find_definitions("", page))
        marked = [(row, marks.read(str(row.get("description") or ""), "")[1]) for row in rows]
        return [
            (int(row["code"]), int(row["version"]), None if marker is None else marker.version_no)
            for row, marker in marked
        ]

    def shown(self, definition: Definition) -> Definition:
        """Codes that nobody could name when a version was made may have a name since: what is read back has it."""
        extras = {task.code: unpack(task.extra) for task in definition.tasks}
        codes = {int(one[CODE]) for told in extras.values() for one in symbols(told) if CODE in one}
        owners = self._memory.owners(codes) if codes else {}
        if not owners:
            return shown(definition, self._defaults)

        def named(symbol: Symbol) -> Symbol:
            workflow, task = owners.get(int(symbol.get(CODE, 0)), ("", ITSELF))
            if not workflow:
                return symbol
            return {WORKFLOW: workflow} if task == ITSELF else {WORKFLOW: workflow, TASK: task}

        tasks = [replace(task, extra=pack(replaced(extras[task.code], named))) for task in definition.tasks]
        return shown(replace(definition, tasks=tuple(tasks)), self._defaults)

    def adopt(self, workflow_code: str, task_codes: Mapping[str, str]) -> None:
        with self._connection.session() as session:
            held = self.must_hold(session, workflow_code)
        self._keep(workflow_code, held.code)
        self._memory.remember(workflow_code, {task: int(code) for task, code in task_codes.items()})

    # --- writes ----------------------------------------------------------------------------------

    def deploy(self, definition: Definition, marker: Marker) -> None:
        """Content that it holds already is no request that writes."""
        wanted = self.shown(definition)
        with self._connection.session() as session:
            held = self.held(session, definition.code)
            if held is not None and is_online(held.head(session)):
                what = f"workflow {definition.code} is online"
                raise EngineRejected(what, where=self._where, hint="take it offline first", number=50008)
            if held is not None and held.read.definition == wanted:
                self._keep(definition.code, held.code)
                return
            self._put(session, wanted, marker, held)

    def unknown(self, workflow_code: str) -> EngineRejected:
        return EngineRejected(f"workflow {workflow_code!r} is unknown", where=self._where, hint="deploy it first")

    # --- parts -----------------------------------------------------------------------------------

    @property
    def _where(self) -> str:
        return f"engine {self._connection.name}"

    def _get(self, session: Session, code: int) -> Mapping[str, Any] | None:
        try:
            found: Mapping[str, Any] = session.ask(session.api.definition(code))
        except EngineRejected as exc:
            if exc.number == UNKNOWN_DEFINITION:
                return None
            raise
        return found

    def _read(self, session: Session, workflow_code: str, data: Mapping[str, Any], tasks: Mapping[str, int]) -> Read:
        known = {number: task for task, number in tasks.items()}
        codes = reading.task_codes(data["taskDefinitionList"], known)
        names = ServerNames(session, self._memory, codes)
        source = Source(session.api.dialect, self._defaults, names, workflow_code, known)
        return reading.read_definition(data, source)

    def _put(self, session: Session, wanted: Definition, marker: Marker, held: Held | None) -> None:
        wanted = expanded(wanted)
        ground = self._ground(session, wanted, held)
        names = ServerNames(session, self._memory, ground.codes)
        target = Target(session.api.dialect, self._defaults, names)
        form = definition_form(wanted, marker, ground, target)
        if held is not None:
            self._keep(wanted.code, held.code)
            session.ask(session.api.update(held.code, form))
            return
        made = session.ask(session.api.create(form))
        self._memory.remember_workflow(wanted.code, int(made["code"]))

    def _keep(self, workflow_code: str, code: int) -> None:
        if self._memory.codes(workflow_code).get(ITSELF) != code:
            self._memory.remember_workflow(workflow_code, code)

    def _ground(self, session: Session, wanted: Definition, held: Held | None) -> Ground:
        before = {} if held is None else held.read.codes
        adopted = {task.code: before[task.code] for task in wanted.tasks if task.code in before}
        codes, new = self._codes(session, wanted, adopted)
        rows = {} if held is None else {int(row["code"]): row for row in held.data["taskDefinitionList"]}
        read = {} if held is None else expanded(held.read.definition).by_code()
        versions = {task: int(rows[code]["version"]) for task, code in codes.items() if code in rows}
        for task in wanted.tasks:  # one that was there before, or is of another life of the workflow
            if task.code not in versions and task.code not in new:
                versions[task.code] = self._task_version(session, codes[task.code])
        same_settings = held is not None and _same_places(held.read.definition, wanted)
        same = {
            task.code: rows[codes[task.code]]
            for task in wanted.tasks
            if same_settings and read.get(task.code) == task and codes[task.code] in rows
        }
        head = {} if held is None else held.head(session)
        places = _json(head.get("locations"))
        return Ground(codes, same, versions, places, str(head.get("executionType") or "PARALLEL"))

    def _codes(
        self, session: Session, wanted: Definition, adopted: Mapping[str, int]
    ) -> tuple[Mapping[str, int], frozenset[str]]:
        """Of every task, and which of them are new; committed before they are sent."""
        known = self._memory.codes(wanted.code)
        if any(task not in known for task in adopted):
            known = self._memory.remember(wanted.code, adopted)
        lacking = [task.code for task in wanted.tasks if task.code not in known]
        for at in range(0, len(lacking), _AT_ONCE):
            some = lacking[at : at + _AT_ONCE]
            made = session.ask(session.api.task_codes(len(some)))
            known = self._memory.remember(wanted.code, dict(zip(some, map(int, made), strict=True)))
        return {task.code: known[task.code] for task in wanted.tasks}, frozenset(lacking)

    def _task_version(self, session: Session, code: int) -> int:
        """0: the server has never seen it."""
        try:
            return int(session.ask(session.api.task(code))["version"])
        except EngineRejected as exc:
            if exc.number == UNKNOWN_TASK:
                return 0
            raise


def schedule_rows(session: Session, code: int) -> list[Mapping[str, Any]]:
    """The oldest first. 3.1 lets a second one be made, and then fires neither."""
    try:
        found = session.ask(session.api.schedules(code))["totalList"] or ()
    except EngineRejected as exc:
        if exc.number == UNKNOWN_DEFINITION:
            return []
        raise
    return sorted(found, key=lambda row: int(row["id"]))


def is_online(row: Mapping[str, Any]) -> bool:
    return row.get("releaseState") == "ONLINE"


def _same_places(held: Definition, wanted: Definition) -> bool:
    """Where tasks run is the workflow's: if that changes, every row does."""
    before, after = held.settings, wanted.settings
    return (before.worker_group, before.environment) == (after.worker_group, after.environment)


def _head(row: Mapping[str, Any], schedules: Sequence[Mapping[str, Any]]) -> Head:
    told: list[Schedule] = [cron.from_row(one) for one in sorted(schedules, key=lambda one: int(one["id"]))]
    return Head(
        engine_workflow_code=str(row["code"]),
        engine_version=int(row["version"]),
        online=is_online(row),
        schedule_online=len(schedules) == 1 and is_online(schedules[0]),
        revision=repr((row["name"], row["version"], row["updateTime"], told)),
    )


def _json(text: object) -> Sequence[Mapping[str, Any]]:
    try:
        found = orjson.loads(str(text))
    except orjson.JSONDecodeError:
        return ()
    if not isinstance(found, list):
        return ()
    return [one for one in found if isinstance(one, dict) and {"taskCode", "x", "y"} <= one.keys()]
