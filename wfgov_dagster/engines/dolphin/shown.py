"""What the server can hold of a definition: `shown` is what is read back once it is there.

Kept in whole minutes, rounded up: time-outs, waits between retries. Not kept: the workflow's own name (the server's
name of it is the workflow's code), its resources, flags, data sources of tasks that are no SQL, what is too long of
its description. Its tenant and worker group "default" are those of the registered engine.
"""

from dataclasses import dataclass, replace
from typing import Final

from wfgov_dagster.domain.definition import Definition, Settings, Task, make
from wfgov_dagster.domain.extra import unpack
from wfgov_dagster.engines.dolphin import marks
from wfgov_dagster.engines.dolphin.nodes import NODE, WITH_DATASOURCE

DEFAULT: Final = "default"
MINUTE: Final = 60


@dataclass(frozen=True, slots=True)
class Defaults:
    """What "default" is on this engine."""

    tenant: str = DEFAULT
    worker_group: str = DEFAULT


def shown(definition: Definition, defaults: Defaults) -> Definition:
    settings = definition.settings
    settings = replace(
        settings,
        name=settings.code,
        timeout=up(settings.timeout),
        parameters=tuple(sorted(settings.parameters)),
        resources=(),
        schedule=None,
        worker_group=_default(settings.worker_group, defaults.worker_group),
        tenant=_default(settings.tenant, defaults.tenant),
    )
    tasks = [_task(task) for task in definition.tasks]
    words = words_of(settings, tasks, holds_tenant=False)
    settings = replace(settings, description=marks.cut(settings.description, words))
    return make(settings, tasks, definition.edges)


def words_of(settings: Settings, tasks: "list[Task] | tuple[Task, ...]", *, holds_tenant: bool) -> dict[str, str]:
    """What the line in the description has to hold. `holds_tenant`: the definition has a field for it."""
    words = {}
    if settings.failure_strategy != "continue":
        words["failure"] = settings.failure_strategy
    if settings.priority != 3:
        words["priority"] = str(settings.priority)
    if settings.tenant != DEFAULT and not holds_tenant:
        words["tenant"] = settings.tenant
    own = [unpack(task.extra).get(NODE, {}) for task in tasks]
    if settings.worker_group != DEFAULT and any("workerGroup" in one for one in own):
        words["workers"] = settings.worker_group
    if settings.environment and any("environment" in one for one in own):
        words["environment"] = settings.environment
    return words


def up(seconds: int) -> int:
    """Whole minutes, in seconds."""
    return -(-seconds // MINUTE) * MINUTE


def _task(task: Task) -> Task:
    return replace(
        task,
        timeout=up(task.timeout),
        retry_interval=up(task.retry_interval),
        parameters=tuple(sorted(task.parameters)),
        resources=tuple(sorted(task.resources)),
        datasource=task.datasource if task.node_type in WITH_DATASOURCE else None,
        flags=(),
    )


def _default(value: str, default: str) -> str:
    return DEFAULT if value == default else value
