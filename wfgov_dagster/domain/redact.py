"""What nobody chose to show, made fit to be shown: secrets out, one line, not too long."""

import re
from collections.abc import Iterator
from typing import Final

_LONGEST: Final = 1000
_SECRETS: Final = (
    (re.compile(r"://[^/\s@]*@"), "://***@"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]+"), r"\1 ***"),
    (
        re.compile(
            r"""(?ix)\b([\w-]*(?:password|passwd|pwd|token|secret|credential|api[_-]?key|access[_-]?key|authorization))
            (["']?\s*[=:]\s*)(?:"[^"]*"|'[^']*'|[^\s,;&)}\]]+)"""
        ),
        r"\1\2***",
    ),
)


def redact(text: str) -> str:
    for pattern, shown in _SECRETS:
        text = pattern.sub(shown, text)
    return text


def secrets_in(text: str) -> Iterator[str]:
    """What `redact` would hide, but for references (`$x`), for what is hidden already, for two columns of one name
    that a query compares, and for a word after `basic`."""
    (url, _), (scheme, _), named = _SECRETS
    yield from (found.group() for found in url.finditer(text))
    yield from (found.group() for found in scheme.finditer(text) if not found.group().split()[-1].isalpha())  # prose
    for found in named[0].finditer(text):
        value = text[found.end(2) : found.end()]
        if value.strip("\"'")[:1] not in {"$", "*", ""} and value.rpartition(".")[2] != found.group(1):
            yield found.group()


def told(exc: BaseException) -> str:
    """Type, first line of the message, and where it was raised."""
    line = (str(exc).strip().splitlines() or [""])[0]
    return f"{type(exc).__name__}: {redact(line)[:_LONGEST]}{_place(exc)}".replace("\x00", "")


def _place(exc: BaseException) -> str:
    trace = exc.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return ""
    return f" (in {trace.tb_frame.f_code.co_qualname}, line {trace.tb_lineno})"
