"""Node types: a task's parameters in the server's words, and back.

What a type's parameters hold beside script, data source, local parameters and resources is `extra`, without what is as
the server fills it. A type that is not in `kinds.KINDS` is kept word by word, codes included.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

from wfgov_dagster.domain.definition import Parameter, Task
from wfgov_dagster.domain.extra import Symbol, replaced, unpack
from wfgov_dagster.engines.dolphin import references
from wfgov_dagster.engines.dolphin.kinds import KINDS, Kind, defaults_of, folded, ours, theirs
from wfgov_dagster.errors import InvalidInput

NODE: Final = "$node"  # key of `extra` for what is a task's and not its parameters': reading.py's
EMPTY: Final = "\n"  # sent for a script without text: the server refuses one that is empty
_COMMON: Final = frozenset({"localParams", "resourceList", "varPool", "rawScript"})


@dataclass(frozen=True, slots=True)
class DataSource:
    """As the server knows it. `kind`: MYSQL, POSTGRESQL …"""

    number: int
    kind: str


class Codes(Protocol):
    """What our names are on the server. Methods raise InvalidInput for what is not there."""

    @property
    def project(self) -> int:
        """Code of the engine's own project."""

    def code(self, symbol: Symbol) -> int: ...

    def data_source(self, name: str) -> DataSource: ...


class Names(Protocol):
    """The way back; never fails."""

    @property
    def project(self) -> int: ...

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


def to_params(task: Task, family: str, codes: Codes) -> tuple[str, dict[str, Any]]:
    """The server's taskType and taskParams. Raises InvalidInput for a name that it does not know."""
    extra = {name: value for name, value in unpack(task.extra).items() if name != NODE}
    kind = KINDS.get(task.node_type)
    task_type = theirs(task.node_type, family)
    if kind is None and extra:
        return task_type, extra
    params: dict[str, Any] = {"localParams": properties(task.parameters)}
    if kind is None:
        params["rawScript"] = task.text
    else:
        params |= _own(task, kind, family, codes)
        extra = replaced(references.to_server(task.node_type, extra, family, codes.project), codes.code)
    params["resourceList"] = [{"resourceName": one} for one in sorted(task.resources)]
    return task_type, params | extra


def from_params(task_type: str, params: Mapping[str, Any], family: str, names: Names) -> Node:
    """Whatever the parameters say."""
    node_type = ours(task_type)
    kind = KINDS.get(node_type)
    if kind is None and not _is_plain_script(params):
        return Node(node_type, extra=dict(params))
    rest = {name: value for name, value in params.items() if value is not None}
    parameters, resources = parameters_from(rest.pop("localParams", ())), _take_resources(rest)
    if rest.get("varPool") == []:
        del rest["varPool"]
    text = str(rest.pop("rawScript" if kind is None else kind.text or "", ""))
    text = "" if text == EMPTY else text
    datasource = None
    if kind is not None:
        if kind.has_datasource:
            rest.pop("type", None)
            datasource = names.data_source_name(int(rest.pop("datasource", 0)))
        rest = folded(rest, defaults_of(kind, text, family))
        rest = references.from_server(node_type, rest, family, names)
    return Node(node_type, text, datasource, parameters, resources, rest)


def kept(task: Task) -> Task:
    """Without what its type has no parameter for."""
    kind = KINDS.get(task.node_type)
    told = {name for name in unpack(task.extra) if name != NODE}
    if kind is None and told:
        return replace(task, text="", parameters=(), resources=(), datasource=None)
    text = task.text if (kind is None or kind.text is not None) and task.text != EMPTY else ""
    datasource = task.datasource if kind is not None and kind.has_datasource else None
    listed = () if "resourceList" in told else tuple(sorted(task.resources))
    return replace(task, text=text, parameters=tuple(sorted(task.parameters)), resources=listed, datasource=datasource)


def parameters_from(found: Sequence[Mapping[str, Any]] | None) -> tuple[Parameter, ...]:
    """Of `globalParams` or `localParams`, sorted."""
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


def properties(parameters: Sequence[Parameter]) -> list[dict[str, str]]:
    return [
        {"prop": one.name, "direct": one.direction, "type": one.type, "value": one.value} for one in sorted(parameters)
    ]


def _own(task: Task, kind: Kind, family: str, codes: Codes) -> dict[str, Any]:
    """The parameters of its type as the task's fields say them, and as they are filled in otherwise."""
    own = dict(defaults_of(kind, task.text, family))
    if kind.text is not None:
        own[kind.text] = task.text or (EMPTY if kind.text == "rawScript" else "")
    if kind.has_datasource:
        if task.datasource is None:
            hint = "give it one that the server knows by that name"
            raise InvalidInput("an SQL task without a data source", where=f"task {task.code}", hint=hint)
        source = codes.data_source(task.datasource)
        own |= {"type": source.kind, "datasource": source.number}
    return own


def _is_plain_script(params: Mapping[str, Any]) -> bool:
    """Nothing but a script, which a task can hold as its text, whatever the type."""
    script = params.get("rawScript")
    return (
        isinstance(script, str)
        and params.keys() <= _COMMON
        and params.get("varPool") in (None, [])
        and _are_named(params.get("resourceList"))
        and isinstance(params.get("localParams") or [], list)
    )


def _take_resources(rest: dict[str, Any]) -> tuple[str, ...]:
    """Named ones are taken out of `rest`; where one has a number alone, the list stays there as it is."""
    listed = rest.get("resourceList")
    if not _are_named(listed):
        return ()
    rest.pop("resourceList", None)
    return tuple(sorted(str(one["resourceName"]) for one in listed or ()))


def _are_named(listed: object) -> bool:
    if listed is None:
        return True
    return isinstance(listed, list) and all(isinstance(one, Mapping) and one.get("resourceName") for one in listed)
