"""What is refused because it would take the parser's stack or its time, not because it is wrong.

Limits are counts and not seconds, so that a file is good or bad on every machine alike.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import TokenError
from sqlglot.tokenizer_core import Token, TokenType

MAX_DEPTH = 100  # brackets and CASE inside each other; people write less than 20
MAX_CHAIN = 100  # x[1][2]… or x.f().g()… : sqlglot's time grows with the square of it
# Tokens taken or put back. Honest SQL needs one or two a token; `a JOIN b JOIN c …` without ON doubles with every JOIN.
FREE_STEPS, STEPS_PER_TOKEN = 300_000, 20

OPEN = frozenset({TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE, TokenType.CASE})
CLOSE = frozenset({TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE, TokenType.END})
ENDS = frozenset({TokenType.R_PAREN, TokenType.R_BRACKET})


class TooManySteps(Exception):
    """The parser goes to and fro over the same tokens. Never leaves the importer: it becomes a bad row."""


def parse(speaker: Dialect, tokens: Sequence[Token], text: str) -> list[exp.Expr]:
    """The statements of `text`, empty ones left out. Raises TooManySteps, ParseError, RecursionError."""
    left = FREE_STEPS + STEPS_PER_TOKEN * len(tokens)
    plain = speaker.parser_class
    advance = plain._advance  # noqa: SLF001 (the one place through which the parser moves; it has no limit of its own)

    def advance_counted(self: Any, times: int = 1) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise TooManySteps
        advance(self, times)

    parser = type("CountedParser", (plain,), {"_advance": advance_counted})(dialect=speaker)
    return [found for found in parser.parse(tokens, text) if found is not None and not isinstance(found, exp.Semicolon)]


def too_deep(tokens: Iterable[Token]) -> tuple[int, str] | None:
    """(line, reason) of the first place that is nested or chained beyond the limits. A semicolon starts anew."""
    chains = [0]  # one counter a level of nesting
    before: TokenType | None = None
    for token in tokens:
        kind = token.token_type
        if (kind is TokenType.L_BRACKET or kind is TokenType.DOT) and before in ENDS:
            chains[-1] += 1
        elif kind is TokenType.COMMA or kind is TokenType.SEMICOLON:
            chains[-1] = 0
        if kind is TokenType.SEMICOLON:
            chains = [0]
        elif kind in OPEN:
            chains.append(0)
        elif kind in CLOSE and len(chains) > 1:
            chains.pop()
        if len(chains) > MAX_DEPTH + 1:
            return token.line, f"nested more than {MAX_DEPTH} levels; split the statement (WITH, or a table in between)"
        if chains[-1] > MAX_CHAIN:
            return token.line, f"more than {MAX_CHAIN} [ ] or .f() in one chain; split the expression"
        before = kind
    return None


def token_error_line(error: TokenError, text: str) -> int:
    """The line on which the token begins that never ends; sqlglot only tells it in the message of the error's cause."""
    told = re.search(r"from \d+:(\d+)", str(error.__cause__))
    end = int(told.group(1)) if told else error.end
    return text.count("\n", 0, end) + 1
