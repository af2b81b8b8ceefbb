"""An engine that can be told to fail, in front of one that works: what is applied is applied for real."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from wfgov_dagster.domain.definition import Definition, Schedule
from wfgov_dagster.errors import EngineError, EngineRejected, EngineUnreachable, OutcomeUnknown
from wfgov_dagster.ports.engine import Engine, EngineVersion, Head, Instance, Marker, Observed, TaskInstance


class Fault(Enum):
    NONE = auto()
    REJECTED = auto()
    UNREACHABLE = auto()
    REQUEST_LOST = auto()  # not applied, and nobody knows
    REPLY_LOST = auto()  # applied, and nobody knows
    IGNORED = auto()  # the engine says yes and does nothing
    LATE = auto()  # nobody knows; applied when `arrive` is called


@dataclass
class FaultyEngine:
    """`writes`, and of the reads `heads` and `observe`: what was asked, in order. `faults` are used up one a write.
    `down`: what every call is answered with. `refuses` says of a write (name, what is sent) that it is always answered
    with no. `hook` is called around every call."""

    inner: Engine
    faults: deque[Fault] = field(default_factory=deque)
    down: EngineError | None = None
    writes: list[str] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)
    refuses: Callable[[str, object], bool] = lambda _name, _what: False
    hook: Callable[[], None] = lambda: None
    _late: list[Callable[[], None]] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def kind(self) -> str:
        return self.inner.kind

    def arrive(self) -> None:
        """Requests that were on their way are applied now; what the engine then refuses is lost."""
        for call in self._late:
            try:
                call()
            except EngineRejected:
                continue
        self._late.clear()

    # --- reads -----------------------------------------------------------------------------------

    def observe(self, workflow_code: str) -> Observed | None:
        self.hook()
        self.reads.append(f"observe {workflow_code}")
        if self.down is not None:
            raise self.down
        found = self.inner.observe(workflow_code)
        self.hook()
        return found

    def heads(self) -> Mapping[str, Head]:
        self.hook()
        self.reads.append("heads")
        if self.down is not None:
            raise self.down
        return self.inner.heads()

    def shown(self, definition: Definition) -> Definition:
        return self.inner.shown(definition)

    def shown_schedule(self, schedule: Schedule) -> Schedule:
        return self.inner.shown_schedule(schedule)

    def instances(self, workflow_code: str | None, limit: int) -> Sequence[Instance]:
        return self.inner.instances(workflow_code, limit)

    def instance(self, instance_id: str) -> Instance:
        return self.inner.instance(instance_id)

    def task_instances(self, instance_id: str) -> Sequence[TaskInstance]:
        return self.inner.task_instances(instance_id)

    def task_log(self, instance_id: str, task_code: str, max_bytes: int) -> str:
        return self.inner.task_log(instance_id, task_code, max_bytes)

    def versions(self, workflow_code: str) -> Sequence[EngineVersion]:
        return self.inner.versions(workflow_code)

    # --- writes ----------------------------------------------------------------------------------

    def deploy(self, definition: Definition, marker: Marker) -> None:
        self._write("deploy", lambda: self.inner.deploy(definition, marker), definition)

    def online(self, workflow_code: str) -> None:
        self._write("online", lambda: self.inner.online(workflow_code))

    def offline(self, workflow_code: str) -> None:
        self._write("offline", lambda: self.inner.offline(workflow_code))

    def put_schedule(self, workflow_code: str, schedule: Schedule | None) -> None:
        self._write("put_schedule", lambda: self.inner.put_schedule(workflow_code, schedule), schedule)

    def schedule_online(self, workflow_code: str) -> None:
        self._write("schedule_online", lambda: self.inner.schedule_online(workflow_code))

    def schedule_offline(self, workflow_code: str) -> None:
        self._write("schedule_offline", lambda: self.inner.schedule_offline(workflow_code))

    def start(self, workflow_code: str, request_key: str, started_by: str) -> str:
        return self.inner.start(workflow_code, request_key, started_by)

    def stop(self, instance_id: str) -> None:
        self.inner.stop(instance_id)

    def delete_version(self, workflow_code: str, version: int) -> None:
        self.inner.delete_version(workflow_code, version)

    def _write(self, name: str, call: Callable[[], None], what: object = None) -> None:
        self.hook()
        self.writes.append(name)
        fault = self.faults.popleft() if self.faults else Fault.NONE
        where = f"engine {self.name}"
        if self.down is not None:
            raise self.down
        if fault is Fault.UNREACHABLE:
            raise EngineUnreachable("no answer", where=where)
        if fault is Fault.REJECTED or self.refuses(name, what):
            raise EngineRejected("10001 request parameter is not valid", where=where)
        if fault is Fault.LATE:
            self._late.append(call)
        if fault in {Fault.NONE, Fault.REPLY_LOST}:
            call()
        if fault not in {Fault.NONE, Fault.IGNORED}:
            raise OutcomeUnknown("the reply was cut off", where=where)
        self.hook()
