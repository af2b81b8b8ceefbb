"""Doors to what runs things: tasks (Runner), Dagster jobs (Runs), and time (Clock)."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from wfgov_dagster.domain.alert import Alert
from wfgov_dagster.domain.definition import Task


class Clock(Protocol):
    def now(self) -> datetime:
        """Aware UTC."""


@dataclass(frozen=True, slots=True)
class TaskResult:
    """`exit_code` 0 = success. `error` is one line for people; the log has the rest."""

    exit_code: int
    error: str | None = None
    timed_out: bool = False
    stopped: bool = False


class Runner(Protocol):
    """Executes one task, in a process of its own. Never raises for what the task does: that is in the result."""

    def node_types(self) -> frozenset[str]:
        """Which `Task.node_type` it takes."""

    def exclusive(self, task: Task) -> str | None:
        """Two tasks with the same text never run at the same time (a DuckDB file takes one process); None = free."""

    def run(self, task: Task, log: Path, should_stop: Callable[[], bool]) -> TaskResult:
        """Blocks until the task has ended, its time-out is over, or `should_stop` says so; its whole process group
        is gone then. Appends what it prints to `log`."""


class Runs(Protocol):
    """Dagster's runs, whoever starts them."""

    def start(self, job: str, config: Mapping[str, object], tags: Mapping[str, str]) -> str:
        """Start `job`; returns its run id. The run is in Dagster's history either way.

        Raises Conflict when neither a webserver nor a child process can take it.
        """

    def wait(self, run_id: str, timeout_seconds: float) -> str:
        """Dagster's word (SUCCESS, FAILURE, CANCELED …) once it has ended, or the present one at the time-out."""


class Notifier(Protocol):
    """A channel that alerts go to."""

    @property
    def name(self) -> str: ...

    def notify(self, alert: Alert, count: int) -> None:
        """`count`: faults that the alert speaks for. Raises NotDelivered and nothing else; then it may or may not have
        got there."""


class Meter(Protocol):
    def measure(self, name: str) -> AbstractContextManager[None]:
        """Count a call and the time it takes, and whether it raised."""


class Holders(Protocol):
    """Names of those who hold leases. From a name it can be seen, on the same machine, whether its process lives."""

    def new(self) -> str:
        """A name that nobody else has, for one of this process."""

    def is_dead(self, holder: str) -> bool:
        """True only if it is sure: its process was on this machine and is gone."""
