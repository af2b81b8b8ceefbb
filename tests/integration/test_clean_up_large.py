"""A large log is cleaned up while others save and publish: nobody waits for one of its transactions."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.publishing_child import Clerk, Life, publish_what_is_left
from tests.integration.retention_support import Archive, wrongs
from tests.support.killing import Tell, family
from tests.support.size import SEED, SIZE, size
from tests.support.waiting import computed_and_waited
from wfgov_dagster.domain import snapshot
from wfgov_dagster.domain.definition import Settings, Task, make
from wfgov_dagster.domain.version import Draft, structure
from wfgov_dagster.errors import LeaseHeld
from wfgov_dagster.store.db import Database
from wfgov_dagster.store.schema.workflow import (
    canonical_document,
    task_definition,
    task_definition_log,
    workflow_edge,
    workflow_edge_log,
    workflow_task_log,
    workflow_version,
)
from wfgov_dagster.store.store import SqlStore, SqlWork
from wfgov_dagster.store.writes import insert

WORKFLOWS, VERSIONS, READERS = size((2, 60, 25), (20, 1000, 50))  # edge rows: their product
PUBLISHED = tuple(f"w{at}" for at in range(3))
LONGEST_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Held:
    """Of these seconds, here and in the database's server: `waited` for a processor, which a machine with other work
    makes longer, and `computed`. What is not waited is the transaction's own, disks and locks included."""

    seconds: float
    computed: float
    waited: float

    @property
    def own(self) -> float:
        return self.seconds - self.waited


class TimedStore:
    """Knows how long each transaction that writes has held what it locked, until it is committed: from its beginning,
    or, on PostgreSQL, from when it had the lock on a workflow, for which it may have waited without holding anything.
    SQLite's one lock it has from its beginning."""

    def __init__(self, database: Database) -> None:
        self._database, self._inner = database, SqlStore(database)
        self.read = self._inner.read
        self.held: list[Held] = []

    @contextmanager
    def write(self) -> Iterator[SqlWork]:
        begun = self._now(None)
        server: int | None = None

        def start(found: object) -> object:
            nonlocal begun
            begun = self._now(server)
            return found

        try:
            with self._inner.write() as work:
                if not self._database.is_sqlite:
                    server = work._conn.connection.driver_connection.info.backend_pid  # type: ignore[union-attr]
                    lock = work.publishing.workflow
                    work.publishing.workflow = lambda *one, **how: start(lock(*one, **how))  # type: ignore[method-assign]
                start(None)
                yield work
        finally:
            self.held.append(Held(*(after - before for before, after in zip(begun, self._now(server), strict=True))))

    def _now(self, server: int | None) -> tuple[float, float, float]:
        there = (0.0, 0.0) if server is None else computed_and_waited(server)
        computed, waited = computed_and_waited()
        return time.monotonic(), computed + there[0], waited + there[1]


def fill(archive: Archive, code: str) -> None:
    """One task that changed with each version, and others that read what it writes: each version has edges of its own.
    Past the save functions, which would take an hour for so many; what they would have written is written here."""
    archive.office.create(code)
    workflow = archive.office.workflow(code)
    assert workflow is not None
    hub, readers = f"{code}.hub", [Task(f"{code}.r{at:03}", f"Reader {at}") for at in range(READERS)]
    edges = [(hub, one.code) for one in readers]
    bodies = {one.code: snapshot.task_body(one).decode() for one in readers}
    texts = {snapshot.digest(text.encode()): text for text in bodies.values()}
    logged = [(one, 1, snapshot.digest(text.encode()), "ann", "ann", _OLD, _OLD) for one, text in bodies.items()]
    rows, intervals = [], []
    members: list[tuple[object, ...]] = [(workflow["id"], one.code, 1, 1, None) for one in readers]
    for number in range(1, VERSIONS + 1):
        task = Task(hub, "Hub", text=f"select {number}")
        definition = make(Settings(code, code), [task, *readers], edges)
        body = snapshot.task_body(task)
        texts[snapshot.digest(body)] = body.decode()
        logged.append((hub, number, snapshot.digest(body), "ann", "ann", _OLD, _OLD))
        hashes = snapshot.hashes(definition)
        draft = Draft(workflow["id"], definition, hashes, "", "manual")
        text = structure(draft)
        rows.append((workflow["id"], number, text, hashes.content, hashes.functional, "", "manual", "ann", _OLD))
        last = None if number == VERSIONS else number
        intervals += [(code, hub, one.code, number, 1, number, last, "ann") for one in readers]
        members.append((workflow["id"], hub, number, number, last))
    current = [(*one[:3], "ann", _OLD, _OLD) for one in [*logged[:READERS], logged[-1]]]
    now = [(*one[:5], VERSIONS) for one in intervals[-READERS:]]
    with archive.database.write() as conn:
        insert(conn, canonical_document, ("hash", "body"), list(texts.items()))
        columns = ("task_code", "version", "body_hash", "operator", "created_by", "created_at", "operated_at")
        insert(conn, task_definition_log, columns, logged)
        columns = ("task_code", "version", "body_hash", "created_by", "created_at", "updated_at")
        insert(conn, task_definition, columns, current)
        columns = ("workflow_id", "version_no", "structure_snapshot", "content_hash", "functional_hash",
                   "change_summary", "trigger_source", "created_by", "created_at")  # fmt: skip
        insert(conn, workflow_version, columns, rows)
        edge = ("workflow_code", "pre_task_code", "post_task_code", "pre_task_version", "post_task_version")
        insert(conn, workflow_edge_log, (*edge, "from_version", "to_version", "operator"), intervals)
        columns = ("workflow_id", "task_code", "task_version", "from_version", "to_version")
        insert(conn, workflow_task_log, columns, members)
        insert(conn, workflow_edge, (*edge, "workflow_version"), now)
    newest = "SELECT max(id) FROM workflow_version WHERE workflow_id = data_workflow.id"
    archive.execute(f"UPDATE data_workflow SET current_version_id = ({newest}) WHERE id = :id", id=workflow["id"])


