"""An engine with DolphinScheduler's manners, in memory: what a server of 3.1.1 was seen to do, in the port's words.

No compare-and-swap: the last writer wins. A definition is refused while it is online, a schedule while its definition
is offline; going offline takes the schedule along and going online does not bring it back; content that is held
already makes no new version. People change it behind our back. It remembers everything that was ever asked of it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from wfgov_dagster.domain import cron
from wfgov_dagster.domain.definition import Definition, Schedule, make
from wfgov_dagster.domain.extra import Symbol, pack, replaced, unpack
from wfgov_dagster.errors import EngineRejected, InvalidInput
from wfgov_dagster.ports.engine import EngineVersion, Head, Instance, Marker, Observed, TaskInstance

EPOCH = datetime(2030, 1, 1, tzinfo=UTC)
PERSON = "a person"
_ENDED = ("success", "failed", "stopped")


@dataclass(frozen=True, slots=True)
class Entry:
    """What was asked. `refused`: the engine's no. `version`: that it made, if any. `after`: what it held then."""

    at: float
    who: str
    call: str
    refused: str | None
    version: int | None
    after: Observed | None
    code: str


@dataclass
class _Held:
    """`number` is the version in use; versions are kept as (definition, marker, when)."""

    code: str
    number: int
    versions: dict[int, tuple[Definition, Marker | None, float]]
    online: bool = False
    schedule: Schedule | None = None
    schedule_online: bool = False


