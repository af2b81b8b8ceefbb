"""The YAML header of a task's .sql file: a block comment that begins `/* wfgov`, or `--` lines from `-- wfgov` on.

The second form is for what a block comment cannot hold: a cron with `*/`. Every key and the header may be left out.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

from wfgov_dagster.domain.cron import WORDS, time_zone, to_cron
from wfgov_dagster.errors import InvalidInput
from wfgov_dagster.ports.metadata import BadRow

MAX_BYTES = 16_384
_MARK = re.compile(r"(?P<block>/\*)[ \t]*wfgov(?=\s|\*/)|^[ \t]*--[ \t]*wfgov[ \t\r]*$", re.MULTILINE)
_DASHED = re.compile(r"[ \t]*-- ?(.*?)\r?(\n|$)")

Problem = tuple[int, str]  # lines below the header's first line, reason


@dataclass(frozen=True, slots=True)
class Header:
    """As written, None where nothing is; `cron` has five fields.

    In `reads` and `writes` `db.table` adds to what the parser finds, `-db.table` takes away from it.
    """

    name: str | None = None
    description: str | None = None
    owner: str | None = None
    workflow: str | None = None
    business_domain: str | None = None
    data_domain: str | None = None
    layer: str | None = None
    cron: str | None = None
    time_zone: str | None = None
    datasource: str | None = None
    priority: int | None = None
    timeout_seconds: int | None = None
    retries: int | None = None
    retry_interval_seconds: int | None = None
    depends_on: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()


def read_header(text: str, file: str) -> tuple[Header, str] | list[BadRow]:
    """The header and the SQL after it, whose lines keep their numbers; or everything that is wrong with the header."""
    start = len(text) - len(text.lstrip())
    mark = _MARK.match(text, start)
    if mark is None:
        late = _MARK.search(text, start)
        wrong = "the wfgov header must be the first thing in the file"
        return (Header(), text) if late is None else [BadRow(file, _line(text, late.start(0)), wrong)]
    line = _line(text, start)
    cut = _block(text, mark.end()) if mark["block"] else _dashes(text, mark.end())
    if cut is None:
        return [BadRow(file, line, "the header never ends; close it with */")]
    said, end = cut
    values = _values(said)
    if isinstance(values, list):
        return [BadRow(file, line + below, reason) for below, reason in values]
    return _header(values), "\n" * text.count("\n", 0, end) + text[end:]


def _block(text: str, start: int) -> tuple[str, int] | None:
    end = text.find("*/", start)
    return None if end < 0 else (text[start:end], end + 2)


def _dashes(text: str, start: int) -> tuple[str, int]:
    """The lines that follow, each without its dashes, the rest of the first line before them."""
    lines = [""]
    start = text.find("\n", start) + 1 or len(text)
    while start < len(text) and (line := _DASHED.match(text, start)):
        lines.append(line[1])
        start = line.end()
    return "\n".join(lines), start


def _line(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def _header(values: dict[str, Any]) -> Header:
    lists = {key: tuple(value) for key, value in values.items() if isinstance(value, list)}
    cron = {"cron": to_cron(values["cron"])} if "cron" in values else {}
    return Header(**{**values, **lists, **cron})


def _values(said: str) -> dict[str, Any] | list[Problem]:
    """What the YAML says, every value checked; or what is wrong with it."""
    if len(said.encode()) > MAX_BYTES:
        return [(0, f"the header has more than {MAX_BYTES} bytes")]
    try:
        return _risks(said) or _checked(said)
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark
        below = mark.line if mark is not None else 0
        hint = ""
        if "quoted scalar" in str(exc.context):
            hint = "; a cron with */ ends the comment: write the header as -- lines"
        elif "mapping values" in str(exc.problem):
            hint = "; text with a colon needs quotes"
        return [(below, f"the header is not YAML: {exc.problem or exc.context}{hint}")]
    except (yaml.YAMLError, ValueError) as exc:  # ValueError: a date such as 2026-13-45
        return [(0, f"the header is not YAML: {str(exc).splitlines()[0]}")]


def _risks(said: str) -> list[Problem]:
    """Found while nothing is built yet: building may grow without bounds (aliases) or recurse (nesting)."""
    depth = 0
    for event in yaml.parse(said, yaml.SafeLoader):
        below = event.start_mark.line if event.start_mark is not None else 0
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            return [(below, "the header may not use anchors (&) or aliases (*); put the value in quotes")]
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > 2:
            return [(below, "the header is keys, each with a value or a list, and nothing deeper")]
    return []


def _checked(said: str) -> dict[str, Any] | list[Problem]:
    loader = yaml.SafeLoader(said)
    root = loader.get_single_node()
    if root is None:
        return {}
    if not isinstance(root, yaml.MappingNode):
        return [(root.start_mark.line, "the header must be lines `key: value`")]
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for key_node, value_node in root.value:
        key, below = str(key_node.value), key_node.start_mark.line
        value = loader.construct_object(value_node, deep=True)
        if key not in KEYS:
            problems.append((below, f"unknown key {key!r}; allowed: {', '.join(KEYS)}"))
        elif key in values:
            problems.append((below, f"{key} is there twice"))
        elif why := KEYS[key](value):
            problems.append((below, f"{key} {why}"))
        values[key] = value
    return problems or values


# --- what a key may hold: each check gives the reason why not, or None ---------------------------


def _text(longest: int) -> Callable[[object], str | None]:
    def check(value: object) -> str | None:
        if not isinstance(value, str):
            return f"must be text, not {value!r}; put it in quotes"
        if not value.strip() or len(value) > longest or not value.isprintable():
            return f"must have 1 to {longest} printable characters"
        return None

    return check


def _whole(least: int, most: int) -> Callable[[object], str | None]:
    def check(value: object) -> str | None:
        fits = isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
        return None if fits else f"must be a whole number from {least} to {most}, not {value!r}"

    return check


def _names(value: object) -> str | None:
    if not isinstance(value, list):
        return "must be a list: [a, b]"
    return next((f"holds {name!r}, which {why}" for name in value if (why := _text(255)(name))), None)


def _description(value: object) -> str | None:
    return None if isinstance(value, str) and "\0" not in value else f"must be text, not {value!r}; put it in quotes"


def _cron(value: object) -> str | None:
    if isinstance(value, str) and to_cron(value):
        return None
    return f"{value!r} is no cron that ever fires; five fields in quotes, or one of {', '.join(WORDS)}"


def _zone(value: object) -> str | None:
    try:
        time_zone(value if isinstance(value, str) else "")
    except InvalidInput:
        return f"{value!r} is no time zone; an IANA name, for example: Asia/Shanghai"
    return None


KEYS: Final[Mapping[str, Callable[[object], str | None]]] = {
    "name": _text(255),
    "description": _description,
    "owner": _text(255),
    "workflow": _text(200),
    "business_domain": _text(255),
    "data_domain": _text(255),
    "layer": _text(50),
    "cron": _cron,
    "time_zone": _zone,
    "datasource": _text(255),
    "priority": _whole(1, 5),
    "timeout_seconds": _whole(0, 10**9),
    "retries": _whole(0, 1000),
    "retry_interval_seconds": _whole(0, 10**9),
    "depends_on": _names,
    "reads": _names,
    "writes": _names,
}
