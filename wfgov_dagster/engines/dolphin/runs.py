"""Instances of a workflow: how they stand, their tasks and logs, and stopping them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from wfgov_dagster.engines.dolphin import calls, reading
from wfgov_dagster.engines.dolphin.connection import Connection, Session
from wfgov_dagster.engines.dolphin.definitions import Definitions
from wfgov_dagster.engines.dolphin.states import (
    ASKED_TO_STOP,
    ENDED,
    UNENDED,
    instance_state,
    newest_tries,
    task_instances,
    trigger,
)
from wfgov_dagster.engines.dolphin.times import Clock
from wfgov_dagster.engines.dolphin.words import NOT_IN_THIS_STATE, UNKNOWN_INSTANCE, VERSION_GONE
from wfgov_dagster.errors import EngineRejected
from wfgov_dagster.ports.dolphin import ITSELF, DolphinMemory
from wfgov_dagster.ports.engine import Instance, TaskInstance

_LARGEST_ID: Final = 2**31 - 1
_LINES: Final = 2000
_SPARE: Final = 20  # rows more: the server orders by whole seconds
Row = Mapping[str, Any]


class Runs:
    """`_versions`: (definition, its version) → the version of ours that it is; what is known once does not change."""

    def __init__(self, connection: Connection, definitions: Definitions, memory: DolphinMemory, clock: Clock) -> None:
        self._connection = connection
        self._definitions = definitions
        self._memory = memory
        self._clock = clock
        self._versions: dict[tuple[int, int], int | None] = {}

    # --- reads -----------------------------------------------------------------------------------

    def instances(self, workflow_code: str | None, limit: int) -> Sequence[Instance]:
        with self._connection.session() as session:
            code = None if workflow_code is None else self._definitions.code(session, workflow_code)
            if workflow_code is not None and code is None:
                return []
            rows = self.rows(session, code, limit + _SPARE)
            newest = sorted(rows, key=lambda row: -int(row["id"]))[:limit]
            return self._told(session, newest)

    def instance(self, instance_id: str) -> Instance:
        with self._connection.session() as session:
            return self._told(session, [self._listed(session, self.row(session, instance_id))])[0]

    def task_instances(self, instance_id: str) -> Sequence[TaskInstance]:
        with self._connection.session() as session:
            row = self.row(session, instance_id)
            tasks = self._tasks(row)
            found = self._task_rows(session, int(row["id"]))
            return task_instances(found, tasks, instance_state(row), self._clock)

    def task_log(self, instance_id: str, task_code: str, max_bytes: int) -> str:
        with self._connection.session() as session:
            row = self.row(session, instance_id)
            codes = {task: code for code, task in self._tasks(row).items()}
            if task_code not in codes:
                raise self._no(f"instance {instance_id} has no task {task_code!r}", "see its list of tasks")
            tried = newest_tries(self._task_rows(session, int(row["id"]))).get(codes[task_code])
            if tried is None or not tried.get("host"):
                return ""
            return _text(self._log(session, int(tried["id"]), max_bytes), max_bytes)

    # --- writes ----------------------------------------------------------------------------------

    def stop(self, instance_id: str) -> None:
        with self._connection.session() as session:
            row = self.row(session, instance_id)
            if instance_state(row) in ENDED or row.get("state") == ASKED_TO_STOP:
                return
            try:
                session.ask(session.api.stop(int(row["id"])))
            except EngineRejected as exc:
                if exc.number != NOT_IN_THIS_STATE or instance_state(self.row(session, instance_id)) not in ENDED:
                    raise

    def delete_version(self, workflow_code: str, version: int) -> None:
        """3.1 deletes also what an instance is running."""
        with self._connection.session() as session:
            held = self._definitions.must_hold(session, workflow_code)
            if int(held.head(session)["version"]) == version:
                what = f"version {version} of workflow {workflow_code} is the current one"
                raise self._no(what, "deploy another version first")
            if any(one.version == version for one in self._definitions.versions_of(session, held.code, workflow_code)):
                self._refuse_running(session, held.code, version)
                try:
                    session.ask(session.api.delete_version(held.code, version))
                except EngineRejected as exc:
                    if exc.number != VERSION_GONE:
                        raise

    # --- parts -----------------------------------------------------------------------------------

    def row(self, session: Session, instance_id: str) -> Row:
        number = int(instance_id) if instance_id.isascii() and instance_id.isdigit() else _LARGEST_ID + 1
        if number <= _LARGEST_ID:
            try:
                found: Row = session.ask(session.api.instance(number))
            except EngineRejected as exc:
                if exc.number != UNKNOWN_INSTANCE:
                    raise
            else:
                return found
        raise self._no(f"instance {instance_id} is unknown", "see its list of instances")

    def rows(self, session: Session, code: int | None, count: int) -> list[Row]:
        """At least the newest `count`, as far as there are so many."""
        size = min(count, calls.PAGE)
        found: list[Row] = []
        for page in range(1, -(-count // size) + 1):
            answer = session.ask(session.api.list_instances(code, page, size))
            found += answer["totalList"] or ()
            if page * size >= int(answer["total"]):
                break
        return found

    def _listed(self, session: Session, row: Row) -> Row:
        """The same instance as its list tells it: only there is who started it."""
        code = int(row[session.api.dialect.definition_code])
        answer = session.ask(session.api.find_instance(code, str(row["name"])))
        return next((one for one in answer["totalList"] or () if one["id"] == row["id"]), row)

    def _told(self, session: Session, rows: Sequence[Row]) -> list[Instance]:
        dialect = session.api.dialect
        of = [(int(row[dialect.definition_code]), int(row[dialect.definition_version])) for row in rows]
        workflows = self._workflows(session, {code for code, _ in of})
        self._learn(session, of, workflows)
        starters = self._memory.starters([int(row["id"]) for row in rows])
        return [
            Instance(
                instance_id=str(row["id"]),
                workflow_code=workflows[code],
                version_no=self._versions.get((code, version)),
                state=instance_state(row),
                trigger=trigger(row),
                started_by=starters.get(int(row["id"]), str(row.get("executorName") or "")),
                submitted_at=self._clock.moment(row.get("startTime") or row.get("restartTime")),
                started_at=self._clock.moment_or_none(row.get("startTime")),
                ended_at=self._clock.moment_or_none(row.get("endTime")),
                error="a task of it failed" if instance_state(row) == "failed" else None,
                engine_workflow_code=str(code),
                engine_version=version,
                run=int(row.get("runTimes") or 1),
            )
            for row, (code, version) in zip(rows, of, strict=True)
        ]

    def _workflows(self, session: Session, codes: Iterable[int]) -> dict[int, str]:
        """The server's code → ours, else its name there."""
        ours = {code: workflow for workflow, code in self._memory.workflows().items()}
        found = {code: ours[code] for code in codes if code in ours}
        if any(code not in found for code in codes):
            named = {int(row["code"]): str(row["name"]) for row in session.ask(session.api.names()) or ()}
            found |= {code: named.get(code, str(code)) for code in codes if code not in found}
        return found

    def _learn(self, session: Session, of: Iterable[tuple[int, int]], workflows: Mapping[int, str]) -> None:
        """One list for the versions in use; of a single workflow one for its older ones. Of many workflows the old
        versions stay unknown: that would be a call for each."""
        new = {one for one in of if one not in self._versions}
        many = len({code for code, _ in new}) > 1
        if many:
            for code, version, number in self._definitions.current(session):
                self._versions[code, version] = number
        for code in () if many else {code for code, version in new if (code, version) not in self._versions}:
            for one in self._definitions.versions_of(session, code, workflows[code]):
                self._versions[code, one.version] = None if one.marker is None else one.marker.version_no
        if not many:
            for unknown in new:
                self._versions.setdefault(unknown, None)

    def _tasks(self, row: Row) -> dict[int, str]:
        """Of the version that runs: the server's code → ours."""
        rows = (row.get("dagData") or {}).get("taskDefinitionList") or ()
        owners = self._memory.owners([int(one["code"]) for one in rows])
        known = {code: task for code, (_, task) in owners.items() if task != ITSELF}
        return {code: task for task, code in reading.task_codes(rows, known).items()}

    def _task_rows(self, session: Session, instance: int) -> list[Row]:
        api = session.api
        batch = session.pages(lambda page: api.task_instances(instance, page, "BATCH"))
        return [*batch, *session.pages(lambda page: api.task_instances(instance, page, "STREAM"))]

    def _log(self, session: Session, task_instance: int, max_bytes: int) -> bytes:
        """The end of it: it is read from the beginning, for nobody tells how long it is."""
        end, skip = b"", 0
        while True:
            answer = session.ask(calls.log(task_instance, skip, _LINES))
            message = str((answer or {}).get("message") or "")
            end = (end + message.replace("\r\n", "\n").encode())[-max_bytes:] if max_bytes > 0 else b""
            lines = int((answer or {}).get("lineNum") or 0)
            skip += lines
            if not message or lines < _LINES:
                return end

    def _refuse_running(self, session: Session, code: int, version: int) -> None:
        for state in UNENDED:
            answer = session.ask(session.api.list_instances(code, 1, calls.PAGE, state))
            if any(int(row[session.api.dialect.definition_version]) == version for row in answer["totalList"] or ()):
                raise self._no(f"an instance is running version {version}", "wait until it has ended, or stop it")

    def _no(self, what: str, hint: str) -> EngineRejected:
        return EngineRejected(what, where=f"engine {self._connection.name}", hint=hint)


def _text(end: bytes, max_bytes: int) -> str:
    """Begins with a whole character."""
    found = end.decode(errors="replace").replace("\N{REPLACEMENT CHARACTER}", "?")
    return found if len(found.encode()) <= max_bytes else found[-max_bytes:]