@dataclass
class DolphinManners:
    """`now`: seconds, whoever's clock that is. `who` does what is asked next, for the history."""

    now: Callable[[], float] = lambda: 0.0
    name: str = "dolphin"
    kind: str = "dolphin"
    who: str = ""
    history: list[Entry] = field(default_factory=list)
    _held: dict[str, _Held] = field(default_factory=dict)
    _made: int = 0
    _instances: dict[str, Instance] = field(default_factory=dict)
    _keys: dict[tuple[str, str], str] = field(default_factory=dict)

    # --- reads -----------------------------------------------------------------------------------

    def observe(self, workflow_code: str) -> Observed | None:
        held = self._held.get(workflow_code)
        if held is None:
            return None
        definition, marker, _ = held.versions[held.number]
        tasks = {task.code: f"{held.code}{no}" for no, task in enumerate(definition.tasks)}
        return Observed(
            definition, held.online, held.schedule, held.schedule_online, held.code, held.number, marker, tasks
        )

    def heads(self) -> Mapping[str, Head]:
        found = {code: self.observe(code) for code in sorted(self._held)}
        return {code: _head(seen) for code, seen in found.items() if seen is not None}

    def shown(self, definition: Definition) -> Definition:
        return replace(definition, settings=replace(definition.settings, schedule=None))

    def adopt(self, workflow_code: str, task_codes: Mapping[str, str]) -> None:
        """It knows tasks by numbers: from now on they have our codes, in what is told and in what names them."""
        held = self._held[workflow_code]
        seen = self.observe(workflow_code)
        assert seen is not None
        names = {number: ours for ours, number in task_codes.items()}
        codes = {task: names[number] for task, number in seen.engine_task_codes.items()}
        definition, marker, at = held.versions[held.number]
        held.versions[held.number] = (_renamed(definition, codes), marker, at)

    def shown_schedule(self, schedule: Schedule) -> Schedule:
        return schedule

    def versions(self, workflow_code: str) -> Sequence[EngineVersion]:
        held = self._held.get(workflow_code)
        kept = [] if held is None else sorted(held.versions.items(), reverse=True)
        return [EngineVersion(number, marker, self._moment(at)) for number, (_, marker, at) in kept]

    def instances(self, workflow_code: str | None, limit: int) -> Sequence[Instance]:
        newest = reversed(self._instances.values())
        return [one for one in newest if workflow_code in {None, one.workflow_code}][:limit]

    def pages(self, engine_workflow_code: str, instance_id: str | None = None) -> str | None:
        return None

    def instance(self, instance_id: str) -> Instance:
        if instance_id not in self._instances:
            raise EngineRejected(f"50001 process instance {instance_id} does not exist", where=f"engine {self.name}")
        return self._instances[instance_id]

    def task_instances(self, instance_id: str) -> Sequence[TaskInstance]:
        """Nothing runs here: its tasks wait until it is stopped."""
        instance = self.instance(instance_id)
        state = "stopped" if instance.state in _ENDED else "waiting"
        held = self._held[instance.workflow_code]
        definition = held.versions[instance.version_no or held.number][0]
        return [TaskInstance(task.code, state, 0, None, None, None) for task in definition.tasks]

    def task_log(self, instance_id: str, task_code: str, max_bytes: int) -> str:
        if task_code not in {task.task_code for task in self.task_instances(instance_id)} or max_bytes < 0:
            raise EngineRejected(f"10103 task {task_code} of {instance_id} is unknown", where=f"engine {self.name}")
        return ""

    # --- writes ----------------------------------------------------------------------------------

    def deploy(self, definition: Definition, marker: Marker) -> None:
        bare = replace(definition, settings=replace(definition.settings, schedule=None))
        held = self._held.get(definition.code)
        if held is None:
            made = _Held(str(9_000 + self._made), 1, {1: (bare, marker, self.now())})
            self._held[definition.code] = made
            self._made += 1
            return self._note(definition.code, f"deploy V{marker.version_no}", version=1)
        if held.online:
            self._refuse(definition.code, f"deploy V{marker.version_no}", "50008 does not allow edit")
        return self._replace(definition.code, held, bare, marker, f"deploy V{marker.version_no}")

    def online(self, workflow_code: str) -> None:
        self._known(workflow_code, "online").online = True
        self._note(workflow_code, "online")

    def offline(self, workflow_code: str) -> None:
        held = self._known(workflow_code, "offline")
        held.online = held.schedule_online = False
        self._note(workflow_code, "offline")

    def put_schedule(self, workflow_code: str, schedule: Schedule | None) -> None:
        call = f"put_schedule {None if schedule is None else schedule.cron}"
        held = self._known(workflow_code, call)
        if not held.online:
            self._refuse(workflow_code, call, "50004 not online")
        try:
            if schedule is not None:
                cron.check_schedule(schedule)
        except InvalidInput as exc:
            self._refuse(workflow_code, call, f"10001 request parameter {exc} is not valid")
        held.schedule, held.schedule_online = schedule, False
        self._note(workflow_code, call)

    def schedule_online(self, workflow_code: str) -> None:
        held = self._known(workflow_code, "schedule_online")
        if held.schedule is None or not held.online:
            self._refuse(workflow_code, "schedule_online", "50004 not online, or 10022 without a schedule")
        held.schedule_online = True
        self._note(workflow_code, "schedule_online")

    def schedule_offline(self, workflow_code: str) -> None:
        held = self._known(workflow_code, "schedule_offline")
        if held.schedule is None:
            self._refuse(workflow_code, "schedule_offline", "10022 does not exist")
        held.schedule_online = False
        self._note(workflow_code, "schedule_offline")

    def start(self, workflow_code: str, request_key: str, started_by: str) -> str:
        known = self._keys.get((workflow_code, request_key))
        if known is not None:
            return known
        held = self._held.get(workflow_code)
        if held is None or not held.online:
            self._refuse(workflow_code, "start", "50004 not online")
            raise AssertionError("refused")
        identity = str(len(self._instances) + 1)
        marker = held.versions[held.number][1]
        self._instances[identity] = Instance(
            identity, workflow_code, None if marker is None else marker.version_no, "submitted", "manual", started_by,
            self._moment(self.now()), None, None,
        )  # fmt: skip
        self._keys[workflow_code, request_key] = identity
        return identity

    def stop(self, instance_id: str) -> None:
        instance = self.instance(instance_id)
        if instance.state not in _ENDED:
            self._instances[instance_id] = replace(instance, state="stopped", ended_at=self._moment(self.now()))

    def delete_version(self, workflow_code: str, version: int) -> None:
        held = self._known(workflow_code, f"delete_version {version}")
        running = {one.version_no for one in self._instances.values() if one.state not in _ENDED}
        if version == held.number or version in running:
            self._refuse(workflow_code, f"delete_version {version}", "50053 the master table is using it")
        held.versions.pop(version, None)
        self._note(workflow_code, f"delete_version {version}")

    # --- people, behind our back -----------------------------------------------------------------

    def edit(self, definition: Definition) -> None:
        """Somebody changes the content in the engine's own pages: a definition that is online goes off for it and
        comes back without its schedule. The marker stays: it is a line of the description."""
        held, self.who = self._held[definition.code], PERSON
        bare = replace(definition, settings=replace(definition.settings, schedule=None))
        held.schedule_online = False
        self._replace(definition.code, held, bare, held.versions[held.number][1], "edit")

    def unmark(self, workflow_code: str) -> None:
        """Somebody tidies the description up."""
        held, self.who = self._held[workflow_code], PERSON
        definition, _, at = held.versions[held.number]
        held.versions[held.number] = (definition, None, at)
        self._note(workflow_code, "unmark")

    def turn(self, workflow_code: str, *, online: bool) -> None:
        """Somebody takes it online or offline."""
        self.who = PERSON
        (self.online if online else self.offline)(workflow_code)

    def reschedule(self, workflow_code: str, schedule: Schedule, *, online: bool) -> None:
        """Somebody sets another cron. Refused while the definition is offline, as everybody is."""
        self.who = PERSON
        self.put_schedule(workflow_code, schedule)
        if online:
            self.schedule_online(workflow_code)

    def silence(self, workflow_code: str, *, online: bool) -> None:
        """Somebody takes the schedule alone offline, or online."""
        self.who = PERSON
        (self.schedule_online if online else self.schedule_offline)(workflow_code)

    def rename(self, workflow_code: str, name: str) -> None:
        """Somebody gives it another name; its code stays."""
        held, self.who = self._held.pop(workflow_code), PERSON
        definition, marker, _ = held.versions[held.number]
        self._held[name] = held
        renamed = replace(definition, settings=replace(definition.settings, code=name))
        self._replace(name, held, renamed, marker, f"rename {workflow_code}")

    def switch(self, workflow_code: str, version: int) -> None:
        """Somebody goes back to another version: it is offline then, and its schedule, which is not told, is not."""
        held, self.who = self._held[workflow_code], PERSON
        held.number, held.online = version, False
        self._note(workflow_code, f"switch to {version}", version=version)

    def remove(self, workflow_code: str) -> None:
        """Somebody deletes it, with all its versions."""
        self.who = PERSON
        del self._held[workflow_code]
        self._note(workflow_code, "remove")

    def draw(self, definition: Definition, marker: Marker | None = None) -> None:
        """Somebody makes a workflow by hand."""
        self.who, code = PERSON, definition.code
        bare = self.shown(definition)
        self._held[code] = _Held(str(9_000 + self._made), 1, {1: (bare, marker, self.now())})
        self._made += 1
        self._note(code, "draw", version=1)

    # --- what it remembers -----------------------------------------------------------------------

    def _replace(self, code: str, held: _Held, bare: Definition, marker: Marker | None, call: str) -> None:
        definition, _, at = held.versions[held.number]
        if definition == bare:
            held.versions[held.number] = (definition, marker, at)
            return self._note(code, call)
        held.number = max(held.versions) + 1
        held.versions[held.number] = (bare, marker, self.now())
        return self._note(code, call, version=held.number)

    def _known(self, workflow_code: str, call: str) -> _Held:
        if workflow_code not in self._held:
            self._refuse(workflow_code, call, "50003 does not exist")
        return self._held[workflow_code]

    def _note(self, code: str, call: str, *, version: int | None = None, refused: str | None = None) -> None:
        self.history.append(Entry(self.now(), self.who, call, refused, version, self.observe(code), code))

    def _refuse(self, code: str, call: str, why: str) -> None:
        self._note(code, call, refused=why)
        raise EngineRejected(f"{why}: {code}", where=f"engine {self.name}", hint="look at it in the engine")

    def _moment(self, at: float) -> datetime:
        return EPOCH + timedelta(seconds=at)


def _renamed(definition: Definition, codes: Mapping[str, str]) -> Definition:
    def named(symbol: Symbol) -> Symbol:
        return {"$task": codes[symbol["$task"]]} if symbol.keys() == {"$task"} else symbol

    tasks = [
        replace(task, code=codes[task.code], extra=pack(replaced(unpack(task.extra), named)))
        for task in definition.tasks
    ]
    edges = [(codes[pre], codes[post]) for pre, post in definition.edges]
    return make(definition.settings, tasks, edges, definition.cross_edges)


def _head(seen: Observed) -> Head:
    told = (seen.definition, seen.schedule, seen.engine_version)
    return Head(seen.engine_workflow_code, seen.engine_version, seen.online, seen.schedule_online, repr(told))
