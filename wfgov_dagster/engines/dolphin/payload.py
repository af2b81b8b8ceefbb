"""The form of a definition. Pure: what a name is on the server is asked of `Codes`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import orjson

from wfgov_dagster.domain.definition import Definition, Settings, Task, entry_tasks
from wfgov_dagster.domain.extra import unpack
from wfgov_dagster.engines.dolphin import marks
from wfgov_dagster.engines.dolphin.dialect import Dialect
from wfgov_dagster.engines.dolphin.nodes import NODE, Codes, properties, to_params
from wfgov_dagster.engines.dolphin.shown import DEFAULT, MINUTE, Defaults, words_of
from wfgov_dagster.ports.engine import Marker

PRIORITIES: Final = ("LOWEST", "LOW", "MEDIUM", "HIGH", "HIGHEST")
NO_ENVIRONMENT: Final = -1
# a task's own fields that are nobody's content of ours, as the server fills them; others are kept in extra["$node"]
PLAIN: Final[Mapping[str, Any]] = {
    "flag": "YES",
    "delayTime": 0,
    "taskGroupId": 0,
    "taskGroupPriority": 0,
    "cpuQuota": -1,
    "memoryMax": -1,
}
SENT: Final = (
    "code", "name", "version", "description", "taskType", "taskParams", "flag", "taskPriority", "workerGroup",
    "environmentCode", "failRetryTimes", "failRetryInterval", "timeoutFlag", "timeoutNotifyStrategy", "timeout",
    "delayTime", "taskExecuteType", "cpuQuota", "memoryMax", "taskGroupId", "taskGroupPriority", "isCache",
)  # fmt: skip
_STEP_X, _STEP_Y, _MARGIN = 260, 110, 80


class Lookup(Codes, Protocol):
    def environment_code(self, name: str) -> int:
        """Raises InvalidInput for what is not there."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What is on the server already. `codes`: of every task; `same`: rows of tasks that it holds as they shall be,
    which are sent back as they are; `versions` of the others. `places`: where tasks are drawn. `execution`: parallel
    or not."""

    codes: Mapping[str, int]
    same: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    versions: Mapping[str, int] = field(default_factory=dict)
    places: Sequence[Mapping[str, Any]] = ()
    execution: str = "PARALLEL"


@dataclass(frozen=True, slots=True)
class Target:
    """The server that it is for."""

    dialect: Dialect
    defaults: Defaults
    lookup: Lookup


def definition_form(definition: Definition, marker: Marker, ground: Ground, target: Target) -> dict[str, str | int]:
    """`definition` as it is shown. Raises InvalidInput for a name that the server does not know."""
    settings, dialect = definition.settings, target.dialect
    words = words_of(settings, definition.tasks, holds_tenant=dialect.tenant_of_definition)
    form: dict[str, str | int] = {
        "name": settings.code,
        "description": marks.write(settings.description, marker, words),
        "globalParams": _text(properties(settings.parameters)),
        "locations": _text(locations(definition, ground)),
        "timeout": settings.timeout // MINUTE,
        "executionType": ground.execution,
        "taskDefinitionJson": _text([_task_row(task, settings, ground, target) for task in definition.tasks]),
        "taskRelationJson": _text(_relations(definition, ground)),
    }
    if dialect.tenant_of_definition:
        form["tenantCode"] = target.defaults.tenant if settings.tenant == DEFAULT else settings.tenant
    return form


def task_row(task: Task, settings: Settings, ground: Ground, target: Target) -> dict[str, Any]:
    own = unpack(task.extra).get(NODE, {})
    group = own.get("workerGroup", settings.worker_group)
    environment = own.get("environment", settings.environment)
    task_type, params = to_params(task, target.dialect.family, target.lookup)
    row: dict[str, Any] = {
        "code": ground.codes[task.code],
        "name": task.name,
        "version": ground.versions.get(task.code, 0),
        "description": task.description,
        "taskType": task_type,
        "taskParams": params,
        "taskPriority": PRIORITIES[task.priority - 1],
        "workerGroup": target.defaults.worker_group if group == DEFAULT else group,
        "environmentCode": target.lookup.environment_code(environment) if environment else NO_ENVIRONMENT,
        "failRetryTimes": task.retries,
        "failRetryInterval": task.retry_interval // MINUTE,
        "timeoutFlag": "OPEN" if task.timeout else "CLOSE",
        "timeoutNotifyStrategy": own.get("timeoutNotifyStrategy", "FAILED") if task.timeout else "",
        "timeout": task.timeout // MINUTE,
        "taskExecuteType": task.type.upper(),
        **{name: own.get(name, plain) for name, plain in PLAIN.items()},
    }
    if target.dialect.has_cache_flag:
        row["isCache"] = own.get("isCache", "NO")
    return row


def locations(definition: Definition, ground: Ground) -> list[dict[str, int]]:
    """Where the server's page draws each task: as somebody has put it, else by levels."""
    kept = {int(one["taskCode"]): one for one in ground.places}
    levels = _levels(definition)
    rows: dict[int, int] = {}
    drawn = []
    for task in definition.tasks:
        code, level = ground.codes[task.code], levels[task.code]
        rows[level] = rows.get(level, 0) + 1
        place = {"taskCode": code, "x": _MARGIN + level * _STEP_X, "y": _MARGIN + (rows[level] - 1) * _STEP_Y}
        if code in kept:
            place = {"taskCode": code, "x": int(kept[code]["x"]), "y": int(kept[code]["y"])}
        drawn.append(place)
    return drawn


def _task_row(task: Task, settings: Settings, ground: Ground, target: Target) -> dict[str, Any]:
    held = ground.same.get(task.code)
    if held is None:
        return task_row(task, settings, ground, target)
    return {name: held[name] for name in SENT if name in held}


def _relations(definition: Definition, ground: Ground) -> list[dict[str, Any]]:
    """A task without an upstream has a row of its own, from 0. The server fills in the versions."""
    ends = [(0, ground.codes[task]) for task in entry_tasks(definition)]
    ends += [(ground.codes[pre], ground.codes[post]) for pre, post in definition.edges]
    return [
        {
            "name": "",
            "preTaskCode": pre,
            "preTaskVersion": 0,
            "postTaskCode": post,
            "postTaskVersion": 0,
            "conditionType": "NONE",
            "conditionParams": {},
        }
        for pre, post in ends
    ]


def _levels(definition: Definition) -> dict[str, int]:
    """Longest way from the beginning. A cycle ends it: the server will refuse that one."""
    levels = {task.code: 0 for task in definition.tasks}
    for _ in definition.tasks:
        moved = False
        for pre, post in definition.edges:
            if levels[post] <= levels[pre]:
                levels[post], moved = levels[pre] + 1, True
        if not moved:
            break
    return levels


def _text(value: object) -> str:
    return orjson.dumps(value).decode()
