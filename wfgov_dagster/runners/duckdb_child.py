"""The process that has the DuckDB file open: `duckdb_child.py DATABASE SCRIPT`, started as a file by `duckdb_sql.py`.

Runs the statements one after the other, each committed by itself, and tells what each did. Ends with 1 at the first
that fails. Imports nothing of ours.
"""

import sys
from pathlib import Path

import duckdb

_SHOWN_ROWS = 20
_SHOWN_WIDTH = 60


def main() -> int:
    database, script = sys.argv[1], Path(sys.argv[2])
    at = "the script"
    try:
        with duckdb.connect(database) as conn:
            statements = conn.extract_statements(script.read_text(encoding="utf-8"))  # all are read before one is run
            for number, statement in enumerate(statements, 1):
                at = f"statement {number} of {len(statements)}"
                _say(f"{at}: {_run(conn, statement, last=number == len(statements))}")
    except duckdb.Error as exc:
        _say(str(exc))
        _say(f"{at} failed: {str(exc).splitlines()[0]}")
        return 1
    return 0


def _run(conn: duckdb.DuckDBPyConnection, statement: duckdb.Statement, *, last: bool) -> str:
    """What it did, in words; the rows of the last one too."""
    kind = statement.type.name
    result = conn.execute(statement)
    if result.rowcount >= 0:
        return f"{kind}, {result.rowcount} rows"
    rows = result.fetchmany(_SHOWN_ROWS + 1)
    if not (last and rows):
        return kind
    table = [[name for name, *_ in result.description or []], *([str(value) for value in row] for row in rows)]
    lines = ["\t".join(cell[:_SHOWN_WIDTH] for cell in row) for row in table[: _SHOWN_ROWS + 1]]
    return "\n".join([kind, *lines, *(["…"] if len(rows) > _SHOWN_ROWS else [])])


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
