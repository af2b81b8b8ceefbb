"""Which tables a SQL text reads and writes, one line a case; and what a text may not do to the parser."""

import time

import pytest

from wfgov_dagster.importers.sql_lineage import SqlTables, read_tables
from wfgov_dagster.ports.metadata import BadRow

# (dialect, SQL, tables read, tables written), names parted by blanks.
CASES = [
    ("duckdb", "SELECT * FROM ods.a", "ods.a", ""),
    ("duckdb", "INSERT INTO d.t SELECT * FROM a.x JOIN a.y USING (id)", "a.x a.y", "d.t"),
    ("duckdb", "INSERT INTO d.t (id, v) SELECT id, v FROM a.x", "a.x", "d.t"),
    ("duckdb", "CREATE OR REPLACE TABLE d.t AS SELECT * FROM a.x LEFT JOIN a.y ON x.i = y.i", "a.x a.y", "d.t"),
    ("duckdb", "CREATE TABLE d.t AS FROM a.x", "a.x", "d.t"),
    ("duckdb", "CREATE VIEW d.v (p, q) AS SELECT 1, 2 FROM a.x", "a.x", "d.v"),
    ("duckdb", "SELECT * FROM (SELECT * FROM a.x WHERE id IN (SELECT id FROM a.y)) s", "a.x a.y", ""),
    ("duckdb", "SELECT (SELECT max(v) FROM a.y), 1 FROM a.x WHERE EXISTS (SELECT 1 FROM a.z)", "a.x a.y a.z", ""),
    ("duckdb", "SELECT * FROM a.x UNION ALL SELECT * FROM a.y EXCEPT SELECT * FROM a.z", "a.x a.y a.z", ""),
    ("duckdb", "SELECT * FROM a.x NATURAL JOIN (a.y CROSS JOIN a.z)", "a.x a.y a.z", ""),
    # CTEs are no tables, wherever the WITH stands; but only where they can be seen.
    ("duckdb", "WITH c AS (SELECT * FROM a.x), e AS (SELECT * FROM c) INSERT INTO d.t SELECT * FROM e", "a.x", "d.t"),
    ("duckdb", "INSERT INTO d.t WITH c AS (SELECT * FROM a.x) SELECT * FROM c JOIN C AS other USING (i)", "a.x", "d.t"),
    ("duckdb", "WITH orders AS (SELECT * FROM orders) SELECT * FROM orders", "orders", ""),
    ("duckdb", "WITH c AS (SELECT 1) SELECT * FROM s.c, c", "s.c", ""),
    ("duckdb", "SELECT * FROM (WITH c AS (SELECT 1) SELECT * FROM c) JOIN c ON true", "c", ""),
    ("duckdb", "CREATE TABLE t AS WITH RECURSIVE r AS (SELECT 1 UNION FROM r JOIN a.x ON true) FROM r", "a.x", "t"),
    ("postgres", "WITH gone AS (DELETE FROM a.x RETURNING *) INSERT INTO d.t SELECT * FROM gone", "", "a.x d.t"),
    # Changes in place.
    ("duckdb", "UPDATE d.t SET v = s.v FROM a.x s WHERE s.i = t.i", "a.x", "d.t"),
    ("duckdb", "UPDATE d.t SET v = (SELECT max(v) FROM a.x)", "a.x", "d.t"),
    ("tsql", "UPDATE t SET v = 1 FROM d.target t JOIN a.x ON x.i = t.i", "a.x", "d.target"),
    ("mysql", "UPDATE d.t JOIN a.x ON t.i = x.i SET t.v = x.v", "a.x", "d.t"),
    ("duckdb", "DELETE FROM d.t WHERE i IN (SELECT i FROM a.x)", "a.x", "d.t"),
    ("duckdb", "DELETE FROM d.t USING a.x WHERE t.i = x.i", "a.x", "d.t"),
    ("mysql", "DELETE t FROM d.target t JOIN a.x ON t.i = x.i", "a.x", "d.target"),
    ("duckdb", "MERGE INTO d.t USING a.x s ON t.i = s.i WHEN MATCHED THEN UPDATE SET v = s.v", "a.x", "d.t"),
    ("bigquery", "MERGE d.t USING (SELECT * FROM a.x) s ON FALSE WHEN NOT MATCHED THEN INSERT ROW", "a.x", "d.t"),
    ("duckdb", "TRUNCATE d.t; INSERT INTO d.t SELECT * FROM a.x", "a.x", "d.t"),
    ("mysql", "REPLACE INTO d.t SELECT * FROM a.x", "a.x", "d.t"),
    # What one text does one after the other.
    ("duckdb", "CREATE TEMP TABLE w AS SELECT * FROM a.x; INSERT INTO d.t SELECT * FROM w", "a.x", "d.t"),
    ("spark", "CREATE OR REPLACE TEMPORARY VIEW w AS SELECT * FROM a.x; INSERT INTO d.t SELECT * FROM W", "a.x", "d.t"),
    ("duckdb", "CREATE TEMP TABLE x AS SELECT * FROM x; SELECT * FROM x", "x", ""),
    ("tsql", "SELECT * INTO #w FROM a.x; SELECT * INTO d.t FROM #w", "a.x", "d.t"),
    ("spark", "CACHE TABLE w AS SELECT * FROM a.x; INSERT INTO d.t SELECT * FROM w", "a.x", "d.t"),
    ("duckdb", "CREATE TABLE d.t AS SELECT * FROM a.x; CREATE TABLE d.u AS SELECT * FROM d.t", "a.x d.t", "d.t d.u"),
    ("duckdb", "INSERT INTO d.t SELECT * FROM d.t WHERE false", "d.t", "d.t"),
    ("duckdb", "CREATE TABLE d.w AS FROM a.x; INSERT INTO d.t FROM d.w; DROP TABLE d.w", "a.x", "d.t"),
    ("duckdb", "DROP TABLE IF EXISTS d.t; CREATE TABLE d.t AS FROM a.x", "a.x", "d.t"),
    ("duckdb", "CREATE TABLE d.t_new AS FROM a.x; DROP TABLE d.t; ALTER TABLE d.t_new RENAME TO t", "a.x", "d.t"),
    ("hive", "USE dwd; INSERT OVERWRITE TABLE t SELECT * FROM ods.x JOIN dim", "dwd.dim ods.x", "dwd.t"),
    ("duckdb", "CREATE SCHEMA IF NOT EXISTS d; CREATE TABLE IF NOT EXISTS d.t (i INT REFERENCES a.x (i))", "", ""),
    ("tsql", "IF 1 = 1 BEGIN INSERT INTO d.t SELECT * FROM a.x END", "a.x", "d.t"),
    # Names.
    ("duckdb", 'SELECT * FROM "Ods"."Order Line"', "Ods.Order~Line", ""),
    ("mysql", "INSERT INTO `d`.`t` SELECT * FROM `A`.`x`", "A.x", "d.t"),
    ("tsql", "SELECT * FROM [wh].[dbo].[x]", "wh.dbo.x", ""),
    ("bigquery", "SELECT * FROM `my-project.a.x_*`", "my-project.a.x_*", ""),
    ("bigquery", "SELECT * FROM a.x AS t, t.items", "a.x", ""),
    ("duckdb", "SELECT * FROM ods.订单 AS 单", "ods.订单", ""),
    ("duckdb", "SELECT count(*) FROM ODS.X x1, ods.x x2", "ODS.X ods.x", ""),
    # What is no table.
    ("duckdb", "CREATE TABLE d.t AS SELECT * FROM range(10), read_csv('x.csv'), 'y/z.parquet', unnest([1])", "", "d.t"),
    ("spark", "SELECT /*+ BROADCAST(s) */ * FROM a.x s LATERAL VIEW explode(v) e AS k", "a.x", ""),
    ("postgres", "SELECT * FROM a.x s FOR UPDATE OF s", "a.x", ""),
    ("duckdb", "CREATE MACRO f(i) AS TABLE SELECT * FROM a.x; DESCRIBE a.y", "", ""),
    ("duckdb", "SELECT 'FROM a.y' -- FROM a.z\n FROM a.x /* JOIN a.w */", "a.x", ""),
    # Other ways to move rows.
    ("hive", "FROM a.x INSERT OVERWRITE TABLE d.t SELECT i INSERT INTO TABLE d.u SELECT v", "a.x", "d.t d.u"),
    ("hive", "INSERT OVERWRITE TABLE d.t PARTITION (dt = '${day}') SELECT * FROM a.x", "a.x", "d.t"),
    ("hive", "INSERT OVERWRITE DIRECTORY '/out' SELECT * FROM a.x", "a.x", ""),
    ("hive", "LOAD DATA INPATH '/in' INTO TABLE d.t", "", "d.t"),
    ("oracle", "INSERT ALL INTO d.t VALUES (i) INTO d.u VALUES (i) SELECT i FROM a.x", "a.x", "d.t d.u"),
    ("snowflake", "CREATE TABLE d.t CLONE a.x", "a.x", "d.t"),
    ("duckdb", "COPY d.t FROM 'x.csv'", "", "d.t"),
    ("duckdb", "COPY (SELECT * FROM a.x) TO 'x.csv'", "a.x", ""),
    ("snowflake", "COPY INTO @stage FROM a.x", "a.x", ""),
    ("duckdb", "PIVOT a.x ON k USING sum(v)", "a.x", ""),
    ("clickhouse", "CREATE MATERIALIZED VIEW d.v TO d.t AS SELECT * FROM a.x", "a.x", "d.t d.v"),
]  # fmt: skip


