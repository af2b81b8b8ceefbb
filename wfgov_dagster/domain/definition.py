"""What a workflow is: its settings, its tasks, its edges. Everything in here is content (design rule 4)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Edge = tuple[str, str]  # upstream task code, downstream task code


@dataclass(frozen=True, slots=True, order=True)
class Parameter:
    """A named value that is handed to a task or a whole workflow. `direction` IN or OUT; `type` as the engine's."""

    name: str
    value: str
    direction: str = "IN"
    type: str = "VARCHAR"


@dataclass(frozen=True, slots=True)
class Schedule:
    """`cron` has five fields; `start` and `end` are ISO 8601 instants in UTC, None = open."""

    cron: str
    time_zone: str
    start: str | None = None
    end: str | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """A DAG node. Times in seconds, 0 = none; priority 1 lowest … 5 highest.

    `extra`: what its node type needs beside the other fields, see extra.py.
    """

    code: str
    name: str
    description: str = ""
    type: str = "batch"
    node_type: str = "SQL"
    text: str = ""
    datasource: str | None = None
    parameters: tuple[Parameter, ...] = ()
    resources: tuple[str, ...] = ()
    priority: int = 3
    timeout: int = 0
    retries: int = 0
    retry_interval: int = 0
    flags: tuple[str, ...] = ()
    extra: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """A workflow without its tasks. `failure_strategy` continue or end; `timeout` in seconds, 0 = none."""

    code: str
    name: str
    description: str = ""
    timeout: int = 0
    failure_strategy: str = "continue"
    parameters: tuple[Parameter, ...] = ()
    resources: tuple[str, ...] = ()
    schedule: Schedule | None = None
    worker_group: str = "default"
    tenant: str = "default"
    environment: str = ""
    priority: int = 3


@dataclass(frozen=True, slots=True, order=True)
class CrossEdge:
    """A confirmed dependency on a task of another workflow."""

    upstream_workflow: str
    upstream_task: str
    task: str


@dataclass(frozen=True, slots=True)
class Definition:
    """Tasks sorted by code, edges sorted; `make` sorts."""

    settings: Settings
    tasks: tuple[Task, ...]
    edges: tuple[Edge, ...]
    cross_edges: tuple[CrossEdge, ...] = ()

    @property
    def code(self) -> str:
        return self.settings.code

    def by_code(self) -> Mapping[str, Task]:
        return {task.code: task for task in self.tasks}


def make(
    settings: Settings, tasks: Iterable[Task], edges: Iterable[Edge], cross_edges: Iterable[CrossEdge] = ()
) -> Definition:
    """A definition in the canonical order; the same edge twice is one edge."""
    return Definition(
        settings,
        tuple(sorted(tasks, key=lambda task: task.code)),
        tuple(sorted(set(edges))),
        tuple(sorted(set(cross_edges))),
    )


def entry_tasks(definition: Definition) -> tuple[str, ...]:
    """Codes of the tasks without upstream inside the workflow, sorted."""
    waiting = {post for _, post in definition.edges}
    return tuple(task.code for task in definition.tasks if task.code not in waiting)


def exit_tasks(definition: Definition) -> tuple[str, ...]:
    """Codes of the tasks without downstream inside the workflow, sorted."""
    feeding = {pre for pre, _ in definition.edges}
    return tuple(task.code for task in definition.tasks if task.code not in feeding)
