"""The `SqlReader` of one dialect, by sqlglot."""

import re
from difflib import get_close_matches

from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import TokenError
from sqlglot.tokenizer_core import TokenType

from wfgov_dagster.domain.sql_change import Written
from wfgov_dagster.errors import InvalidInput
from wfgov_dagster.importers.sql_columns import columns_read, outputs
from wfgov_dagster.importers.sql_file import MAX_BYTES
from wfgov_dagster.importers.sql_lineage import read_tables
from wfgov_dagster.importers.sql_text import DIALECTS
from wfgov_dagster.ports.metadata import BadRow
from wfgov_dagster.ports.sql import TablesOfSql

_AS_WRITTEN = frozenset({TokenType.STRING, TokenType.IDENTIFIER, TokenType.VAR})
_COMMENT_THAT_COUNTS = re.compile(r"/\*[!+].*?\*/", re.DOTALL)  # executed by MySQL, or a hint


class SqlglotReader:
    """Raises InvalidInput for a dialect that sqlglot does not know."""

    def __init__(self, dialect: str) -> None:
        if dialect not in DIALECTS:
            near = get_close_matches(dialect.lower(), DIALECTS, n=3) or DIALECTS
            raise InvalidInput(f"unknown SQL dialect {dialect!r}", hint=f"one of: {', '.join(near)}")
        self._dialect = dialect

    def tables(self, text: str) -> TablesOfSql:
        if _is_long(text):
            return TablesOfSql(problem=f"more than {MAX_BYTES:,} bytes of SQL")
        found = read_tables(text, self._dialect, "")
        if isinstance(found, BadRow):
            return TablesOfSql(problem=f"line {found.line}: {found.reason}")
        unknown = f"not known which tables these use: {'; '.join(found.unknown)}" if found.unknown else None
        return TablesOfSql(found.reads, found.writes, found.views, unknown)

    def normal(self, text: str) -> str:
        words = self._words(text)
        return " ".join(text.split()) if words is None else "\n".join(words)

    def only_formatted(self, before: str, after: str) -> bool:
        words = self._words(before)
        return words is not None and words == self._words(after)

    def outputs(self, text: str) -> tuple[Written, ...] | None:
        return None if _is_long(text) else outputs(text, self._dialect, self.normal)

    def columns_read(self, text: str, table: str) -> frozenset[str] | None:
        return None if self.tables(text).problem else columns_read(text, self._dialect, table)

    def _words(self, text: str) -> list[str] | None:
        try:
            tokens = Dialect.get_or_raise(self._dialect).tokenize(text)
        except TokenError:
            return None
        words = [
            f"{one.token_type.name}:{one.text if one.token_type in _AS_WRITTEN else one.text.upper()}" for one in tokens
        ]
        while words and words[-1].startswith("SEMICOLON:"):
            words.pop()
        return [*words, *_COMMENT_THAT_COUNTS.findall(text)]


def _is_long(text: str) -> bool:
    return len(text.encode(errors="replace")) > MAX_BYTES
