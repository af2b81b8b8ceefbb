"""1,000 versions of a workflow of 200 tasks, one task changed each: bytes on disk a save, in the same kind of database.

Ours, against one JSON document a version, and against the rows that a real DolphinScheduler wrote for the same edits,
with the keys that its own tables have here (its published DDL has more indexes). Everything is compacted before it is
measured. Processor time is that of our process.
"""

import csv
import re
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa

from tests.bench.dolphin_growth import TABLES, Held, before_and_after
from tests.bench.edits import TASKS, versions
from tests.integration.publish_support import Office
from tests.support import programs
from tests.support.postgres import running_cluster
from wfgov_dagster.domain import snapshot
from wfgov_dagster.domain.definition import Definition
from wfgov_dagster.store import migrate
from wfgov_dagster.store.db import Database
from wfgov_dagster.usecases.new_versions import drafts_of, save_drafts
from wfgov_dagster.usecases.version_history import blame

_DOCUMENTS = 50  # of a table with a document a version: each is as large as the next
_PUBLIC = """SELECT sum(pg_total_relation_size(oid)) FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"""
Make = Callable[[], str]  # the URL of a database that is empty
_FOR_ALL = {"AUTO_INCREMENT ": "", "tinyint": "smallint", "double": "double precision"}


def report(folder: Path, made: int, edits: int) -> None:
    """`made`: versions of ours; `edits` that are sent to the real server, 0 = none."""
    tell(folder, made, before_and_after(folder, list(versions(edits + 1))) if edits else None, edits)


def tell(folder: Path, made: int, held: tuple[Held, Held] | None, edits: int) -> None:
    print(f"\n{made} versions of a workflow of {TASKS} tasks, one task changed each; bytes a save")
    print(f"{'database':>10} {'ours':>8} {'CPU ms':>7} {'JSON each':>10} {'ratio':>6} {'Dolphin':>8} {'ratio':>6}"
          f" {'blame ms':>9}")  # fmt: skip
    for name, database in (("sqlite", _sqlite(folder)), ("postgresql", _postgresql())):
        with database as make:
            own, milliseconds, blamed = ours(make(), made)
            documents = _grown(make(), _keep_documents) / _DOCUMENTS
            theirs = _theirs(make, held) / edits if held is not None else 0.0
            print(f"{name:>10} {own:>8.0f} {milliseconds:>7.1f} {documents:>10.0f} {documents / own:>5.1f}x"
                  f" {theirs:>8.0f} {theirs / own:>5.1f}x {blamed:>9.1f}", flush=True)  # fmt: skip
    if held is not None:
        running, compacted = ((held[1].file_bytes[at] - held[0].file_bytes[at]) / edits for at in (0, 1))
        print(f"its own H2 file grew by {running:.0f} bytes an edit over {edits}, as it ran;"
              f" {compacted:.0f} are left when H2 compacts and compresses it")  # fmt: skip


def ours(url: str, made: int) -> tuple[float, float, float]:
    """(bytes, ms) a save, as an orchestration saves: definition, then version. And ms to ask who brought each task and
    edge of the last one."""
    migrate.upgrade(url)
    database = Database(url)
    office, some = Office(database), versions(made)
    first = next(some)
    office.create(first.code)
    save(office, first)
    database.dispose()
    before, begun = size_of(url), time.process_time()
    for one in some:
        save(office, one)
    spent = time.process_time() - begun
    begun = time.perf_counter()
    blame(office.store, first.code)
    blamed = time.perf_counter() - begun
    database.dispose()
    grown = size_of(url) - before
    return grown / (made - 1), 1000 * spent / (made - 1), 1000 * blamed


