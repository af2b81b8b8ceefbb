"""What a server holds, in our words. Pure: ids, clocks, users, versions and layout are left out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

import orjson

from wfgov_dagster.domain.definition import Definition, Settings, Task, make
from wfgov_dagster.domain.extra import pack
from wfgov_dagster.engines.dolphin import marks
from wfgov_dagster.engines.dolphin.dialect import Dialect
from wfgov_dagster.engines.dolphin.nodes import NODE, Names, from_params, parameters_from
from wfgov_dagster.engines.dolphin.payload import NO_ENVIRONMENT, PLAIN, PRIORITIES
from wfgov_dagster.engines.dolphin.shown import DEFAULT, MINUTE, Defaults, words_of
from wfgov_dagster.ports.engine import Marker

MEDIUM: Final = 3


class Readback(Names, Protocol):
    def environment_name(self, code: int) -> str:
        """Its code as text where it has no name."""


@dataclass(frozen=True, slots=True)
class Source:
    """Whose words they are. `task_names`: the server's task code → ours, as far as known."""

    dialect: Dialect
    defaults: Defaults
    names: Readback
    workflow_code: str
    task_names: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Read:
    """`codes`: our task code → the server's."""

    definition: Definition
    marker: Marker | None
    codes: Mapping[str, int]


def read_definition(data: Mapping[str, Any], source: Source) -> Read:
    """`data`: of a GET of the definition."""
    head, rows = data[source.dialect.definition_key], data["taskDefinitionList"]
    description, marker, words = marks.read(str(head.get("description") or ""), source.workflow_code)
    codes = task_codes(rows, source.task_names)
    ours = {code: name for name, code in codes.items()}
    common = _Common(_shared_group(rows, source, words), _shared_environment(rows, source, words))
    tasks = [_task(row, ours[int(row["code"])], source, common) for row in rows]
    edges = [
        (ours[int(one["preTaskCode"])], ours[int(one["postTaskCode"])])
        for one in data[source.dialect.relations_key]
        if int(one["preTaskCode"]) in ours and int(one["postTaskCode"]) in ours
    ]
    settings = _settings(head, source, words, common)
    told = words_of(settings, tasks, holds_tenant=False)
    settings = replace(settings, description=marks.cut(description, told))
    return Read(make(settings, tasks, edges), marker, codes)


def task_codes(rows: Iterable[Mapping[str, Any]], known: Mapping[int, str]) -> dict[str, int]:
    """Our code of each task: the known one; of a task that is not ours its name, where that is free."""
    found: dict[str, int] = {}
    for row in sorted(rows, key=lambda row: int(row["code"])):
        code = int(row["code"])
        if code in known:
            found[known[code]] = code
    for row in sorted(rows, key=lambda row: int(row["code"])):
        code, name = int(row["code"]), str(row["name"])
        if code not in known:
            taken = name in found or not name
            found[f"{name}#{code}" if taken else name] = code
    return found


@dataclass(frozen=True, slots=True)
class _Common:
    """What all tasks share, and which is the workflow's therefore."""

    worker_group: str
    environment: str


def _settings(head: Mapping[str, Any], source: Source, words: marks.Words, common: _Common) -> Settings:
    tenant = str(head.get("tenantCode") or DEFAULT) if source.dialect.tenant_of_definition else words.get("tenant")
    return Settings(
        code=source.workflow_code,
        name=str(head["name"]),
        timeout=int(head.get("timeout") or 0) * MINUTE,
        failure_strategy=words.get("failure", "continue"),
        parameters=parameters_from(orjson.loads(head.get("globalParams") or "[]") or ()),
        worker_group=common.worker_group,
        tenant=DEFAULT if tenant in {None, source.defaults.tenant} else str(tenant),
        environment=common.environment,
        priority=int(words.get("priority", MEDIUM)),
    )


def _task(row: Mapping[str, Any], code: str, source: Source, common: _Common) -> Task:
    node = from_params(str(row["taskType"]), row.get("taskParams") or {}, source.dialect.family, source.names)
    own = _own(row, source, common)
    extra = dict(node.extra) | ({NODE: own} if own else {})
    open_ = row.get("timeoutFlag") == "OPEN"
    return Task(
        code=code,
        name=str(row["name"]),
        description=str(row.get("description") or ""),
        type=str(row.get("taskExecuteType") or "BATCH").lower(),
        node_type=node.node_type,
        text=node.text,
        datasource=node.datasource,
        parameters=node.parameters,
        resources=node.resources,
        priority=PRIORITIES.index(row["taskPriority"]) + 1 if row.get("taskPriority") in PRIORITIES else MEDIUM,
        timeout=int(row.get("timeout") or 0) * MINUTE if open_ else 0,
        retries=int(row.get("failRetryTimes") or 0),
        retry_interval=int(row.get("failRetryInterval") or 0) * MINUTE,
        extra=pack(extra),
    )


def _own(row: Mapping[str, Any], source: Source, common: _Common) -> dict[str, Any]:
    """Fields that we have no word for, where they are not as the server fills them."""
    own = {name: row[name] for name, plain in PLAIN.items() if row.get(name, plain) not in {plain, None}}
    if source.dialect.has_cache_flag and row.get("isCache") == "YES":
        own["isCache"] = "YES"
    if row.get("timeoutFlag") == "OPEN" and row.get("timeoutNotifyStrategy") not in {"FAILED", None}:
        own["timeoutNotifyStrategy"] = row["timeoutNotifyStrategy"]
    group, environment = _group(row, source), _environment(row, source)
    if group != common.worker_group:
        own["workerGroup"] = group
    if environment != common.environment:
        own["environment"] = environment
    return own


def _group(row: Mapping[str, Any], source: Source) -> str:
    group = str(row.get("workerGroup") or DEFAULT)
    return DEFAULT if group == source.defaults.worker_group else group


def _environment(row: Mapping[str, Any], source: Source) -> str:
    code = row.get("environmentCode")
    return "" if code in {None, NO_ENVIRONMENT} else source.names.environment_name(int(str(code)))


def _shared_group(rows: Iterable[Mapping[str, Any]], source: Source, words: marks.Words) -> str:
    groups = {_group(row, source) for row in rows}
    return words.get("workers") or (groups.pop() if len(groups) == 1 else DEFAULT)


def _shared_environment(rows: Iterable[Mapping[str, Any]], source: Source, words: marks.Words) -> str:
    found = {_environment(row, source) for row in rows}
    return words.get("environment") or (found.pop() if len(found) == 1 else "")
