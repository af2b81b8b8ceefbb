"""Texts that people wrote (owners, domains, workflow codes …) as names that Dagster takes.

Dagster refuses many texts, and one refused name keeps the whole code location from loading.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_DIGITS: Final = 12
_ESCAPED: Final = re.compile(rf"__[0-9a-f]{{{_DIGITS}}}\Z")
_CONTROL: Final = r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]"


@dataclass(frozen=True, slots=True)
class Shape:
    """`refused`: what Dagster does not take, or does not show; `longest` in characters."""

    refused: re.Pattern[str]
    longest: int


OWNER: Final = Shape(re.compile(_CONTROL), 100)
GROUP: Final = Shape(re.compile(r"[^A-Za-z0-9_]"), 63)  # Dagster would read `/` as a hierarchy
TAG_VALUE: Final = Shape(re.compile(r"[^A-Za-z0-9_.-]"), 63)
PARTITION: Final = Shape(re.compile(rf"{_CONTROL}|\.\.\.|\A\s|\s\Z"), 200)  # `...` is how the UI writes a range
KEY_PART: Final = Shape(re.compile(rf"{_CONTROL}|\A\s|\s\Z"), 200)
EMAIL: Final = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,7}")


def safe(text: str, shape: Shape) -> str:
    """Clean text stays itself; any other is what can be read of it, `__` and a hash. Two texts never get one name."""
    if text and len(text) <= shape.longest and not shape.refused.search(text) and not _ESCAPED.search(text):
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
    return f"{shape.refused.sub('_', text)[: shape.longest - _DIGITS - 2]}__{digest}"


def owner(text: str) -> str:
    """An e-mail address, or a team: Dagster knows no third kind."""
    return text if EMAIL.fullmatch(text) and len(text) <= OWNER.longest else f"team:{safe(text, OWNER)}"


def partition(workflow_code: str) -> str:
    return safe(workflow_code, PARTITION)


def workflow_code(partition_key: str, known: Iterable[str]) -> str:
    """The workflow that a partition stands for; a key of no known workflow is taken for a code."""
    if not _ESCAPED.search(partition_key):
        return partition_key
    return next((code for code in known if partition(code) == partition_key), partition_key)
