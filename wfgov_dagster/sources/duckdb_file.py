"""A DuckDB file, looked at without changing it."""

from pathlib import Path

import duckdb

from wfgov_dagster.errors import NotFound


def count_rows(file: Path, schema: str) -> dict[str, int]:
    """Rows of each table of a schema, by name. Raises NotFound for no such file.

    DuckDB lets one process write a file or several read it: while a task runs on it, this waits for nobody and fails.
    """
    if not file.is_file():
        raise NotFound("no such DuckDB file", where=str(file))
    with duckdb.connect(str(file), read_only=True) as conn:
        names = conn.execute(
            "SELECT table_name FROM duckdb_tables() WHERE schema_name = ? ORDER BY table_name", [schema]
        ).fetchall()
        return {name: _count(conn, f"{_quoted(schema)}.{_quoted(name)}") for (name,) in names}


def _count(conn: duckdb.DuckDBPyConnection, table: str) -> int:
    (count,) = conn.execute(f"SELECT count(*) FROM {table}").fetchone() or (0,)  # noqa: S608  the name is quoted
    return int(count)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
