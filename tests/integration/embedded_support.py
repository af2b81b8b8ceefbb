"""One embedded engine with everything that runs its instances, and a runner process of its own."""

import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from wfgov_dagster.domain.definition import Edge, Settings, Task, make
from wfgov_dagster.engines.embedded.engine import EmbeddedEngine
from wfgov_dagster.engines.embedded.run import Host, TaskEvent, run_instance
from wfgov_dagster.ports.engine import Instance, Marker, TaskInstance
from wfgov_dagster.runners.duckdb_sql import DuckDbRunner
from wfgov_dagster.runners.python import python_runner
from wfgov_dagster.runners.shell import shell_runner
from wfgov_dagster.store.db import Database
from wfgov_dagster.store.embedded import SqlEmbeddedStore


@dataclass
class Workshop:
    """`home` holds data and logs."""

    url: str
    home: Path
    heartbeat_seconds: float = 0.2
    events: list[TaskEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.database = Database(self.url)
        self.store = SqlEmbeddedStore(self.database)
        self.engine = EmbeddedEngine("embedded", self.store, self.home / "logs")
        self.data = self.home / "data"

    def host(self, slots: int = 2) -> Host:
        runners = [DuckDbRunner(self.data), shell_runner(self.data), python_runner(self.data)]
        return Host(runners, self.home / "logs", slots, self.heartbeat_seconds, self.events.append)

    def submit(self, tasks: Iterable[Task], edges: Iterable[Edge] = (), settings: Settings | None = None) -> str:
        definition = make(settings or Settings("w", "w"), tasks, edges)
        if self.engine.observe(definition.code) is not None:
            self.engine.offline(definition.code)
        self.engine.deploy(definition, Marker(definition.code, 1, "w1:0"))
        self.engine.online(definition.code)
        return self.engine.start(definition.code, f"key-{time.monotonic_ns()}", "ann")

    def run(self, tasks: Iterable[Task], edges: Iterable[Edge] = (), settings: Settings | None = None) -> str:
        """Runs it here to its end; returns the instance's id."""
        instance_id = self.submit(tasks, edges, settings)
        run_instance(self.store, self.host(), int(instance_id), f"run-{instance_id}")
        return instance_id

    def instance(self, instance_id: str) -> Instance:
        found = self.store.instance("embedded", int(instance_id))
        assert found is not None
        return found

    def tasks(self, instance_id: str) -> dict[str, TaskInstance]:
        return {task.task_code: task for task in self.engine.task_instances(instance_id)}

    def states(self, instance_id: str) -> dict[str, str]:
        return {code: task.state for code, task in self.tasks(instance_id).items()}

    def log(self, instance_id: str, code: str) -> str:
        return self.engine.task_log(instance_id, code, 100_000)


def shell(code: str, text: str = "true", **more: int) -> Task:
    return Task(code, code, node_type="SHELL", text=text, **more)  # type: ignore[arg-type]


def until(true: Callable[[], object], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """A zombie is not: in a container nobody may reap what lost its parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


if __name__ == "__main__":  # URL HOME INSTANCE RUN: a runner in a process of its own
    done = run_instance(
        (shop := Workshop(sys.argv[1], Path(sys.argv[2]))).store, shop.host(), int(sys.argv[3]), sys.argv[4]
    )
    sys.exit(0 if done else 9)
