"""An embedded engine whose schedules fire at times that a test tells, and what fired."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson
import sqlalchemy as sa

from tests.integration.embedded_support import shell
from wfgov_dagster.domain.definition import Schedule, Settings, make
from wfgov_dagster.domain.firing import first_fire
from wfgov_dagster.domain.snapshot import schedule_body
from wfgov_dagster.engines.embedded.engine import EmbeddedEngine
from wfgov_dagster.engines.embedded.fire import fire_due
from wfgov_dagster.ports.embedded import Fired, FireReport
from wfgov_dagster.ports.engine import Instance, Marker
from wfgov_dagster.store.db import Database
from wfgov_dagster.store.embedded import SqlEmbeddedStore
from wfgov_dagster.store.schema.embedded import embedded_fire, embedded_instance, embedded_workflow


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class HookedDatabase(Database):
    """Calls `hook` in the last moment before a commit and in the first one after."""

    hook: Callable[[], None] = staticmethod(lambda: None)

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        with super().write() as conn:
            yield conn
            self.hook()
        self.hook()


@dataclass
class Belfry:
    url: str

    def __post_init__(self) -> None:
        self.database = HookedDatabase(self.url)
        self.store = SqlEmbeddedStore(self.database)
        self.engine = EmbeddedEngine("embedded", self.store, Path())

    def schedule(self, schedule: Schedule, armed_at: str, code: str = "w") -> None:
        """Online, and its schedule too, as if that had been said at `armed_at`."""
        self.engine.deploy(make(Settings(code, code), [shell("a"), shell("b")], [("a", "b")]), Marker(code, 1, "w1:0"))
        self.engine.online(code)
        self.change(schedule, armed_at, code)

    def change(self, schedule: Schedule, armed_at: str, code: str = "w") -> None:
        self.engine.put_schedule(code, schedule)
        self.engine.schedule_online(code)
        self.set(code, next_fire_at=first_fire(schedule, utc(armed_at)))

    def set(self, code: str = "w", **values: object) -> None:
        with self.database.write() as conn:
            at = embedded_workflow.c.workflow_code == code
            conn.execute(sa.update(embedded_workflow).where(at).values(**values))

    def put_unreadable(self, code: str, zone: str) -> None:
        """What was a good zone when it was put, and is none now."""
        self.set(code, schedule=schedule_body(Schedule("* * * * *", zone)).decode())

    def tick(self, now: str | datetime) -> FireReport:
        return fire_due(self.store, utc(now) if isinstance(now, str) else now)

    def fired(self, now: str | datetime) -> list[str]:
        return [f"{one.scheduled_at:%m-%d %H:%M}" for one in self.tick(now).fired]

    def next_fire_at(self, code: str = "w") -> datetime | None:
        with self.database.read() as conn:
            return conn.execute(
                sa.select(embedded_workflow.c.next_fire_at).where(embedded_workflow.c.workflow_code == code)
            ).scalar_one()

    def fires(self, code: str = "w") -> list[tuple[datetime, int]]:
        """(scheduled at, skipped) of each fire that has an instance with its key, trigger and tasks."""
        f, i = embedded_fire.c, embedded_instance.c
        query = (
            sa.select(f.scheduled_at, f.skipped, i.request_key, i.trigger, i.started_by)
            .join(embedded_instance, i.id == f.instance_id)
            .where(f.workflow_code == code)
            .order_by(f.id)
        )
        with self.database.read() as conn:
            rows = conn.execute(query).all()
        for at, _skipped, key, trigger, by in rows:
            assert (key, trigger, by) == (f"schedule:{at:%Y-%m-%dT%H:%M:%SZ}", "schedule", "system")
        return [(row[0], row[1]) for row in rows]

    def instances(self, code: str = "w") -> list[Instance]:
        return list(self.engine.instances(code, 100_000))

    def check(self, code: str = "w") -> None:
        """As many instances as fires, none twice, each with its tasks."""
        fires, instances = self.fires(code), self.instances(code)
        assert len({at for at, _ in fires}) == len(fires) == len(instances)
        assert all(len(self.store.task_instances(int(one.instance_id))) == 2 for one in instances)


def as_line(one: Fired) -> bytes:
    return orjson.dumps([one.workflow_code, one.scheduled_at.isoformat(), one.skipped])


if __name__ == "__main__":  # URL NOW …: a firing process of its own, which fires at each of these times
    belfry = Belfry(sys.argv[1])
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    for now in sys.argv[2:]:
        for one in belfry.tick(now).fired:
            sys.stdout.buffer.write(as_line(one) + b"\n")
    sys.stdout.flush()
