"""A DolphinScheduler server: the `Engine` port over its REST API."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final
from zoneinfo import ZoneInfo

from pydantic import SecretStr

from wfgov_dagster.domain.definition import Definition, Schedule
from wfgov_dagster.engines.dolphin import cron
from wfgov_dagster.engines.dolphin.connection import Connection
from wfgov_dagster.engines.dolphin.definitions import Definitions
from wfgov_dagster.engines.dolphin.runs import Runs
from wfgov_dagster.engines.dolphin.schedules import Schedules
from wfgov_dagster.engines.dolphin.shown import DEFAULT, Defaults
from wfgov_dagster.engines.dolphin.starts import Starts
from wfgov_dagster.engines.dolphin.times import Clock
from wfgov_dagster.ports.dolphin import DolphinMemory
from wfgov_dagster.ports.engine import EngineVersion, Head, Instance, Marker, Observed, TaskInstance
from wfgov_dagster.ports.publishing import RegisteredEngine

CALL_SECONDS: Final = 20.0


class DolphinEngine:
    """One project of a server. Threads may share it; `close` ends its connections."""

    kind = "dolphin"

    def __init__(
        self,
        registered: RegisteredEngine,
        token: Callable[[], SecretStr],
        memory: DolphinMemory,
        call_seconds: float = CALL_SECONDS,
    ) -> None:
        """Raises EngineRejected for a URL that is none. Nothing is asked of the server yet."""
        self.name = registered.name
        self._connection = Connection(registered, token, call_seconds)
        self._defaults = Defaults(registered.tenant or DEFAULT, registered.worker_group or DEFAULT)
        clock = Clock(ZoneInfo(registered.time_zone or "UTC"))
        self._definitions = Definitions(self._connection, memory, self._defaults, clock)
        self._schedules = Schedules(self._connection, self._definitions, memory, self._defaults)
        self._runs = Runs(self._connection, self._definitions, memory, clock)
        self._starts = Starts(self._connection, self._definitions, self._runs, memory, self._defaults)

    def close(self) -> None:
        self._connection.close()

    def observe(self, workflow_code: str) -> Observed | None:
        return self._definitions.observe(workflow_code)

    def heads(self) -> Mapping[str, Head]:
        return self._definitions.heads()

    def shown(self, definition: Definition) -> Definition:
        return self._definitions.shown(definition)

    def adopt(self, workflow_code: str, task_codes: Mapping[str, str]) -> None:
        self._definitions.adopt(workflow_code, task_codes)

    def shown_schedule(self, schedule: Schedule) -> Schedule:
        return cron.shown(schedule)

    def deploy(self, definition: Definition, marker: Marker) -> None:
        self._definitions.deploy(definition, marker)

    def online(self, workflow_code: str) -> None:
        self._schedules.turn_workflow(workflow_code, online=True)

    def offline(self, workflow_code: str) -> None:
        self._schedules.turn_workflow(workflow_code, online=False)

    def put_schedule(self, workflow_code: str, schedule: Schedule | None) -> None:
        self._schedules.put(workflow_code, schedule)

    def schedule_online(self, workflow_code: str) -> None:
        self._schedules.turn(workflow_code, online=True)

    def schedule_offline(self, workflow_code: str) -> None:
        self._schedules.turn(workflow_code, online=False)

    def start(self, workflow_code: str, request_key: str, started_by: str) -> str:
        return self._starts.start(workflow_code, request_key, started_by)

    def stop(self, instance_id: str) -> None:
        self._runs.stop(instance_id)

    def instances(self, workflow_code: str | None, limit: int) -> Sequence[Instance]:
        return self._runs.instances(workflow_code, limit)

    def instance(self, instance_id: str) -> Instance:
        return self._runs.instance(instance_id)

    def task_instances(self, instance_id: str) -> Sequence[TaskInstance]:
        return self._runs.task_instances(instance_id)

    def task_log(self, instance_id: str, task_code: str, max_bytes: int) -> str:
        return self._runs.task_log(instance_id, task_code, max_bytes)

    def pages(self, engine_workflow_code: str, instance_id: str | None = None) -> str | None:
        return self._connection.page(engine_workflow_code, instance_id)

    def versions(self, workflow_code: str) -> Sequence[EngineVersion]:
        return self._definitions.versions(workflow_code)

    def delete_version(self, workflow_code: str, version: int) -> None:
        self._runs.delete_version(workflow_code, version)