def save(office: Office, definition: Definition) -> None:
    whole = snapshot.document(definition).decode()
    with office.store.write() as work:
        (workflow,) = work.workflows.all()["workflow"].to_list()
        work.workflows.save_definitions([
            {"w": workflow, "workflow_name": "", "description": None, "definition_json": whole,
             "definition_hash": snapshot.digest(whole.encode()), "definition_error": None, "entry_task_ids": "[]",
             "exit_task_ids": "[]", "status": "ready", "updated_by": "bench"}
        ])  # fmt: skip
        save_drafts(work, "bench", drafts_of(work, {workflow: whole}, {workflow: "task_change"}))
        work.audit.add("bench", "save_versions", ("metadata", ""), {"versions": 1})


def size_of(url: str) -> int:
    """Bytes of its tables and indexes, compacted."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as conn:
            conn.execute("VACUUM")
            return int(conn.execute("PRAGMA page_count").fetchone()[0] * conn.execute("PRAGMA page_size").fetchone()[0])
    with psycopg.connect(url, autocommit=True) as server:
        server.execute("VACUUM FULL")
        found = server.execute(_PUBLIC).fetchone()
        return int(found[0] or 0) if found is not None else 0


# --- what it is compared with --------------------------------------------------------------------


def _grown(url: str, fill: Callable[[Database], None]) -> int:
    before, database = size_of(url), Database(url)
    fill(database)
    database.dispose()
    return size_of(url) - before


def _keep_documents(database: Database) -> None:
    with database.write() as conn:
        conn.execute(sa.text("CREATE TABLE bench_document (workflow_id int, version_no int, document text)"))
        for number, one in enumerate(versions(_DOCUMENTS), start=1):
            told = {"n": number, "d": snapshot.document(one).decode()}
            conn.execute(sa.text("INSERT INTO bench_document VALUES (1, :n, :d)"), told)


def _theirs(make: Make, held: tuple[Held, Held]) -> int:
    before, after = (_grown(make(), partial(_load, held=one)) for one in held)
    return after - before


def _load(database: Database, held: Held) -> None:
    with database.write() as conn:
        for statement in _schema(held.schema.read_text(encoding="utf-8")):
            conn.execute(sa.text(statement))
    for table in TABLES:
        file = held.rows / f"{table}.csv"
        if database.is_sqlite:
            _insert(database, table, file)
        else:
            with database.write() as conn, _cursor(conn).copy(f"COPY {table} FROM STDIN (FORMAT csv, HEADER)") as copy:
                copy.write(file.read_bytes())


def _cursor(conn: sa.Connection) -> Any:
    """The driver's: SQLAlchemy knows no COPY."""
    assert conn.connection.driver_connection is not None
    return conn.connection.driver_connection.cursor()


def _insert(database: Database, table: str, file: Path) -> None:
    with file.open(encoding="utf-8", newline="") as lines, database.write() as conn:
        names, *rows = csv.reader(lines)
        marks = ", ".join("?" for _ in names)
        conn.exec_driver_sql(f"INSERT INTO {table} VALUES ({marks})", [tuple(row) for row in rows])


def _schema(script: str) -> Iterable[str]:
    """The tables that count, and their unique keys, as both databases understand them."""
    for theirs, own in _FOR_ALL.items():
        script = script.replace(theirs, own)
    for statement in script.split(";\n"):
        found = re.match(r"\s*(?:CREATE|ALTER) TABLE (\w+)", statement)
        if found is not None and found[1] in TABLES and "RESTART" not in statement:
            unique = re.search(r"ADD UNIQUE \(([^)]*)\)", statement)
            name = f"uq_{found[1]}_{len(unique[1])}" if unique is not None else ""
            yield statement if unique is None else f"CREATE UNIQUE INDEX {name} ON {found[1]} ({unique[1]})"


@contextmanager
def _sqlite(folder: Path) -> Iterator[Make]:
    numbers = count()
    yield lambda: f"sqlite:///{folder / f'storage-{next(numbers)}.db'}"


@contextmanager
def _postgresql() -> Iterator[Make]:
    found = programs.postgresql()
    if found is None:
        raise SystemExit(programs.missing()["postgresql"])
    with running_cluster(found) as cluster:
        cluster.make_template(lambda _: None)
        yield lambda: cluster.url(cluster.create())
