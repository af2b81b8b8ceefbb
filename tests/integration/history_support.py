"""An engine over a network that counts what it is asked, with the history of two workflows and a stranger's."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from wfgov_dagster.engines.dolphin.pages import page_url
from wfgov_dagster.errors import EngineError, EngineRejected
from wfgov_dagster.ports.engine import Instance, TaskInstance
from wfgov_dagster.ports.publishing import RegisteredEngine
from wfgov_dagster.store.db import Database
from wfgov_dagster.store.schema.instances import engine_deployment_version
from wfgov_dagster.store.schema.publish import engine_deployment
from wfgov_dagster.store.schema.workflow import data_workflow, workflow_version
from wfgov_dagster.store.store import SqlStore
from wfgov_dagster.usecases.sync_history import SyncReport, sync_history

NAME = "ds"
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
BASE = "http://ds.example:12345/dolphinscheduler"


@dataclass
class CountingEngine:
    """`calls`: name → how often. `down`: what every call is answered with. Only what the cache asks is there."""

    name: str = NAME
    kind: str = "dolphin"
    calls: Counter[str] = field(default_factory=Counter)
    down: EngineError | None = None
    rows: dict[str, Instance] = field(default_factory=dict)
    of_tasks: dict[str, list[TaskInstance]] = field(default_factory=dict)

    # --- what happens there ----------------------------------------------------------------------

    def ran(self, code: str, state: str = "success", *tasks: str, version: int = 1) -> str:
        """One more instance, a minute after the one before; `tasks`: `code=state`, by the engine's codes."""
        number = str(len(self.rows) + 1)
        began = NOON + timedelta(minutes=int(number))
        self.rows[number] = Instance(
            number, f"named {code}", None, state, "schedule", "ann", began, began,
            None if state == "running" else began + timedelta(seconds=30), None, f"e-{code}", version,
        )  # fmt: skip
        pairs = [one.split("=") for one in tasks]
        self.of_tasks[number] = [
            TaskInstance(code, how, 1, 3 if how == "failed" else 0, began, began + timedelta(seconds=20))
            for code, how in pairs
        ]
        return number

    def ends(self, number: str, state: str, *, run: int = 1) -> None:
        ended = self.rows[number].submitted_at + timedelta(hours=run)
        self.rows[number] = replace(self.rows[number], state=state, ended_at=ended, run=run)

    def purge(self) -> None:
        self.rows.clear()

    # --- the port --------------------------------------------------------------------------------

    def instances(self, workflow_code: str | None, limit: int) -> Sequence[Instance]:
        self._count("instances")
        assert workflow_code is None, "never one call a workflow"
        return list(reversed(self.rows.values()))[:limit]

    def instance(self, instance_id: str) -> Instance:
        self._count("instance")
        if instance_id not in self.rows:
            raise EngineRejected("50001 no such instance", where=f"engine {self.name}")
        return self.rows[instance_id]

    def task_instances(self, instance_id: str) -> Sequence[TaskInstance]:
        self._count("task_instances")
        return self.of_tasks[instance_id]

    def pages(self, engine_workflow_code: str, instance_id: str | None = None) -> str | None:
        return page_url(BASE, 77, engine_workflow_code, instance_id)

    def _count(self, name: str) -> None:
        self.calls[name] += 1
        if self.down is not None:
            raise self.down


class Bureau:
    """A store with an engine over a network, on which workflows were deployed."""

    def __init__(self, database: Database, *codes: str) -> None:
        self.database = database
        self.store = SqlStore(database)
        self.engine = CountingEngine()
        with self.store.write() as work:
            work.publishing.add_engine(NAME, "dolphin")
            (registered,) = work.publishing.engines()
            row = {"origin": "declared", "created_by": "ann", "updated_by": "ann"}
            work.workflows.create([row | {"workflow_code": code, "workflow_name": code} for code in codes])
        self.registered: RegisteredEngine = registered
        self.deploy(*codes)

    def deploy(self, *codes: str) -> None:
        """V1 is the engine's version 1; task `t` is `e-t` there."""
        with self.database.write() as conn:
            ids = dict(conn.execute(sa.select(data_workflow.c.workflow_code, data_workflow.c.id)).all())
            for code in codes:
                version = {"workflow_id": ids[code], "version_no": 1, "structure_snapshot": "{}", "change_summary": "",
                           "content_hash": "w1:0", "functional_hash": "w1:0", "trigger_source": "manual",
                           "created_by": "ann"}  # fmt: skip
                made = sa.insert(workflow_version).values(version).returning(workflow_version.c.id)
                version_id = conn.execute(made).scalar_one()
                this = {"engine_id": self.registered.id, "workflow_id": ids[code], "version_id": version_id}
                codes_of_tasks = '{"t": "e-t", "u": "e-u"}'
                held = {
                    "content_hash": "w1:0",
                    "engine_workflow_code": f"e-{code}",
                    "engine_task_codes": codes_of_tasks,
                }
                conn.execute(sa.insert(engine_deployment).values(this | held))
                conn.execute(sa.insert(engine_deployment_version).values(this | {"engine_version": 1}))

    def sync(self, actor: str = "system", **more: Any) -> SyncReport:
        self.engine.calls.clear()
        return sync_history(self.store, lambda _: self.engine, actor, NAME, **more)  # type: ignore[arg-type, return-value]

    def kept(self, code: str | None = None) -> dict[str, str]:
        """Instance id → state, the newest first."""
        with self.store.read() as work:
            rows = work.instances.list(self.registered.id, code, 10_000)
        return {one.instance.instance_id: one.instance.state for one in rows}

    def alerts(self) -> list[Any]:
        with self.store.read() as work:
            return list(reversed(work.alerts.list(1000)))
