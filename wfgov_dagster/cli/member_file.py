"""A file that lists workflows, YAML or JSON: a plain list of codes. Anybody wrote it: size and shape are limited."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from wfgov_dagster.errors import InvalidInput

_LARGEST: Final = 1_000_000  # bytes
_MOST: Final = 10_000  # workflows
_HINT: Final = "a list of workflow codes: [a, b] or one a line after a dash"


def read_codes(file: Path) -> list[str]:
    """Codes as they are written, also those that YAML would take for numbers. Raises InvalidInput with the line."""
    text = read_text(file, _LARGEST)
    codes = list(_json(file, text) if file.suffix.lower() == ".json" else _yaml(file, text))
    if not codes:
        raise InvalidInput("it lists no workflow", where=str(file), hint=_HINT)
    if len(codes) > _MOST:
        raise InvalidInput(f"it lists more than {_MOST} workflows", where=str(file), hint="use several files")
    return codes


def read_text(file: Path, largest: int) -> str:
    """Raises InvalidInput for a file that cannot be read, is too large, or is not UTF-8."""
    try:
        with file.open("rb") as opened:
            content = opened.read(largest + 1)
        if len(content) > largest:
            raise InvalidInput(f"it has more than {largest} bytes", where=str(file), hint="it cannot be that long")
        return content.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as exc:
        raise InvalidInput(f"it cannot be read: {exc}", where=str(file), hint="a readable file in UTF-8") from exc


def _json(file: Path, text: str) -> Iterator[str]:
    import orjson

    try:
        told = orjson.loads(text)
    except orjson.JSONDecodeError as exc:
        raise InvalidInput(f"it is no JSON: {exc}", where=str(file), hint=_HINT) from exc
    if not isinstance(told, list):
        raise InvalidInput("it is no list", where=str(file), hint=_HINT)
    for number, code in enumerate(told, 1):
        if not isinstance(code, str) or not code.strip():
            raise InvalidInput(f"entry {number} is no workflow code", where=str(file), hint=_HINT)
        yield code


def _yaml(file: Path, text: str) -> Iterator[str]:
    """By its events: nothing is built, so nothing that is nested or refers to itself can grow."""
    import yaml

    where, first = str(file), True
    try:
        for event in yaml.parse(text, yaml.SafeLoader):
            if isinstance(event, yaml.StreamStartEvent | yaml.StreamEndEvent | yaml.DocumentStartEvent):
                continue
            if isinstance(event, yaml.DocumentEndEvent | yaml.SequenceEndEvent):
                continue
            where = f"{file}:{event.start_mark.line + 1}" if event.start_mark is not None else str(file)
            if isinstance(event, yaml.SequenceStartEvent) and first and event.anchor is None:
                first = False
            elif isinstance(event, yaml.ScalarEvent) and not first and event.anchor is None and event.value.strip():
                yield str(event.value)
            else:
                raise InvalidInput("this is no workflow code in a plain list", where=where, hint=_HINT)
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        line = where if mark is None else f"{file}:{mark.line + 1}"
        problem = getattr(exc, "problem", None) or "a character that it may not hold"
        raise InvalidInput(f"it is no YAML: {problem}", where=line, hint=_HINT) from exc
