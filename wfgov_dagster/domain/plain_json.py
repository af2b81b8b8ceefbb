"""Values that JSON holds and gives back as they were."""

import math
from typing import Final

from wfgov_dagster.errors import InvalidInput

_LARGEST_INTEGER: Final = 2**63
_HINT: Final = "null, true, false, 64 bit integers, finite numbers, texts, lists and objects are"


def check_json(value: object, where: str) -> None:
    """Raises InvalidInput; `where` is the value's name."""
    match value:
        case dict():
            for name, one in value.items():
                if not isinstance(name, str):
                    raise InvalidInput(f"{name!r} is no key of JSON", where=where, hint="keys are texts")
                check_json(name, where)
                check_json(one, f"{where}.{name}")
        case list() | tuple():
            for at, one in enumerate(value):
                check_json(one, f"{where}[{at}]")
        case _ if not _is_plain(value):
            raise InvalidInput(f"{type(value).__name__} {value!r:.100} is no JSON", where=where, hint=_HINT)


def _is_plain(value: object) -> bool:
    match value:
        case None | bool():
            return True
        case int():
            return -_LARGEST_INTEGER <= value < _LARGEST_INTEGER
        case float():
            return math.isfinite(value)
        case str():
            return all(not "\ud800" <= one <= "\udfff" for one in value)
    return False
