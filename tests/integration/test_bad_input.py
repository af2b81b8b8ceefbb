"""What a person can get wrong at the command line: a clear error, the right exit code, and nothing half written."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import Result

from tests.integration.cli_support import LINEAGE_HEADER, LOOP, SALES, TASK_HEADER, TASKS, Cli, write_estate
from tests.support.postgres import Cluster
from wfgov_dagster.domain.grouping import fitted
from wfgov_dagster.store.db import Database
from wfgov_dagster.store.schema import metadata
from wfgov_dagster.store.schema.workflow import workflow_operation_log

REFUSED, USAGE = 1, 2
GOOD_TASK = "t1,db.t1,sql,,,,,,"
Files = Mapping[str, str | bytes]
Dump = dict[str, list[tuple[Any, ...]]]


@dataclass(frozen=True)
class Case:
    """`DIR` in the arguments is a folder with `files`."""

    name: str
    arguments: Sequence[str]
    words: Sequence[str]
    code: int = REFUSED
    files: Files = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)


def csv(name: str, *words: str, tasks: str | bytes | None = None, lineage: str | bytes | None = None) -> Case:
    """An import of two files: lines below the header, or the bytes of the whole file."""
    files: dict[str, str | bytes] = {}
    for file, header, said in (("tasks", TASK_HEADER, tasks), ("lineage", LINEAGE_HEADER, lineage)):
        files[f"{file}.csv"] = said if isinstance(said, bytes) else f"{header}\n{said or ''}"
    return Case(name, ("import", "csv", "DIR"), words, files=files)


def sql(name: str, text: str | bytes, *words: str, file: str = "t.sql") -> Case:
    return Case(name, ("import", "sql", "DIR", "--dialect", "duckdb"), words, files={file: text})


LONG = "w" * 120
CSV = (
    Case("a folder without tasks.csv", ("import", "csv", "DIR"), ("invalid: no such file", "tasks.csv", "task_code")),
    Case(
        "a folder without lineage.csv",
        ("import", "csv", "DIR"),
        ("invalid: no such file", "lineage.csv"),
        files={"tasks.csv": f"{TASK_HEADER}\n{GOOD_TASK}\n"},
    ),
    csv("an empty file", "its header is empty", "tasks.csv:1", tasks=b""),
    csv("another header", "its header is a, b", TASK_HEADER, tasks=b"a,b\n1,2\n"),
    csv("a header in another order", "its header is", tasks=b"output_table,task_code\n"),
    csv("a byte order mark", "its header is \\xfefftask_code", tasks=b"\xef\xbb\xbf" + TASK_HEADER.encode()),
    csv("Latin-1", "tasks.csv:", "can't decode byte", tasks=TASK_HEADER.encode() + b"\nb\xe9,,sql,,,,,,\n"),
    csv("UTF-16", "tasks.csv:1: cannot be read", tasks=(TASK_HEADER + "\n").encode("utf-16")),
    csv("a quote that never ends", "tasks.csv:", "unexpected end of data", tasks='"t1,,sql,,,,,,\nt2,,sql,,,,,,\n'),
    csv("too few fields", "tasks.csv:2: has 3 fields instead of 9", tasks="t1,,sql\n"),
    csv("too many fields", "tasks.csv:2: has 10 fields instead of 9", tasks=f"{GOOD_TASK},x\n"),
    csv("a field of 2 MB", "tasks.csv:", "field larger than field limit", tasks=f"{'x' * 2_000_000},,sql,,,,,,\n"),
    csv("the same code twice", "tasks.csv:3: task 't1' is there already", tasks=f"{GOOD_TASK}\n{GOOD_TASK}\n"),
    csv("no code", "tasks.csv:2: task_code is empty", tasks=",db.t,sql,,,,,,\n"),
    csv("a code of 256 characters", "task_code has 256 characters, at most 255", tasks=f"{'x' * 256},,sql,,,,,,\n"),
    csv("a code that steers a terminal", "cannot be printed", "\\x1b", tasks="a\x1b[31m,,sql,,,,,,\n"),
    csv("a table of 300 characters", "output_table has 300 characters", tasks=f"t,{'x' * 300},sql,,,,,,\n"),
    csv("an unknown kind", "kind is 'cobol'; known: sql, python", tasks="t1,,cobol,,,,,,\n"),
    csv(
        "two workflows that share a code once it is cut",
        "share the code",
        tasks=f"t1,,sql,,,,{LONG},,\nt2,,sql,,,,{fitted(LONG)},,\n",
    ),
    csv("lineage of an unknown task", "lineage.csv:2: task 'x' is not in tasks.csv", lineage="a.b,c.d,x\n"),
    csv("a view of nothing", "lineage.csv:2: a view needs both tables", lineage=",c.d,\n"),
    csv("lineage of no table", "lineage.csv:2: names no table", tasks=GOOD_TASK, lineage=",,t1\n"),
    csv("a task of another source", "task 'load_orders' belongs to estate", tasks="load_orders,,sql,,,,,,\n"),
    Case("no such folder", ("import", "csv", "/no/such/folder"), ("does not exist",), USAGE),
    Case("a file for a folder", ("import", "csv", "DIR/x"), ("is a file",), USAGE, {"x": "x"}),
    Case("a source without a name", ("import", "csv", "DIR", "--source", " "), ("1 to 90 printable",), USAGE),
    Case("a source of 91 characters", ("import", "csv", "DIR", "--source", "s" * 91), ("1 to 90",), USAGE),
    Case("no folder at all", ("import", "csv"), ("Missing argument 'DIR'",), USAGE),
)
SQL = (
    Case("no dialect", ("import", "sql", "DIR"), ("Missing option '--dialect'",), USAGE),
    Case("an unknown dialect", ("import", "sql", "DIR", "--dialect", "cobol"), ("unknown SQL dialect 'cobol'",)),
    Case("no .sql file", ("import", "sql", "DIR", "--dialect", "hive"), ("no .sql file",), files={"x.txt": "x"}),
    sql("SQL that does not parse", "SELECT\nFROM WHERE (", "import_refused", "t.sql:"),
    sql("a string that never ends", "SELECT 'abc", "t.sql:1:"),
    sql("2 MB of SQL", "SELECT 1;\n" * 200_000, "t.sql:1: 2,000,000 bytes of SQL"),
    sql("brackets 5,000 deep", "SELECT " + "(" * 5_000 + "1" + ")" * 5_000, "t.sql:1:", "nested"),
    sql("SQL that is not UTF-8", b"SELECT 1; -- \xff", "t.sql:1: not UTF-8 from byte 13 on"),
    sql("SQL with a NUL", b"SELECT 1;\n\0", "t.sql:2: holds a NUL character"),
    sql("a header that is no YAML", "/* wfgov\nowner: [\n*/ SELECT 1", "t.sql:"),
    sql("a header with an unknown key", "/* wfgov\ncolour: red\n*/ SELECT 1", "t.sql:2:", "colour"),
    sql("a cron that never fires", "/* wfgov\ncron: 0 0 31 2 *\n*/ SELECT 1", "t.sql:2:", "cron"),
    sql("a time zone that is none", "/* wfgov\ntime_zone: Mars/Base\n*/ SELECT 1", "t.sql:2:", "Mars/Base"),
    sql("a name of two lines", "SELECT 1", "a task's code is its file's name", file="a\nb.sql"),
    Case(
        "two files with one code",
        ("import", "sql", "DIR", "--dialect", "duckdb"),
        ("task 't' is in several files: a/t.sql, b/t.sql",),
        files={"a/t.sql": "SELECT 1", "b/t.sql": "SELECT 1"},
    ),
)
NAMES = (
    Case("deps of an unknown task", ("deps", "nobody"), ("not_found: no task 'nobody'", "wfgov import")),
    Case("deps of an injection", ("deps", "'; DROP TABLE data_task; --"), ("not_found",)),
    Case("deps to depth 0", ("deps", "a", "--depth", "0"), ("0 is not in the range x>=1",), USAGE),
    Case("deps to depth -1", ("deps", "a", "--depth", "-1"), ("-1 is not in the range x>=1",), USAGE),
    Case("deps to depth x", ("deps", "a", "--depth", "x"), ("'x' is not a valid integer range",), USAGE),
    Case("an unknown workflow", ("workflow", "show", "nobody"), ("not_found: no workflow 'nobody'", "workflow list")),
    Case("a code of 10,000 characters", ("workflow", "show", "x" * 10_000), ("not_found: no workflow",)),
    Case("online of an unknown one", ("workflow", "online", "x" * 300), ("not_found: no workflow",)),
    Case("online of a draft", ("workflow", "online", LOOP), ("illegal_state", "circle: a → b")),
    Case("offline of what is ready", ("workflow", "offline", SALES), ("illegal_state: offline is not possible",)),
    Case("versions of an unknown workflow", ("version", "list", "nobody"), ("not_found: no workflow 'nobody'",)),
    Case("an unknown version", ("version", "show", SALES, "7"), ("not_found: no version V7", "version list")),
    Case("a version of a draft", ("version", "show", LOOP, "1"), ("not_found: no version V1",)),
    Case("version 0", ("version", "show", SALES, "0"), ("'0' is no version: 3, V3 or published",), USAGE),
    Case("version x", ("version", "show", SALES, "newest"), ("'newest' is no version",), USAGE),
    Case("a version of 30 digits", ("version", "show", SALES, "9" * 30), ("is no version",), USAGE),
    Case("a difference to an unknown version", ("version", "diff", SALES, "1", "2"), ("not_found: no version V2",)),
    Case("an unknown command", ("workflows",), ("No such command 'workflows'",), USAGE),
    Case("an unknown option", ("workflow", "list", "--colour"), ("No such option", "--colour"), USAGE),
    Case("an unknown format", ("workflow", "list", "-o", "xml"), ("'xml' is not one of",), USAGE),
    Case("an argument that is not UTF-8", ("deps", "caf\udce9"), ("an argument is not UTF-8",), USAGE),
    Case("an actor of 101 characters", ("orchestrate", "--actor", "x" * 101), ("invalid:", "is no actor")),
    Case("an actor that steers a terminal", ("orchestrate", "--actor", "\x1b[2J"), ("invalid:", "is no actor")),
    Case("a setting that is no number", ("settings",), ("WFGOV_LEASE_SECONDS", "integer"),
         env={"WFGOV_LEASE_SECONDS": "soon"}),
    Case("a setting out of its range", ("settings",), ("WFGOV_TASK_SLOTS", "less than or equal to 64"),
         env={"WFGOV_TASK_SLOTS": "1000"}),
    Case("a setting that is no time zone", ("orchestrate", "--full"), ("'Mars/Base' is no time zone",),
         env={"WFGOV_TIME_ZONE": "Mars/Base"}),
)  # fmt: skip


def publish(name: str, *arguments: str, words: Sequence[str], code: int = REFUSED) -> Case:
    return Case(name, ("publish", *arguments), words, code)


PUBLISH = (
    publish("no operation", SALES, words=("Missing option '--operation'",), code=USAGE),
    publish("an unknown operation", SALES, "--operation", "rollback", words=("is not one of 'deploy'",), code=USAGE),
    publish("a publish of an unknown workflow", "nobody", "--operation", "deploy", words=("no workflow 'nobody'",)),
    publish("a draft", LOOP, "--operation", "deploy", words=("conflict: it has no version", "workflow show loop")),
    publish("an unknown engine", SALES, "--operation", "deploy", "--engine", "mars", words=("no engine 'mars'",)),
    publish("a publish of V9", SALES, "--operation", "deploy", "--version", "9", words=("no version V9",)),
    publish("online of what was never deployed", SALES, "--operation", "online", words=("never deployed", "deploy")),
    publish("offline of what was never deployed", SALES, "--operation", "offline", words=("never deployed", "deploy")),
    publish("a dry run of it", SALES, "--operation", "offline", "--dry-run", words=("never deployed",)),
    Case("an unknown instance", ("instance", "show", "999"), ("engine_rejected: instance 999 is unknown",)),
    Case("an instance that is no number", ("instance", "log", "x", "t"), ("instance x is unknown",)),
    Case("a start of an unknown workflow", ("instance", "start", "nobody"), ("not_found: no workflow 'nobody'",)),
    Case("a start of what is not online", ("instance", "start", SALES), ("illegal_state", "workflow online")),
    Case("a list of 0 instances", ("instance", "list", "--limit", "0"), ("is not in the range",), USAGE),
)  # fmt: skip
CASES = (*CSV, *SQL, *NAMES, *PUBLISH)


@pytest.fixture(scope="module")
def wfgov(new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """One for all cases: they change nothing."""
    folder = tmp_path_factory.mktemp("bad input")
    made = Cli(new_database(), folder / "home").derived(folder / "estate")
    made.ok("engine", "test", "embedded")  # the engine that is always there has its row
    return made


def dump(wfgov: Cli) -> Dump:
    """All rows of all tables; of the operation log those that are no refusals."""
    database = Database(wfgov.url)
    with database.read() as conn:
        found: Dump = {}
        for table in metadata.sorted_tables:
            query = sa.select(table).order_by(*table.primary_key.columns)
            if table is workflow_operation_log:
                query = query.where(table.c.outcome != "refused")
            found[table.name] = [tuple(row) for row in conn.execute(query)]
    database.dispose()
    return found


@pytest.fixture(scope="module")
def held(wfgov: Cli) -> Dump:
    """What every case leaves as it is."""
    return dump(wfgov)


def write(folder: Path, files: Files) -> None:
    for name, said in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(said if isinstance(said, bytes) else said.encode())


def is_clear(result: Result, case_code: int) -> None:
    """Nothing on stdout, no traceback, and an error of ours is one line."""
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert not result.stderr.startswith("internal:")
    if case_code == REFUSED:
        assert result.stderr.count("\n") == 1


def test_they_are_many() -> None:
    assert len(CASES) >= 40
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_bad_input_gets_a_clear_error_and_changes_nothing(wfgov: Cli, held: Dump, tmp_path: Path, case: Case) -> None:
    write(tmp_path, case.files)
    result = wfgov.run(*(one.replace("DIR", str(tmp_path)) for one in case.arguments), **case.env)
    assert result.exit_code == case.code, result.stderr
    assert [word for word in case.words if word not in result.stderr] == [], result.stderr
    is_clear(result, case.code)
    assert dump(wfgov) == held


def test_a_version_that_is_not_the_one_refuses_the_publish(derived_on_both: Cli, tmp_path: Path) -> None:
    own = derived_on_both
    changed = [(*task[:7], "hourly", *task[8:]) if task[6] == SALES else task for task in TASKS]
    own.ok("import", "csv", write_estate(tmp_path / "estate", changed), "--source", "estate")
    own.ok("orchestrate")
    own.ok("engine", "test", "embedded")
    before = dump(own)
    result = own.run("publish", SALES, "--operation", "deploy", "--version", "V1")
    assert result.exit_code == REFUSED
    assert result.stderr.startswith("conflict: deploy is about V2, not about V1 — workflow sales/")
    assert dump(own) == before


def test_with_json_the_error_is_the_problem_document(wfgov: Cli) -> None:
    result = wfgov.run("version", "show", SALES, "7", "-o", "json")
    assert (result.exit_code, result.stdout) == (REFUSED, "")
    assert json.loads(result.stderr) == {
        "type": "about:blank",
        "title": "NotFound",
        "status": 404,
        "detail": "no version V7",
        "code": "not_found",
        "retryable": False,
        "where": f"workflow {SALES}",
        "hint": f"wfgov version list {SALES}",
    }


# --- databases -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nonsense", "invalid: the database URL cannot be read"),
        ("mysql://me:secret@host/db", "invalid: no support for 'mysql' databases"),
        ("oracle://me:secret@host/db", "invalid: no support for 'oracle' databases"),
        ("sqlite://", "invalid: an SQLite database has to be a file"),
        ("sqlite:////proc/none/wfgov.db", "store: cannot make the database's folder"),
        ("sqlite:////proc/wfgov.db", "store: unable to open database file"),
        ("postgresql://me:secret@127.0.0.1:1/db", "store: connection"),
        ("postgresql://me:secret@host:port/db", "invalid: the database URL cannot be read"),
    ],
)
def test_a_database_that_cannot_be_had_is_named_without_its_password(tmp_path: Path, url: str, words: str) -> None:
    result = Cli(url, tmp_path / "home").run("workflow", "list")
    assert result.exit_code == REFUSED
    assert result.stderr.startswith(words), result.stderr
    assert "secret" not in result.stderr
    is_clear(result, REFUSED)


@pytest.mark.postgresql
def test_a_database_that_the_server_does_not_have_is_named(postgres_cluster: Cluster, tmp_path: Path) -> None:
    result = Cli(postgres_cluster.url("nowhere"), tmp_path / "home").run("workflow", "list")
    assert result.exit_code == REFUSED
    assert 'database "nowhere" does not exist' in result.stderr


def test_a_home_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    result = Cli("", tmp_path / "file" / "home").run("workflow", "list")
    assert result.exit_code == REFUSED
    assert result.stderr.startswith("store: cannot make the database's folder: Not a directory")


@pytest.mark.parametrize("command", [("db", "upgrade"), ("workflow", "list"), ("orchestrate",)], ids=" ".join)
@pytest.mark.parametrize("content", [b"this is no database" * 100, b"\0" * 5_000], ids=["text", "zeros"])
def test_a_file_that_is_no_database_stays_as_it_is(tmp_path: Path, command: tuple[str, ...], content: bytes) -> None:
    file = tmp_path / "wfgov.db"
    file.write_bytes(content)
    result = Cli(f"sqlite:///{file}", tmp_path / "home").run(*command)
    assert result.exit_code == REFUSED
    assert result.stderr.startswith("store: file is not a database")
    assert file.read_bytes() == content


def test_a_folder_for_a_database_file_is_refused(tmp_path: Path) -> None:
    result = Cli(f"sqlite:///{tmp_path}", tmp_path / "home").run("workflow", "list")
    assert result.exit_code == REFUSED
    assert result.stderr.startswith("store: unable to open database file")


def test_an_empty_database_is_told_how_to_get_its_tables(tmp_path: Path) -> None:
    (tmp_path / "wfgov.db").touch()
    result = Cli(f"sqlite:///{tmp_path / 'wfgov.db'}", tmp_path / "home").run("workflow", "list")
    assert result.exit_code == REFUSED
    assert result.stderr.startswith("database_missing: no tables there yet")
    assert "run: wfgov db upgrade" in result.stderr


@pytest.mark.parametrize("command", [("db", "upgrade"), ("workflow", "list"), ("orchestrate",)], ids=" ".join)
def test_a_newer_database_is_not_touched(database_url: str, tmp_path: Path, command: tuple[str, ...]) -> None:
    own = Cli(database_url, tmp_path / "home")
    database = Database(own.url)
    with database.write() as conn:
        conn.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    database.dispose()
    before = dump(own)
    result = own.run(*command)
    assert result.exit_code == REFUSED
    assert result.stderr.startswith("database_newer: revision 9999 is not known here")
    assert dump(own) == before


def test_a_database_that_somebody_else_writes_to_is_busy(sqlite_url: str, tmp_path: Path) -> None:
    own = Cli(sqlite_url, tmp_path / "home")
    database = Database(own.url)
    with database.write():
        result = own.run("import", "csv", write_estate(tmp_path / "estate"), WFGOV_BUSY_TIMEOUT_SECONDS="0.1")
    database.dispose()
    assert result.exit_code == REFUSED
    assert result.stderr.startswith("database_busy: the database is busy")
    assert own.json("import", "csv", tmp_path / "estate")["changes"] > 0


# --- the unexpected ------------------------------------------------------------------------------


@pytest.fixture
def broken(derived: Cli) -> Cli:
    """A definition that nothing of ours could have written."""
    database = Database(derived.url)
    with database.write() as conn:
        conn.execute(sa.text("UPDATE data_workflow SET created_at = 'yesterday'"))
    database.dispose()
    return derived


def test_an_unexpected_error_is_one_line_that_says_where_the_rest_is(broken: Cli) -> None:
    result = broken.run("workflow", "show", SALES)
    assert (result.exit_code, result.stdout) == (REFUSED, "")
    assert result.stderr.startswith("internal: ValueError: ")
    log = broken.home / "logs" / "cli.log"
    assert result.stderr.endswith(f"the traceback is in {log}\n")
    assert result.stderr.count("\n") == 1
    assert "Traceback" in log.read_text(encoding="utf-8")


def test_with_debug_an_unexpected_error_is_raised(broken: Cli) -> None:
    assert isinstance(broken.run("workflow", "show", SALES, "--debug").exception, ValueError)