def publish_on(tell: Tell, life: Life) -> None:
    """Its own workflows only: the clean-up is driven by who measures it."""
    clerk = Clerk(life)
    clerk.take_up = lambda _code: None  # type: ignore[method-assign]
    tell("begun")
    while True:
        code = clerk.chance.choice(clerk.mine)
        try:
            clerk.chance.choice([clerk.edit, clerk.deploy, clerk.deploy, clerk.switch])(code)
        except LeaseHeld:
            time.sleep(0.005)


def successes(archive: Archive) -> int:
    return sum(row["status"] == "success" for row in archive.rows("workflow_publish_record"))


_OLD = "2020-01-01 00:00:00.000000"


@pytest.mark.timeout(7200)
def test_it_holds_nobody_up_while_others_publish(
    database: Database, database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = Archive(database, turn_seconds=1.0)
    codes = [f"big{at:02}" for at in range(WORKFLOWS)]
    for code in codes:
        fill(archive, code)
    archive.rule()
    timed = archive.store = TimedStore(database)  # type: ignore[assignment]
    archive.office.store = timed  # type: ignore[assignment]
    with family() as children:
        clerk = children.start(publish_on, Life(database_url, tmp_path, SEED, PUBLISHED))
        clerk.hear()
        while not successes(archive):
            time.sleep(0.05)
        before = successes(archive)
        flow_id = archive.begin()
        timed.held.clear()
        begun = time.monotonic()
        done = archive.drive(flow_id)
        took, published = time.monotonic() - begun, successes(archive) - before
        clerk.kill()
        children.start(publish_what_is_left, Life(database_url, tmp_path, SEED, PUBLISHED)).wait()
    assert (done.state, done.error) == ("Finished", None)
    removed = {one.what: 0 for one in done.removed}
    for one in done.removed:
        if one.workflow_code in {*codes, ""}:
            removed[one.what] += one.rows
    assert removed["versions"] == WORKFLOWS * (VERSIONS - 1)
    assert removed["members"] == WORKFLOWS * (VERSIONS - 1)
    assert removed["edges"] == WORKFLOWS * (VERSIONS - 1) * READERS
    assert removed["tasks"] >= WORKFLOWS * (VERSIONS - 1)
    assert removed["bodies"] >= WORKFLOWS * (VERSIONS - 1)
    longest = sorted(timed.held, key=lambda one: -one.own)[:5]
    told = ", ".join(
        f"{1000 * one.own:.1f} ({1000 * one.computed:.1f} computing; + {1000 * one.waited:.1f} without a processor)"
        for one in longest
    )
    with capsys.disabled():
        sys.stdout.write(
            f"\n{database.url.get_backend_name()}: {done.rows} rows in {took:.1f} s, {len(timed.held)} transactions,"
            f" the longest held {told} ms; {published} publishes meanwhile\n"
        )
    assert all(archive.there(code) == [VERSIONS] for code in codes)
    assert wrongs(archive) == []
    if SIZE == "soak":
        assert published > 0
        assert longest[0].own <= LONGEST_SECONDS
