"""Which tables one SQL text reads and writes. sqlglot parses; what its trees mean to us is decided here.

Written: the targets of INSERT, CREATE TABLE … AS, CREATE VIEW, MERGE, UPDATE, DELETE, TRUNCATE, COPY and LOAD into,
SELECT … INTO, and the new name of a rename. Read: every other table of those statements, their CTEs and sub-queries.
Neither: CREATE TABLE without a query, functions and macros (nothing runs yet), DESCRIBE, GRANT, hints. A temporary
table, or one that the same text makes and drops again, is nobody else's and does not appear at all.
"""

import logging
import sys
from dataclasses import dataclass

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ParseError, TokenError

from wfgov_dagster.importers.sql_find import Found, Name, find, name_of
from wfgov_dagster.importers.sql_guard import TooManySteps, parse, token_error_line, too_deep
from wfgov_dagster.ports.metadata import BadRow

# sqlglot takes about 20 Python frames a level of brackets, so that the default of 1,000 would refuse honest SQL, and
# sooner the deeper its caller stands. Raised once and never lowered: lowering would race with another thread's parse.
RECURSION_LIMIT = 5_000

# Dialects in which `USE x` names the schema of the names that have none (elsewhere it names a whole database).
USE_IS_SCHEMA = frozenset(
    {"athena", "clickhouse", "databricks", "doris", "duckdb", "hive", "mysql", "spark", "spark2", "starrocks"}
)
NO_STATEMENT = (exp.Condition, exp.Alias, exp.Tuple, exp.Identifier, exp.Star, exp.Var, exp.DataType)
BLOCKS = (exp.Block, exp.IfBlock, exp.WhileBlock, exp.LoopBlock, exp.RepeatBlock)
MOVES_NO_ROWS = (
    exp.Analyze, exp.Attach, exp.Comment, exp.Describe, exp.Detach, exp.Grant, exp.Kill, exp.Pragma, exp.Refresh,
    exp.Revoke, exp.Show, exp.Summarize, exp.Uncache,
)  # fmt: skip
# The same for statements that sqlglot keeps as text only.
HARMLESS = frozenset({"ADD JAR", "ADD FILE", "ANALYZE", "CHECKPOINT", "EXPLAIN", "MSCK REPAIR", "OPTIMIZE", "VACUUM"})

logging.getLogger("sqlglot").setLevel(logging.ERROR)  # its warnings repeat on stderr what `unknown` says


@dataclass(frozen=True, slots=True)
class SqlTables:
    """Sorted. `views`: pairs (table read, view made of it). `unknown`: statements whose tables could not be told."""

    reads: tuple[str, ...]
    writes: tuple[str, ...]
    views: tuple[tuple[str, str], ...]
    unknown: tuple[str, ...]


def read_tables(text: str, dialect: str, file: str) -> SqlTables | BadRow:
    """The tables of all statements of `text`. Any doubt about the syntax is a BadRow, never half a result."""
    sys.setrecursionlimit(max(sys.getrecursionlimit(), RECURSION_LIMIT))
    speaker = Dialect.get_or_raise(dialect)
    try:
        tokens = speaker.tokenize(text)
        if refused := too_deep(tokens):
            return BadRow(file, *refused)
        return _of_statements(parse(speaker, tokens, text), dialect, file)
    except TokenError as exc:
        return BadRow(file, token_error_line(exc, text), f"not {dialect} SQL: a string, name or comment never ends")
    except ParseError as exc:
        first = exc.errors[0]
        return BadRow(file, first["line"], f"not {dialect} SQL: {first['description']}, near {first['highlight']!r}")
    except TooManySteps:
        return BadRow(file, 1, "ambiguous for too long; give every JOIN its ON, or split the statement")
    except RecursionError:
        return BadRow(file, 1, "nested too deeply; split the statement (WITH, or a table in between)")


def _of_statements(statements: list[exp.Expr], dialect: str, file: str) -> SqlTables | BadRow:
    if not statements:
        return BadRow(file, 1, "no SQL statement in the file")
    script = _Script(dialect)
    for statement in statements:
        # sqlglot takes `hello world` for an expression with an alias: a misspelt keyword must not pass for SQL.
        if isinstance(statement, NO_STATEMENT) and not isinstance(statement, exp.Query):
            lines = [node.meta["line"] for node in statement.find_all(exp.Identifier) if "line" in node.meta]
            return BadRow(file, min(lines, default=1), f"not a SQL statement: {_short(statement, dialect)}")
        script.take(statement)
    return script.result()


