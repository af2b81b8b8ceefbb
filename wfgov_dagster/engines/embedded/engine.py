"""The engine that needs nothing but Python and a database: the `Engine` port over `EmbeddedStore`."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from wfgov_dagster.domain import cron, execution
from wfgov_dagster.domain.definition import Definition, Schedule
from wfgov_dagster.domain.publish import bare
from wfgov_dagster.domain.snapshot import digest, document, parse, schedule_body
from wfgov_dagster.errors import (
    Conflict,
    DatabaseBusy,
    DatabaseMissing,
    EngineRejected,
    EngineUnreachable,
    InvalidInput,
    OutcomeUnknown,
    StoreError,
)
from wfgov_dagster.ports.embedded import EmbeddedStore
from wfgov_dagster.ports.engine import EngineVersion, Head, Instance, Marker, Observed, TaskInstance

_LONGEST_KEY = 100  # what a caller makes up has to fit its column
_LARGEST_ID = 2**63 - 1


class EmbeddedEngine:
    """`log_root`: where whoever runs its instances writes their logs."""

    kind = "embedded"

    def __init__(self, name: str, store: EmbeddedStore, log_root: Path) -> None:
        self.name = name
        self._store = store
        self._log_root = log_root

    # --- definitions -----------------------------------------------------------------------------

    def observe(self, workflow_code: str) -> Observed | None:
        with self._reading():
            held = self._store.workflow(self.name, workflow_code)
        if held is None:
            return None
        definition = parse(held.document)
        return Observed(
            definition=definition,
            online=held.online,
            schedule=held.schedule,
            schedule_online=held.schedule_online,
            engine_workflow_code=held.workflow_code,
            engine_version=held.version,
            marker=held.marker,
            engine_task_codes={task.code: task.code for task in definition.tasks},
        )

    def heads(self) -> Mapping[str, Head]:
        with self._reading():
            held = self._store.workflows(self.name)
        return {
            one.workflow_code: Head(
                one.workflow_code, one.version, one.online, one.schedule_online, _revision(one.document, one.schedule)
            )
            for one in held
        }

    def shown(self, definition: Definition) -> Definition:
        return bare(definition)

    def adopt(self, workflow_code: str, task_codes: Mapping[str, str]) -> None:
        renamed = sorted(engine for ours, engine in task_codes.items() if ours != engine)
        if renamed:
            what = f"tasks of workflow {workflow_code} have codes that other tasks have: {', '.join(renamed)}"
            raise self._no(what, "rename them on the engine")

    def shown_schedule(self, schedule: Schedule) -> Schedule:
        return schedule

    def deploy(self, definition: Definition, marker: Marker) -> None:
        with self._writing():
            execution.check(definition)
            kept = document(self.shown(definition)).decode()
            if not self._store.hold(self.name, definition.code, kept, marker):
                raise self._no(f"workflow {definition.code} is online", "take it offline first")

    def online(self, workflow_code: str) -> None:
        with self._writing():
            if not self._store.set_online(self.name, workflow_code, online=True):
                raise self._unknown(workflow_code)

    def offline(self, workflow_code: str) -> None:
        with self._writing():
            if not self._store.set_online(self.name, workflow_code, online=False):
                raise self._unknown(workflow_code)

    def versions(self, workflow_code: str) -> Sequence[EngineVersion]:
        with self._reading():
            return self._store.versions(self.name, workflow_code)

    def delete_version(self, workflow_code: str, version: int) -> None:
        with self._writing():
            if not self._store.forget_version(self.name, workflow_code, version):
                why = f"version {version} of workflow {workflow_code} is the current one, or an instance is running it"
                raise self._no_for(workflow_code, why, "deploy another version, or wait until it has ended")

    # --- schedules -------------------------------------------------------------------------------

    def put_schedule(self, workflow_code: str, schedule: Schedule | None) -> None:
        with self._writing():
            if schedule is not None:
                cron.check_schedule(schedule)
            if not self._store.put_schedule(self.name, workflow_code, schedule):
                raise self._no_for(workflow_code, f"workflow {workflow_code} is offline", "take it online first")

    def schedule_online(self, workflow_code: str) -> None:
        with self._writing():
            if not self._store.set_schedule_online(self.name, workflow_code, online=True):
                why = f"workflow {workflow_code} is offline or has no schedule"
                raise self._no_for(workflow_code, why, "take it online and give it a schedule first")

    def schedule_offline(self, workflow_code: str) -> None:
        with self._writing():
            if not self._store.set_schedule_online(self.name, workflow_code, online=False):
                raise self._no_for(workflow_code, f"workflow {workflow_code} has no schedule", "give it one first")

    # --- instances -------------------------------------------------------------------------------

    def start(self, workflow_code: str, request_key: str, started_by: str) -> str:
        with self._writing():
            for what, text in (("request key", request_key), ("who starts it", started_by)):
                if len(text) > _LONGEST_KEY:
                    raise self._no(f"{what} has {len(text)} characters", f"at most {_LONGEST_KEY}")
            instance_id = self._store.submit(self.name, workflow_code, request_key, started_by)
            if instance_id is None:
                raise self._no_for(workflow_code, f"workflow {workflow_code} is offline", "take it online first")
            return str(instance_id)

    def stop(self, instance_id: str) -> None:
        with self._writing():
            self._store.request_stop(self._known(instance_id))

    def instances(self, workflow_code: str | None, limit: int) -> Sequence[Instance]:
        with self._reading():
            return self._store.instances(self.name, workflow_code, limit)

    def instance(self, instance_id: str) -> Instance:
        with self._reading():
            return self._known_instance(instance_id)

    def task_instances(self, instance_id: str) -> Sequence[TaskInstance]:
        with self._reading():
            return self._store.task_instances(self._known(instance_id))

    def task_log(self, instance_id: str, task_code: str, max_bytes: int) -> str:
        with self._reading():
            known = self._known(instance_id)
            if task_code not in {task.task_code for task in self._store.task_instances(known)}:
                raise self._no(f"instance {instance_id} has no task {task_code!r}", "see its list of tasks")
            path = self._store.log_path(known, task_code)
        return "" if path is None else tail(self._log_root / path, max_bytes)

    # --- answers ---------------------------------------------------------------------------------

    def _known_instance(self, instance_id: str) -> Instance:
        number = int(instance_id) if instance_id.isascii() and instance_id.isdigit() else _LARGEST_ID + 1
        found = None if number > _LARGEST_ID else self._store.instance(self.name, number)
        if found is None:
            raise self._no(f"instance {instance_id} is unknown", "see its list of instances")
        return found

    def _known(self, instance_id: str) -> int:
        return int(self._known_instance(instance_id).instance_id)

    def _no(self, what: str, hint: str) -> EngineRejected:
        return EngineRejected(what, where=f"engine {self.name}", hint=hint)

    def _unknown(self, workflow_code: str) -> EngineRejected:
        return self._no(f"workflow {workflow_code} is unknown", "deploy it first")

    def _no_for(self, workflow_code: str, what: str, hint: str) -> EngineRejected:
        """`what`, unless the workflow is not there at all."""
        held = self._store.workflow(self.name, workflow_code)
        return self._unknown(workflow_code) if held is None else self._no(what, hint)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Its database is its server: what goes wrong with it is said in an engine's words."""
        try:
            yield
        except InvalidInput as exc:
            raise EngineRejected(str(exc), where=f"engine {self.name}", hint=exc.hint) from exc
        except StoreError as exc:
            raise EngineUnreachable(str(exc), where=f"engine {self.name}", hint=exc.hint) from exc

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except (InvalidInput, Conflict) as exc:
            raise EngineRejected(str(exc), where=f"engine {self.name}", hint=exc.hint) from exc
        except (DatabaseBusy, DatabaseMissing) as exc:
            raise EngineUnreachable(str(exc), where=f"engine {self.name}", hint=exc.hint) from exc
        except StoreError as exc:  # a connection lost at the commit: done or not
            raise OutcomeUnknown(str(exc), where=f"engine {self.name}", hint="observe it before the next try") from exc


def _revision(held: str, schedule: Schedule | None) -> str:
    return digest(held.encode() + schedule_body(schedule))


def tail(file: Path, max_bytes: int) -> str:
    """The end of a text file that may still grow; begins with a whole character. Empty if there is no file."""
    try:
        with file.open("rb") as opened:
            size = opened.seek(0, 2)
            opened.seek(max(0, size - max_bytes))
            found = opened.read(max(0, max_bytes))
    except FileNotFoundError:
        return ""
    return found.decode(errors="replace").replace("\N{REPLACEMENT CHARACTER}", "?")  # one byte for at least one
