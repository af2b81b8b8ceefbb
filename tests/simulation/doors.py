"""What one process of a schedule sees: the real store and the engine, through doors at which it may be killed."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from tests.doubles.dolphin_manners import DolphinManners
from tests.simulation.scheduler import ASLEEP, WAITING, Actor, Killed, Scheduler
from wfgov_dagster.domain.definition import Definition, Schedule
from wfgov_dagster.errors import EngineRejected, EngineUnreachable, OutcomeUnknown
from wfgov_dagster.ports.engine import EngineVersion, Head, Instance, Marker, Observed, TaskInstance
from wfgov_dagster.store.store import SqlStore, SqlWork

T = TypeVar("T")


@dataclass
class Network:
    """Chances of a call. `call_seconds`: the client waits so long; `late_seconds`: so long a request lives at most.
    `down_until`: nobody reaches the engine before."""

    call_seconds: float
    late_seconds: float
    request_lost: float = 0.0
    reply_lost: float = 0.0
    slow: float = 0.0
    late: float = 0.0
    unreachable: float = 0.0
    no: float = 0.0
    down_until: float = 0.0

    def heal(self) -> None:
        self.request_lost = self.reply_lost = self.slow = self.late = self.unreachable = self.no = 0.0
        self.down_until = 0.0


@dataclass(eq=False)
class Request:
    """A write on its way. `record_id`: whose step it is. `observed_at`: when its sender had looked last.
    `zombie`: its sender stood still between its last check and the call, past its lease."""

    process: "Process"
    call: str
    code: str
    record_id: int | None
    sent_at: float
    observed_at: float
    arrives_at: float | None
    zombie: bool
    done: bool = False
    refused: EngineRejected | None = None


class Witness(Protocol):
    """Who hears what a process does, in the moment it does it."""

    def looked(self, process: "Process") -> None: ...
    def committed(self, process: "Process") -> None: ...
    def sending(self, process: "Process", call: str, code: str) -> Request: ...
    def arriving(self, request: Request) -> None: ...
    def note(self, who: str, what: str) -> None: ...


@dataclass(eq=False)
class Process:
    """`holder`: what the names of all begin with that hold leases in it. `good_leases` by workflow, `step`: as of its
    last transaction."""

    holder: str
    scheduler: Scheduler
    witness: Witness
    actor: Actor | None = None
    open: int = 0
    holders: int = 0
    observed_at: float = 0.0
    good_leases: dict[str, bool] = field(default_factory=dict)
    step: dict[str, Any] | None = None
    sent: list[Request] = field(default_factory=list)

    def new_holder(self) -> str:
        """A name for one that holds leases in it."""
        self.holders += 1
        return f"{self.holder}/{self.holders}"

    def is_called(self, holder: str) -> bool:
        return holder.split("/", maxsplit=1)[0] == self.holder

    @property
    def dead(self) -> bool:
        return self.actor is not None and self.actor.dead

    def pause(self, at: str) -> None:
        if self.dead:
            raise Killed
        assert self.open == 0, f"a transaction is open at: {at}"
        self.scheduler.pause(at)

    def sleep(self, seconds: float, at: str = ASLEEP) -> None:
        assert self.open == 0, f"a transaction is open at: {at}"
        self.scheduler.sleep(seconds, at)


class ProcessStore:
    """The real store. Others move before a transaction and after it, never inside; a kill comes there too."""

    def __init__(self, process: Process, inner: SqlStore) -> None:
        self._process = process
        self._inner = inner

    @contextmanager
    def read(self) -> Iterator[SqlWork]:
        self._process.pause("before a read")
        with self._counted(), self._inner.read() as work:
            yield work
        self._process.witness.looked(self._process)
        self._process.pause("after a read")

    @contextmanager
    def write(self) -> Iterator[SqlWork]:
        self._process.pause("before a transaction")
        with self._counted(), self._inner.write() as work:
            yield work
            self._process.scheduler.die_here("before a commit")
        self._process.witness.committed(self._process)
        self._process.pause("after a commit")

    @contextmanager
    def _counted(self) -> Iterator[None]:
        if self._process.dead:
            raise Killed
        self._process.open += 1
        try:
            yield
        finally:
            self._process.open -= 1


class ProcessEngine:
    """The engine through a network that loses and delays. What was sent arrives, whatever became of its sender."""

    def __init__(self, process: Process, inner: DolphinManners, network: Network) -> None:
        self._process = process
        self._inner = inner
        self._network = network
        self.name, self.kind = inner.name, inner.kind

    # --- reads -----------------------------------------------------------------------------------

    def observe(self, workflow_code: str) -> Observed | None:
        return self._read(f"observe {workflow_code}", lambda: self._inner.observe(workflow_code))

    def heads(self) -> Mapping[str, Head]:
        return self._read("heads", self._inner.heads)

    def shown(self, definition: Definition) -> Definition:
        return self._inner.shown(definition)

    def adopt(self, workflow_code: str, task_codes: Mapping[str, str]) -> None:
        self._inner.adopt(workflow_code, task_codes)

    def shown_schedule(self, schedule: Schedule) -> Schedule:
        return self._inner.shown_schedule(schedule)

    def instances(self, workflow_code: str | None, limit: int) -> Sequence[Instance]:
        return self._read("instances", lambda: self._inner.instances(workflow_code, limit))

    def instance(self, instance_id: str) -> Instance:
        return self._read("instance", lambda: self._inner.instance(instance_id))

    def pages(self, engine_workflow_code: str, instance_id: str | None = None) -> str | None:
        return self._inner.pages(engine_workflow_code, instance_id)

    def task_instances(self, instance_id: str) -> Sequence[TaskInstance]:
        return self._read("task_instances", lambda: self._inner.task_instances(instance_id))

    def task_log(self, instance_id: str, task_code: str, max_bytes: int) -> str:
        return self._read("task_log", lambda: self._inner.task_log(instance_id, task_code, max_bytes))

    def versions(self, workflow_code: str) -> Sequence[EngineVersion]:
        return self._read("versions", lambda: self._inner.versions(workflow_code))

    def _read(self, call: str, ask: Callable[[], T]) -> T:
        process, dice = self._process, self._process.scheduler
        process.pause(f"before {call}")
        self._reach(call)
        if dice.chance(self._network.slow):
            process.sleep(dice.random.uniform(0.0, self._network.call_seconds / 4), f"{WAITING} {call}")
        process.observed_at = dice.now
        found = ask()
        process.pause(f"after {call}")
        return found

    # --- writes ----------------------------------------------------------------------------------

    def deploy(self, definition: Definition, marker: Marker) -> None:
        self._write("deploy", definition.code, lambda: self._inner.deploy(definition, marker))

    def online(self, workflow_code: str) -> None:
        self._write("bring_online", workflow_code, lambda: self._inner.online(workflow_code))

    def offline(self, workflow_code: str) -> None:
        self._write("take_offline", workflow_code, lambda: self._inner.offline(workflow_code))

    def put_schedule(self, workflow_code: str, schedule: Schedule | None) -> None:
        self._write("put_schedule", workflow_code, lambda: self._inner.put_schedule(workflow_code, schedule))

    def schedule_online(self, workflow_code: str) -> None:
        self._write("schedule_online", workflow_code, lambda: self._inner.schedule_online(workflow_code))

    def schedule_offline(self, workflow_code: str) -> None:
        self._write("schedule_offline", workflow_code, lambda: self._inner.schedule_offline(workflow_code))

    def start(self, workflow_code: str, request_key: str, started_by: str) -> str:
        return self._inner.start(workflow_code, request_key, started_by)

    def stop(self, instance_id: str) -> None:
        self._inner.stop(instance_id)

    def delete_version(self, workflow_code: str, version: int) -> None:
        self._write("delete_version", workflow_code, lambda: self._inner.delete_version(workflow_code, version))

    def _write(self, call: str, code: str, apply: Callable[[], None]) -> None:
        process, network, dice = self._process, self._network, self._process.scheduler
        process.pause(f"before {call}")
        request = process.witness.sending(process, call, code)
        self._reach(call)
        if dice.chance(network.no):
            process.witness.note(process.holder, f"{call}: the engine says no")
            process.pause(f"after {call}")
            raise EngineRejected("10001 request parameter is not valid", where=f"engine {self.name}")
        delay = self._delay()
        answered = not dice.chance(network.reply_lost) and delay is not None and delay <= network.call_seconds
        if delay is not None:
            request.arrives_at = dice.now + delay
            dice.after(delay, lambda: self._arrive(request, apply))
        process.sent.append(request)
        process.sleep(delay if answered and delay is not None else network.call_seconds, f"{WAITING} {call}")
        if not answered:
            process.witness.note(process.holder, f"{call}: no reply")
            raise OutcomeUnknown("no reply in time", where=f"engine {self.name}")
        if request.refused is not None:
            raise request.refused

    def _arrive(self, request: Request, apply: Callable[[], None]) -> None:
        self._process.witness.arriving(request)
        self._inner.who = self._process.holder
        request.done = True
        try:
            apply()
        except EngineRejected as no:
            request.refused = no

    def _delay(self) -> float | None:
        """Seconds on the way; None = it never arrives."""
        network, dice = self._network, self._process.scheduler
        if dice.chance(network.request_lost):
            return None
        if dice.chance(network.late):
            return dice.random.uniform(network.call_seconds / 2, network.late_seconds)
        return dice.random.uniform(0.0, 2.0) if dice.chance(network.slow) else 0.0

    def _reach(self, call: str) -> None:
        network, dice = self._network, self._process.scheduler
        if dice.now < network.down_until or dice.chance(network.unreachable):
            self._process.witness.note(self._process.holder, f"{call}: engine unreachable")
            self._process.pause(f"after {call}")
            raise EngineUnreachable("connection refused", where=f"engine {self.name}")
