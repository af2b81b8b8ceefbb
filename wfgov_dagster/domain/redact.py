"""What nobody chose to show, made fit to be shown: secrets out, one line, not too long."""

import re
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
