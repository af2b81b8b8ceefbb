"""Node types: a task's parameters in the server's words, and back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from wfgov_dagster.domain.definition import Parameter, Task
from wfgov_dagster.domain.extra import Symbol, replaced, unpack
from wfgov_dagster.errors import InvalidInput

NODE: Final = "$node"  # key of `extra` for what is a task's and not its parameters': reading.py's
SCRIPTS: Final = frozenset({"SHELL", "PYTHON"})
WITH_DATASOURCE: Final = frozenset({"SQL"})
_SQL_DEFAULTS: Final[Mapping[str, Any]] = {
    "sqlType": "0",
    "sendEmail": False,
    "displayRows": 10,
    "limit": 10_000,
    "groupId": 0,
    "title": "",
    "preStatements": [],
    "postStatements": [],
    "udfs": "",
    "connParams": "",
    "segmentSeparator": "",
}


@dataclass(frozen=True, slots=True)
class DataSource:
    """As the server knows it. `kind`: MYSQL, POSTGRESQL …"""

    number: int
    kind: str


class Codes(Protocol):
    """What our names are on the server. Both raise InvalidInput for what is not there."""

    def code(self, symbol: Symbol) -> int: ...

    def data_source(self, name: str) -> DataSource: ...


class Names(Protocol):
    """The way back; never fails."""

    def symbol(self, code: int) -> Symbol: ...

    def data_source_name(self, number: int) -> str:
        """Its number as text where it has no name."""


@dataclass(frozen=True, slots=True)
class Node:
    """What a task's type and parameters say of it."""

    node_type: str
    text: str = ""
    datasource: str | None = None
    parameters: tuple[Parameter, ...] = ()
    resources: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)


def to_params(task: Task, family: str, codes: Codes) -> tuple[str, dict[str, Any]]:  # noqa: ARG001
    """The server's taskType and taskParams. Raises InvalidInput for a name that it does not know."""
    extra = {name: value for name, value in unpack(task.extra).items() if name != NODE}
    rest = replaced(extra, codes.code)
    params: dict[str, Any] = {"localParams": [_property(one) for one in sorted(task.parameters)]}
    if task.node_type in SCRIPTS:
        params |= {"rawScript": task.text}
    elif task.node_type == "SQL":
        if task.datasource is None:
            hint = "give it one that the server knows by that name"
            raise InvalidInput("an SQL task without a data source", where=f"task {task.code}", hint=hint)
        source = codes.data_source(task.datasource)
        params |= {"type": source.kind, "datasource": source.number, "sql": task.text, **_SQL_DEFAULTS}
    elif not rest:
        params |= {"rawScript": task.text}
    params |= {"resourceList": [{"resourceName": one} for one in sorted(task.resources)]}
    return task.node_type, params | rest


def from_params(task_type: str, params: Mapping[str, Any], family: str, names: Names) -> Node:  # noqa: ARG001
    """Whatever the parameters say; keys that are not represented elsewhere and differ from the default are extra."""
    rest = {name: value for name, value in params.items() if value is not None}
    if task_type not in SCRIPTS and task_type != "SQL":
        return Node(task_type, extra=rest)
    parameters = _parameters(rest.pop("localParams", ()))
    resources = _resources(rest.pop("resourceList", ()))
    if rest.get("varPool") == []:
        del rest["varPool"]
    if task_type in SCRIPTS:
        return Node(task_type, str(rest.pop("rawScript", "")), None, parameters, resources, rest)
    text, number = str(rest.pop("sql", "")), int(rest.pop("datasource", 0))
    rest.pop("type", None)
    extra = {name: value for name, value in rest.items() if _SQL_DEFAULTS.get(name) != value}
    return Node(task_type, text, names.data_source_name(number), parameters, resources, extra)


def parameters_from(found: Sequence[Mapping[str, Any]]) -> tuple[Parameter, ...]:
    """Of `globalParams` or `localParams`, sorted."""
    return _parameters(found)


def properties(parameters: Sequence[Parameter]) -> list[dict[str, str]]:
    return [_property(one) for one in sorted(parameters)]


def _property(one: Parameter) -> dict[str, str]:
    return {"prop": one.name, "direct": one.direction, "type": one.type, "value": one.value}


def _parameters(found: Sequence[Mapping[str, Any]] | None) -> tuple[Parameter, ...]:
    return tuple(
        sorted(
            Parameter(
                str(one.get("prop") or ""),
                "" if one.get("value") is None else str(one["value"]),
                str(one.get("direct") or "IN"),
                str(one.get("type") or "VARCHAR"),
            )
            for one in found or ()
        )
    )


def _resources(found: Sequence[Mapping[str, Any]] | None) -> tuple[str, ...]:
    return tuple(sorted(str(one.get("resourceName") or one.get("id") or "") for one in found or ()))
