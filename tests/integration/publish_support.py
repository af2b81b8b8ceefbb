"""One installation that publishes: a store, an embedded engine that can be told to fail, and what a person would do."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
import sqlalchemy as sa

from tests.doubles.engine import FaultyEngine
from tests.support.size import size
from wfgov_dagster.domain.definition import Definition, Schedule, Settings, Task, make
from wfgov_dagster.domain.publish import Operation
from wfgov_dagster.domain.snapshot import hashes
from wfgov_dagster.domain.version import Draft
from wfgov_dagster.engines.embedded.engine import EmbeddedEngine
from wfgov_dagster.ports.engine import Engine, Observed
from wfgov_dagster.store.clock import db_now
from wfgov_dagster.store.db import Database
from wfgov_dagster.store.embedded import SqlEmbeddedStore
from wfgov_dagster.store.schema.embedded import embedded_workflow, embedded_workflow_version
from wfgov_dagster.store.schema.publish import (
    engine_breaker,
    engine_lease,
    publish_step,
    workflow_publish_record,
)
from wfgov_dagster.store.schema.types import metadata
from wfgov_dagster.store.store import SqlStore, SqlWork
from wfgov_dagster.usecases.engines import ensure_embedded
from wfgov_dagster.usecases.publish import drive
from wfgov_dagster.usecases.publisher import Done, Limits, Publisher
from wfgov_dagster.usecases.request_publish import Request, request
from wfgov_dagster.usecases.save import (
    Relations,
    save_task_definitions,
    save_task_relations,
    save_workflow_definition,
)

_MOMENTS: tuple[sa.Column[Any], ...] = (
    engine_lease.c.until,
    engine_lease.c.swept_at,
    publish_step.c.ended_at,
    workflow_publish_record.c.round_at,
    engine_breaker.c.open_until,
    engine_breaker.c.probing_until,
)
# For rules that the use cases alone decide: on both databases only in the large size.
DATABASES = ["sqlite_url", *size([], [pytest.param("postgres_url", marks=pytest.mark.postgresql)])]
NIGHTLY = Schedule("30 2 * * *", "Europe/Berlin")
MORNING = Schedule("0 6 * * 1-5", "Asia/Shanghai")


def a_definition(code: str = "w", text: str = "echo 1", schedule: Schedule | None = NIGHTLY) -> Definition:
    tasks = [
        Task(f"{code}.extract", "Extract", node_type="SHELL", text=text),
        Task(f"{code}.load", "装载", node_type="SHELL"),
    ]
    return make(Settings(code, f"Workflow {code}", schedule=schedule), tasks, [(f"{code}.extract", f"{code}.load")])


class WatchedStore:
    """Calls `hook` in the last moment before a commit and in the first one after; knows what is open."""

    def __init__(self, inner: SqlStore) -> None:
        self._inner = inner
        self.hook: Callable[[], None] = lambda: None
        self.open = 0

    @contextmanager
    def read(self) -> Iterator[SqlWork]:
        with self._counted(), self._inner.read() as work:
            yield work

    @contextmanager
    def write(self) -> Iterator[SqlWork]:
        with self._counted(), self._inner.write() as work:
            yield work
            self.hook()
        self.hook()

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self.open += 1
        try:
            yield
        finally:
            self.open -= 1


class Office:
    """Every publish has a holder of its own, as every process would."""

    def __init__(self, database: Database, **limits: float) -> None:
        self.database = database
        self.store = WatchedStore(SqlStore(database))
        self.inner: Engine = EmbeddedEngine("embedded", SqlEmbeddedStore(database), Path())
        self.engine = FaultyEngine(self.inner)
        self.limits = replace(Limits(), **limits)  # type: ignore[arg-type]
        self.sleeps: list[float] = []
        self.on_sleep: Callable[[], None] = lambda: None
        self._holders = 0
        ensure_embedded(self.store, "system")

    # --- versions --------------------------------------------------------------------------------

    def create(self, code: str, status: str = "ready") -> None:
        row = {"workflow_code": code, "workflow_name": code, "origin": "declared", "created_by": "ann"}
        with self.store.write() as work:
            work.workflows.create([row | {"updated_by": "ann", "status": status}])

    def save(self, definition: Definition) -> int:
        """The next version of its workflow, which is made if need be."""
        found = self.workflow(definition.code)
        if found is None:
            self.create(definition.code)
            found = self.workflow(definition.code)
        assert found is not None
        with self.store.write() as work:
            draft = Draft(found["id"], definition, hashes(definition), "told", "manual")
            versions = save_task_definitions(work, "ann", definition.tasks)
            number = save_workflow_definition(work, "ann", [draft], versions)[definition.code]
            save_task_relations(work, "ann", [Relations(definition.code, number, definition.edges)], versions)
            return number

    # --- publishing ------------------------------------------------------------------------------

    def publisher(self, **limits: float) -> Publisher:
        self._holders += 1
        chosen = replace(self.limits, **limits)  # type: ignore[arg-type]
        return Publisher(self.store, lambda _: self.engine, f"holder {self._holders}", lambda: 1.0, chosen)

    def ask(self, operation: str, code: str = "w", version_no: int | None = None, engine: str = "embedded") -> int:
        return request(self.store, "ann", Request(code, Operation(operation), engine, version_no))

    def drive(self, record_id: int, **limits: float) -> Done:
        return drive(self.publisher(**limits), record_id, self._sleep)

    def publish(self, operation: str, code: str = "w") -> Done:
        return self.drive(self.ask(operation, code))

    def _sleep(self, seconds: float) -> None:
        if seconds:
            self.sleeps.append(seconds)
            self.pass_time(seconds)
            self.on_sleep()

    # --- what happens meanwhile ------------------------------------------------------------------

    def pass_time(self, seconds: float) -> None:
        """For the protocol it is so much later: everything that it compares with the database's clock is older."""
        with self.database.write() as conn:
            for column in _MOMENTS:
                shifted = f"strftime('%Y-%m-%d %H:%M:%f', {column.name}, :by) || '000'"
                if not self.database.is_sqlite:
                    shifted = f"{column.name} + CAST(:by AS interval)"
                update = f"UPDATE {column.table.name} SET {column.name} = {shifted} WHERE {column.name} IS NOT NULL"
                conn.execute(sa.text(update), {"by": f"-{seconds:f} seconds"})

    def lapse(self) -> None:
        """The lease of whoever died runs out."""
        with self.database.write() as conn:
            conn.execute(sa.update(engine_lease).where(engine_lease.c.until > db_now()).values(until=db_now(-1)))

    def age_steps(self, seconds: float) -> None:
        """Every write ended so many seconds ago."""
        with self.database.write() as conn:
            conn.execute(sa.update(publish_step).values(ended_at=db_now(-seconds)))

    def remove_from_engine(self, code: str = "w") -> None:
        with self.database.write() as conn:
            identity = conn.scalar(
                sa.delete(embedded_workflow)
                .where(embedded_workflow.c.workflow_code == code)
                .returning(embedded_workflow.c.id)
            )
            kept = embedded_workflow_version
            conn.execute(sa.delete(kept).where(kept.c.workflow_id == identity))

    # --- what is there ---------------------------------------------------------------------------

    def seen(self, code: str = "w") -> Observed:
        found = self.inner.observe(code)
        assert found is not None
        return found

    def state(self, code: str = "w") -> tuple[str, bool, Schedule | None, bool]:
        """Text of its first task, online, schedule, schedule online."""
        found = self.seen(code)
        return found.definition.tasks[0].text, found.online, found.schedule, found.schedule_online

    def rows(self, table: str, **equal: object) -> list[dict[str, Any]]:
        """In the order of the primary key; `equal`: columns and what they must hold."""
        found = metadata.tables[table]
        query = sa.select(found).filter_by(**equal).order_by(*found.primary_key)
        with self.database.read() as conn:
            return [dict(row) for row in conn.execute(query).mappings()]

    def row(self, table: str) -> dict[str, Any]:
        (found,) = self.rows(table)
        return found

    def workflow(self, code: str = "w") -> dict[str, Any] | None:
        return next(iter(self.rows("data_workflow", workflow_code=code)), None)

    def record(self, record_id: int) -> dict[str, Any]:
        (row,) = self.rows("workflow_publish_record", id=record_id)
        texts = {name: orjson.loads(row[name]) for name in ("found", "desired", "log") if row[name] is not None}
        return row | texts

    def steps(self, record_id: int) -> list[tuple[str, str | None]]:
        return [(row["step"], row["outcome"]) for row in self.rows("publish_step", record_id=record_id)]

    def audit(self) -> list[tuple[str, str, str]]:
        rows = self.rows("workflow_operation_log")
        return [(row["action"], row["object_code"], row["outcome"]) for row in rows if row["action"] == "publish"]


@contextmanager
def office_between_versions(url: str) -> Iterator[Office]:
    """V1 is online and fires every night; V2 has other content and another schedule."""
    database = Database(url)
    office = Office(database)
    office.save(a_definition(schedule=NIGHTLY))
    office.publish("deploy")
    office.publish("online")
    office.save(a_definition(text="echo new", schedule=MORNING))
    office.engine.writes.clear()
    yield office
    database.dispose()
