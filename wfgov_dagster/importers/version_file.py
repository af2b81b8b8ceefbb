"""Exported versions as files: JSON or YAML, both give back exactly the value that was written."""

from typing import Any, Final

import orjson
import yaml

from wfgov_dagster.errors import InvalidInput

LARGEST: Final = 64 * 2**20  # bytes
_DEEPEST: Final = 100
_WIDE: Final = 1_000_000  # YAML shall not fold lines
_BREAKS: Final = frozenset("\r\x85\u2028\u2029")  # YAML makes one kind of line break of all of them


class _Dumper(yaml.CSafeDumper):
    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
        return True


class _BlockDumper(_Dumper):
    """Texts of several lines line by line, where that loses nothing."""


def _text(dumper: _BlockDumper, text: str) -> yaml.ScalarNode:
    block = "\n" in text and not _BREAKS & set(text)
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if block else None)


_BlockDumper.add_representer(str, _text)


def as_json(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n"


def as_yaml(value: object) -> str:
    """Not line by line where that would read as something else."""
    text = _dump(value, _BlockDumper)
    return text if yaml.load(text, yaml.CSafeLoader) == value else _dump(value, _Dumper)


def read(content: bytes, name: str) -> Any:
    """The value. Raises InvalidInput; `name` is the file's."""
    if len(content) > LARGEST:
        raise InvalidInput(f"more than {LARGEST >> 20} MiB", where=name)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise InvalidInput(f"no UTF-8 at byte {exc.start}", where=name) from None
    return _read_json(text, name) if text.lstrip()[:1] in {"{", "["} else _read_yaml(text, name)


def _read_json(text: str, name: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as exc:
        raise InvalidInput(f"no JSON: {exc}", where=name) from None


def _read_yaml(text: str, name: str) -> Any:
    try:
        depth = 0
        for event in yaml.parse(text, yaml.CSafeLoader):
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                raise InvalidInput("it has anchors or aliases", where=name, hint="no export has")
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > _DEEPEST:
                raise InvalidInput("it is nested too deeply", where=name)
        return yaml.load(text, yaml.CSafeLoader)
    except (yaml.YAMLError, ValueError) as exc:  # ValueError: a date such as 2026-13-45
        told = str(exc).splitlines()[0] if str(exc) else type(exc).__name__
        mark = getattr(exc, "problem_mark", None)
        at = "" if mark is None else f" (line {mark.line + 1})"
        raise InvalidInput(f"no YAML: {told}{at}", where=name) from None


def _dump(value: object, dumper: type[yaml.CSafeDumper]) -> str:
    return str(yaml.dump(value, Dumper=dumper, allow_unicode=True, sort_keys=False, width=_WIDE))
