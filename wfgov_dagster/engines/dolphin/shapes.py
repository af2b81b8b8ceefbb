"""What the data of an answer has to look like, as far as somebody reads it: a yes with other data is no answer.

A shape says what is wrong, "" if nothing is.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

Shape = Callable[[Any], str]


def anything(_found: Any) -> str:
    """Nobody reads it."""
    return ""


def integer(found: Any) -> str:
    is_one = isinstance(found, int) and not isinstance(found, bool)
    return "" if is_one or (isinstance(found, str) and found.isascii() and found.isdigit()) else _not("a number", found)


def text(found: Any) -> str:
    return "" if isinstance(found, str) else _not("a text", found)


def optional(shape: Shape) -> Shape:
    return lambda found: "" if found is None else shape(found)


def record(fields: Mapping[str, Shape]) -> Shape:
    """With at least these fields: one that may be null may be missing."""

    def check(found: Any) -> str:
        if not isinstance(found, dict):
            return _not("an object", found)
        return next((f"{name}: {wrong}" for name, shape in fields.items() if (wrong := shape(found.get(name)))), "")

    return check


def both(one: Shape, other: Shape) -> Shape:
    return lambda found: one(found) or other(found)


def many(shape: Shape, count: int | None = None) -> Shape:
    """`count`: exactly so many."""

    def check(found: Any) -> str:
        if not isinstance(found, list):
            return _not("a list", found)
        if count not in {None, len(found)}:
            return f"{len(found)} where {count} were asked for"
        return next((wrong for one in found if (wrong := shape(one))), "")

    return check


def paged(row: Shape) -> Shape:
    """Null is a list only where it says that there are none."""
    rows = many(row)

    def check(found: Any) -> str:
        wrong = record({"total": integer})(found)
        if wrong or (found.get("totalList") is None and int(found["total"]) == 0):
            return wrong
        listed = rows(found.get("totalList"))
        return f"totalList: {listed}" if listed else ""

    return check


def json_of(shape: Shape) -> Shape:
    """JSON inside of a text; an empty text is none."""

    def check(found: Any) -> str:
        if not isinstance(found, str):
            return _not("a text", found)
        try:
            return shape(orjson.loads(found)) if found else ""
        except orjson.JSONDecodeError:
            return "not JSON"

    return check


def _not(what: str, found: Any) -> str:
    return f"not {what} but {_KINDS.get(type(found), 'something else')}"


_KINDS: Final[Mapping[type, str]] = {
    type(None): "null", bool: "true or false", int: "a number", float: "a fraction", str: "a text", list: "a list",
    dict: "an object",
}  # fmt: skip
