"""The last line of a description: our marker, and what of a workflow's settings the server has no field for.

`[wfgov V7 w1:0f… failure=end priority=5]`. The marker identifies and is no content; the words are content, and only
those that differ from the default are written. Whoever edits the description by hand sees what they are.
"""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, unquote

from wfgov_dagster.ports.engine import Marker

LONGEST: Final = 255  # characters (code points) of a description on the server
_HASH: Final = 67  # w1:, sha256
_DIGITS: Final = 9
_LINE: Final = re.compile(r"(?:^|\n)\[wfgov V(\d{1,9}) (\S+)((?: [a-z]+=\S*)*)\]\Z")

Words = Mapping[str, str]


def room(words: Words) -> int:
    """Characters that are left for the description itself, whatever the marker; at least 0."""
    return max(0, LONGEST - len(f"\n[wfgov V {_told(words)}]") - _HASH - _DIGITS)


def cut(description: str, words: Words) -> str:
    """As long as the server holds it beside the line."""
    space = room(words)
    if len(description) <= space:
        return description
    return f"{description[: space - 1]}…" if space else ""


def write(description: str, marker: Marker, words: Words) -> str:
    line = f"[wfgov V{marker.version_no} {marker.content_hash}{_told(words)}]"
    kept = cut(description, words)
    return f"{kept}\n{line}" if kept else line


def read(text: str, workflow_code: str) -> tuple[str, Marker | None, Words]:
    """Description, marker, words."""
    found = _LINE.search(text)
    if found is None:
        return text, None, {}
    number, content_hash, told = found.groups()
    words = {name: unquote(value) for name, _, value in (one.partition("=") for one in told.split())}
    return text[: found.start()], Marker(workflow_code, int(number), content_hash), words


def _told(words: Words) -> str:
    return "".join(f" {name}={quote(words[name], safe='')}" for name in sorted(words))
