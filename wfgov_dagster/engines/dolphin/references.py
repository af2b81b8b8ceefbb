"""Where node types name tasks and workflows by the server's codes, and which symbols stand there in `extra`.

Everywhere else nothing is replaced: a number that looks like a code may be anything.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from wfgov_dagster.domain.extra import CODE, Symbol

ALL: Final = "ALL"  # depTaskCode: every task of the workflow
WORKFLOW: Final = "WORKFLOW"  # the workflow as a whole; 3.1 has no such thing and takes all its tasks
_OLDEST: Final = "3.1"
_DEPENDS_ON: Final = {True: "DEPENDENT_ON_WORKFLOW", False: "DEPENDENT_ON_TASK"}
_UNSET: Final = {"parameterPassing": False, "dependResult": None, "status": None, "dependentType": None}

Change = Callable[[Any], Any]


class Names(Protocol):
    @property
    def project(self) -> int: ...

    def symbol(self, code: int) -> Symbol: ...


def from_server(node_type: str, params: Mapping[str, Any], family: str, names: Names) -> dict[str, Any]:
    """Codes → symbols."""

    def named(value: Any) -> Any:
        return names.symbol(int(value)) if _is_code(value) else value

    match node_type:
        case "SUB_WORKFLOW" | "DYNAMIC":
            rest = dict(params)
            for key in ("processDefinitionCode", "workflowDefinitionCode"):
                if key in rest:
                    rest["workflowDefinitionCode"] = named(rest.pop(key))
            return rest
        case "CONDITIONS":
            return _conditions(params, named)
        case "SWITCH":
            return _switch(params, lambda value: named(_single(value)))
        case "DEPENDENT":
            return _items(params, lambda item: _item_from(item, family, names, named))
        case _:
            return dict(params)


def to_server(node_type: str, extra: Mapping[str, Any], family: str, project: int) -> dict[str, Any]:
    """`extra` with the family's keys and constants; the symbols are still there."""
    if node_type in ("SUB_WORKFLOW", "DYNAMIC") and "workflowDefinitionCode" in extra and family != "3.3":
        rest = dict(extra)
        return {"processDefinitionCode": rest.pop("workflowDefinitionCode"), **rest}
    if node_type == "DEPENDENT":
        return _items(extra, lambda item: _item_to(item, family, project))
    return dict(extra)


def all_code(family: str) -> int:
    """What `depTaskCode` is for all tasks of a workflow: -1 since 3.2, where 0 is the workflow as a whole."""
    return 0 if family == _OLDEST else -1


def _is_code(value: object) -> bool:
    """Codes have 13 digits or more; the server's page sends some as text."""
    if isinstance(value, str):
        return value.isascii() and value.isdigit() and int(value) > 0
    return type(value) is int and value > 0


def _single(value: Any) -> Any:
    """A next node is one, whether in a list or not."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _conditions(params: Mapping[str, Any], named: Change) -> dict[str, Any]:
    rest = _items(params, lambda item: _without(item, "depTaskCode", named))
    result = rest.get("conditionResult")
    if isinstance(result, Mapping):
        rest["conditionResult"] = {
            name: [named(code) for code in codes] if isinstance(codes, list) else codes
            for name, codes in result.items()
        }
    return rest


def _without(item: Mapping[str, Any], key: str, named: Change) -> dict[str, Any]:
    rest = {name: value for name, value in item.items() if value is not None}
    return rest | {key: named(rest[key])} if key in rest else rest


def _switch(params: Mapping[str, Any], named: Change) -> dict[str, Any]:
    found = params.get("switchResult")
    if not isinstance(found, Mapping):
        return dict(params)
    result = {name: value for name, value in found.items() if value is not None}
    if "nextNode" in result:
        result["nextNode"] = named(result["nextNode"])
    if isinstance(result.get("dependTaskList"), list):
        result["dependTaskList"] = [
            _without(case, "nextNode", named) if isinstance(case, Mapping) else case
            for case in result["dependTaskList"]
        ]
    return {**params, "switchResult": result}


def _items(params: Mapping[str, Any], change: Change) -> dict[str, Any]:
    """Every `dependItemList` changed, item by item."""
    dependence = params.get("dependence")
    if not isinstance(dependence, Mapping) or not isinstance(dependence.get("dependTaskList"), list):
        return dict(params)
    groups = [_group(group, change) for group in dependence["dependTaskList"]]
    return {**params, "dependence": {**dependence, "dependTaskList": groups}}


def _group(group: Any, change: Change) -> Any:
    if not isinstance(group, Mapping) or not isinstance(group.get("dependItemList"), list):
        return group
    items = [change(item) if isinstance(item, Mapping) else item for item in group["dependItemList"]]
    return {**{name: value for name, value in group.items() if value is not None}, "dependItemList": items}


def _item_from(item: Mapping[str, Any], family: str, names: Names, named: Change) -> dict[str, Any]:
    """The own project's code is left out; what follows from the rest, too."""
    rest = {name: value for name, value in item.items() if name not in _UNSET or value != _UNSET[name]}
    if "projectCode" in rest and str(rest["projectCode"]) == str(names.project):
        del rest["projectCode"]
    elif _is_code(rest.get("projectCode")):
        rest["projectCode"] = {CODE: int(rest["projectCode"])}
    if "definitionCode" in rest:
        rest["definitionCode"] = named(rest["definitionCode"])
    task = _as_number(rest.get("depTaskCode"))
    if task == all_code(family):
        rest["depTaskCode"] = ALL
    elif task == 0:
        rest["depTaskCode"] = WORKFLOW
    elif "depTaskCode" in rest:
        rest["depTaskCode"] = named(rest["depTaskCode"])
    if rest.get("dependentType") == _DEPENDS_ON[rest.get("depTaskCode") in (ALL, WORKFLOW)]:
        del rest["dependentType"]
    return rest


def _item_to(item: Mapping[str, Any], family: str, project: int) -> dict[str, Any]:
    whole = item.get("depTaskCode") in (ALL, WORKFLOW)
    rest = {"projectCode": project, **item}
    if item.get("depTaskCode") == ALL:
        rest["depTaskCode"] = all_code(family)
    elif item.get("depTaskCode") == WORKFLOW:
        rest["depTaskCode"] = 0
    if family == _OLDEST:
        return rest
    return {"dependentType": _DEPENDS_ON[whole], "parameterPassing": False, **rest}


def _as_number(value: object) -> int | None:
    text = str(value)
    return int(text) if text.removeprefix("-").isascii() and text.removeprefix("-").isdigit() else None
