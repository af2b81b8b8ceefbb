"""What each node type calls its parameters, and what the server takes where nobody says it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

_WRITES_NOTHING: Final = re.compile(
    r"(?:\s|\(|--[^\n]*(?:\n|$)|/\*.*?\*/)*(?:select|with|show|desc|describe|explain|values)\b",
    re.IGNORECASE | re.DOTALL,
)
_QUERY, _STATEMENT = "0", "1"
_BEFORE_33: Final = frozenset({"3.1", "3.2"})
_SINCE_32: Final = frozenset({"3.2", "3.3"})

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """`text`: the parameter that is the task's text. `defaults` of every family, `in_families` of some."""

    text: str | None = None
    has_datasource: bool = False
    defaults: Values = field(default_factory=dict)
    in_families: tuple[tuple[frozenset[str], Values], ...] = ()


_SCRIPT: Final = Kind("rawScript")
KINDS: Final[Mapping[str, Kind]] = {
    "SHELL": _SCRIPT,
    "PYTHON": _SCRIPT,
    "SQL": Kind(
        "sql",
        has_datasource=True,
        defaults={
            "sendEmail": False, "displayRows": 10, "limit": 10_000, "groupId": 0, "title": "", "preStatements": [],
            "postStatements": [], "udfs": "", "connParams": "", "segmentSeparator": "",
        },
    ),
    "HTTP": Kind(
        "url",
        defaults={
            "httpMethod": "GET", "httpParams": [], "httpCheckCondition": "STATUS_CODE_DEFAULT", "condition": "",
            "connectTimeout": 60_000,
        },
        in_families=((_BEFORE_33, {"socketTimeout": 60_000}), (_SINCE_32, {"httpBody": ""})),
    ),
    "SPARK": Kind(
        "rawScript",
        defaults={
            "programType": "SQL", "deployMode": "local", "driverCores": 1, "driverMemory": "512M", "numExecutors": 2,
            "executorMemory": "2G", "executorCores": 2, "appName": "", "mainArgs": "", "others": "", "yarnQueue": "",
        },
        in_families=((frozenset({"3.1"}), {"sparkVersion": "SPARK2"}),),
    ),
    "FLINK": Kind(
        "rawScript",
        defaults={
            "programType": "SQL", "deployMode": "local", "initScript": "", "jobManagerMemory": "1G",
            "taskManagerMemory": "2G", "slot": 1, "taskManager": 2, "parallelism": 1, "appName": "", "mainArgs": "",
            "others": "", "yarnQueue": "",
        },
    ),
    "SUB_WORKFLOW": Kind(),
    "DEPENDENT": Kind(
        in_families=((_SINCE_32, {"checkInterval": 10, "failurePolicy": "DEPENDENT_FAILURE_FAILURE"}),),
    ),
    "CONDITIONS": Kind(),
    "SWITCH": Kind(),
    "DINKY": Kind(defaults={"online": False}),
    "DYNAMIC": Kind(),
}  # fmt: skip


def theirs(node_type: str, family: str) -> str:
    """The family's name of a type: a workflow was a process before 3.3."""
    return "SUB_PROCESS" if node_type == "SUB_WORKFLOW" and family in _BEFORE_33 else node_type


def ours(task_type: str) -> str:
    return "SUB_WORKFLOW" if task_type == "SUB_PROCESS" else task_type


def defaults_of(kind: Kind, text: str, family: str) -> dict[str, Any]:
    """What is sent unless `extra` says otherwise. A statement that is sent as a query fails, and a query as one."""
    found = dict(kind.defaults)
    for families, values in kind.in_families:
        found |= values if family in families else {}
    if kind.has_datasource:
        found["sqlType"] = _QUERY if _WRITES_NOTHING.match(text) and not _selects_into(text) else _STATEMENT
    return found


def folded(params: Values, defaults: Values) -> dict[str, Any]:
    """Without what is the default; a number as text, as the server's own page sends some, is that number."""
    found = {}
    for name, value in params.items():
        if name not in defaults:
            found[name] = value
            continue
        plain = _as(value, defaults[name])
        if type(plain) is not type(defaults[name]) or plain != defaults[name]:
            found[name] = plain
    return found


def _as(value: Any, default: object) -> Any:
    if type(default) is int and isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    if type(default) is str and type(value) is int:
        return str(value)
    return value


def _selects_into(text: str) -> bool:
    """WITH … INSERT, SELECT … INTO: they write."""
    return re.search(r"\b(?:insert|update|delete|merge|into)\b", text, re.IGNORECASE) is not None