class _Script:
    """Statements in order: only the order tells a work table from a table that others may read."""

    def __init__(self, dialect: str) -> None:
        self._dialect = dialect
        self._schema: Name = ()  # set by USE
        self._reads: set[str] = set()
        self._own_reads: set[str] = set()  # read after this text had made them
        self._writes: set[str] = set()
        self._views: set[tuple[str, str]] = set()
        self._made: set[str] = set()  # case folded, as is:
        self._temporary: set[str] = set()
        self._unknown: list[str] = []

    def take(self, statement: exp.Expr) -> None:
        match statement:
            case exp.Use():
                self._use(statement)
            case exp.Drop():
                for table in statement.args.get("tables") or ():
                    self._forget(name_of(table))
            case exp.Alter():
                self._alter(statement)
            case exp.Command():
                self._command(statement)
            case exp.Execute():
                self._unknown.append(_short(statement, self._dialect))
            case _ if isinstance(statement, BLOCKS):
                for inner in statement.iter_expressions():
                    self.take(inner)
            case _ if not isinstance(statement, MOVES_NO_ROWS):
                self._add(find(statement))

    def result(self) -> SqlTables:
        reads, writes = sorted(self._reads | self._own_reads), sorted(self._writes)
        return SqlTables(tuple(reads), tuple(writes), tuple(sorted(self._views)), tuple(self._unknown))

    def _add(self, found: Found) -> None:
        reads = self._shared(found.reads)  # before the statement's own temporary tables are known
        for name in reads:
            (self._own_reads if name.casefold() in self._made else self._reads).add(name)
        self._temporary |= {".".join(name).casefold() for name in found.temporary}
        self._made |= {self._full(name).casefold() for name in found.made}
        self._writes |= self._shared(found.writes)
        self._views |= {(read, view) for view in self._shared(found.views) for read in reads if read != view}

    def _shared(self, names: list[Name]) -> set[str]:
        return {full for full in map(self._full, names) if full.casefold() not in self._temporary}

    def _full(self, name: Name) -> str:
        lonely = len(name) == 1 and name[0].casefold() not in self._temporary
        return ".".join((*self._schema, *name) if lonely else name)

    def _use(self, statement: exp.Use) -> None:
        schema = name_of(statement.this)
        if self._dialect in USE_IS_SCHEMA and schema is not None and statement.text("kind").upper() in ("", "SCHEMA"):
            self._schema = schema

    def _alter(self, statement: exp.Alter) -> None:
        old = name_of(statement.this)
        for action in statement.args.get("actions") or ():
            new = name_of(action.this) if isinstance(action, exp.AlterRename) else None
            if old is not None and new is not None:
                made_here = self._full(old).casefold() in self._made
                beside = (*old[:-1], *new) if len(new) == 1 else new
                self._add(Found(reads=[] if made_here else [old], writes=[beside]))
                self._forget(old)
            elif isinstance(action, exp.SwapTable | exp.Delete | exp.Update):
                self._unknown.append(_short(statement, self._dialect))

    def _command(self, statement: exp.Command) -> None:
        word = str(statement.this).upper()
        if word == "REPLACE":  # the INSERT of MySQL and SQLite that replaces: sqlglot keeps it as text
            for inner in Dialect.get_or_raise(self._dialect).parse(f"INSERT {_rest(statement)}"):
                if inner is not None:
                    self.take(inner)
        elif word not in HARMLESS:
            self._unknown.append(_short(statement, self._dialect))

    def _forget(self, name: Name | None) -> None:
        """Dropped or renamed: if this text had made it, it was a work table."""
        gone = self._full(name).casefold() if name is not None else ""
        if gone in self._made:
            self._made.discard(gone)
            self._writes = {known for known in self._writes if known.casefold() != gone}
            self._own_reads = {known for known in self._own_reads if known.casefold() != gone}
            self._views = {pair for pair in self._views if gone not in (pair[0].casefold(), pair[1].casefold())}


def _rest(command: exp.Command) -> str:
    rest = command.args.get("expression")
    return rest.name if isinstance(rest, exp.Expr) else str(rest or "")


def _short(statement: exp.Expr, dialect: str) -> str:
    text = statement.sql(dialect)
    return text if len(text) <= 60 else text[:59] + "…"