def names(text: str) -> tuple[str, ...]:
    return tuple(sorted(name.replace("~", " ") for name in text.split()))


def tables(sql: str, dialect: str = "duckdb") -> SqlTables:
    found = read_tables(sql, dialect, "t.sql")
    assert isinstance(found, SqlTables), found
    return found


def refusal(sql: str, dialect: str = "duckdb") -> BadRow:
    found = read_tables(sql, dialect, "t.sql")
    assert isinstance(found, BadRow), found
    return found


@pytest.mark.parametrize(("dialect", "sql", "reads", "writes"), CASES, ids=[f"{d}: {s[:60]}" for d, s, _, _ in CASES])
def test_the_tables_of_a_text_are_found(dialect: str, sql: str, reads: str, writes: str) -> None:
    found = tables(sql, dialect)
    assert (found.reads, found.writes, found.unknown) == (names(reads), names(writes), ())


def test_a_view_is_told_with_what_it_is_made_of() -> None:
    found = tables(
        "CREATE VIEW d.v AS WITH c AS (FROM a.x) SELECT * FROM c JOIN a.y USING (i); CREATE TABLE t AS FROM z"
    )
    assert found.views == (("a.x", "d.v"), ("a.y", "d.v"))


def test_a_materialized_or_temporary_view_holds_its_own_rows_and_is_none() -> None:
    assert tables("CREATE MATERIALIZED VIEW d.v AS SELECT * FROM a.x", "postgres").views == ()
    assert tables("CREATE TEMP VIEW v AS SELECT * FROM a.x").views == ()


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [
        ("tsql", "EXEC refresh_all 1"),
        ("duckdb", "CALL refresh_all()"),
        ("postgres", "DO $$ BEGIN DELETE FROM x; END $$"),
        ("snowflake", "ALTER TABLE a SWAP WITH b"),
    ],
)
def test_a_statement_whose_tables_cannot_be_told_is_named(dialect: str, sql: str) -> None:
    found = tables(sql, dialect)
    assert len(found.unknown) == 1
    assert found.unknown[0].split()[0] == sql.split(maxsplit=1)[0].replace("EXEC", "EXECUTE")


@pytest.mark.parametrize(
    ("sql", "line", "reason"),
    [
        ("SELECT a\nFORM x y", 2, "not duckdb SQL: Invalid expression"),
        ("SELECT 1;\nSELECT (SELECT 1", 2, "Expecting )"),
        ("SELECT 1;\nhello world", 2, "not a SQL statement: hello AS world"),
        ("42", 1, "not a SQL statement"),
        ("SELECT 1\n\n, 'abc\n\n\n", 3, "never ends"),
        ('SELECT 1\n, "abc', 2, "never ends"),
        ("SELECT 1 /* abc", 1, "never ends"),
        ("", 1, "no SQL statement"),
        ("-- nothing\n;;", 1, "no SQL statement"),
    ],
)
def test_bad_sql_is_refused_with_its_line(sql: str, line: int, reason: str) -> None:
    bad = refusal(sql)
    assert (bad.file, bad.line) == ("t.sql", line)
    assert reason in bad.reason


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT " + "(" * 5000 + "1" + ")" * 5000,
        "SELECT * FROM " + "(SELECT * FROM " * 5000 + "t" + ")" * 5000,
        "SELECT " + "CASE WHEN a THEN " * 5000 + "1" + " END" * 5000,
        "SELECT " + "coalesce(" * 5000,
        "SELECT " + "NOT " * 50_000 + "a",
        "SELECT a" + "[1]" * 5000,
        "SELECT a" + ".f(1)" * 5000,
        "SELECT * FROM a " + "JOIN b " * 3000,
        "SELECT * FROM a " + "JOIN b " * 40,
    ],
    ids=["brackets", "sub-queries", "case", "calls", "not", "indexes", "methods", "joins", "ambiguous"],
)
def test_hostile_nesting_is_refused_quickly(sql: str) -> None:
    started = time.monotonic()
    bad = refusal(f"SELECT 1;\n{sql}")
    assert "split the " in bad.reason
    assert time.monotonic() - started < 20


@pytest.mark.parametrize("dialect", ["duckdb", "hive", "bigquery", "tsql"])
def test_what_people_nest_is_read_however_deep_the_caller_stands(dialect: str) -> None:
    sql = "SELECT * FROM " + "(SELECT coalesce(((a))) AS a FROM " * 40 + "t" + ") s" * 40

    def deeper(frames: int) -> SqlTables:
        return tables(sql, dialect) if frames == 0 else deeper(frames - 1)

    assert deeper(300).reads == ("t",)


def test_long_flat_sql_is_read() -> None:
    union = " UNION ALL ".join(f"SELECT {i} AS i FROM a.t{i % 50}" for i in range(2000))
    total = "+".join("1" for _ in range(20_000))
    found = tables(f"CREATE TABLE d.t AS {union}; SELECT {total}")
    assert len(found.reads) == 50
    assert found.writes == ("d.t",)
