"""Leases between real processes (R7): never two holders at a time, and no late word of one that was stopped counts."""

import os
import signal
import time
from itertools import groupby
from pathlib import Path
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa

from tests.integration.embedded_support import until
from tests.integration.publish_support import Office, a_definition
from tests.support.killing import Tell, family
from tests.support.size import SEED, size
from wfgov_dagster.domain.definition import Definition
from wfgov_dagster.domain.flow import Biz
from wfgov_dagster.engines.embedded.engine import EmbeddedEngine
from wfgov_dagster.errors import LeaseHeld
from wfgov_dagster.ports.engine import Marker
from wfgov_dagster.ports.flows import NewFlow
from wfgov_dagster.store.db import Database
from wfgov_dagster.store.embedded import SqlEmbeddedStore
from wfgov_dagster.store.store import SqlStore, SqlWork
from wfgov_dagster.usecases.publish import drive
from wfgov_dagster.usecases.publisher import Limits, Publisher
from wfgov_dagster.usecases.sweep import Pace, sweep

PROCESSES = 8
ACQUISITIONS = size(10, 250)
LEASE_SECONDS = 0.4
LATE_LEASE_SECONDS = 1.0  # long enough to send something before it is over, on a busy machine too
FORGOTTEN = 0.02  # so many holders say nothing more, as if they had died

told = sa.Table(
    "told",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("word", sa.Text, nullable=False),
)


class EngineLease:
    """The lease of a workflow on an engine."""

    def make(self, work: SqlWork) -> int:
        return 1

    def take(self, work: SqlWork, which: int, holder: str) -> Any:
        return work.leases.take(which, "w", holder, LEASE_SECONDS)

    def keep(self, work: SqlWork, lease: Any) -> bool:
        return work.leases.keep(lease, LEASE_SECONDS)

    def give_back(self, work: SqlWork, lease: Any) -> None:
        work.leases.release(lease)


class LeaseOfFlow:
    def make(self, work: SqlWork) -> int:
        return work.flows.add(NewFlow("f", 1, Biz("1", "test"), {}, "ann"))

    def take(self, work: SqlWork, which: int, holder: str) -> Any:
        return work.flows.take(which, holder, LEASE_SECONDS)

    def keep(self, work: SqlWork, lease: Any) -> bool:
        return work.flows.keep(lease, LEASE_SECONDS)

    def give_back(self, work: SqlWork, lease: Any) -> None:
        work.flows.give_back(lease)


Kind = EngineLease | LeaseOfFlow


@pytest.fixture(params=[EngineLease, LeaseOfFlow])
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param()
    return found


@pytest.fixture
def store(database: Database) -> SqlStore:
    told.metadata.create_all(database.engine)
    return SqlStore(database)


# --- races ---------------------------------------------------------------------------------------


@pytest.mark.timeout(1800)
def test_of_many_processes_one_at_a_time_holds_it(
    store: SqlStore, database: Database, database_url: str, kind: Kind
) -> None:
    with store.write() as work:
        which = kind.make(work)
    chance = Random(SEED)
    with family() as children:
        names = [f"holder {at}" for at in range(PROCESSES)]
        started = [
            children.start(hold_again_and_again, database_url, kind, (which, name), chance.getrandbits(32))
            for name in names
        ]
        for child in started:
            child.wait()
    with database.read() as conn:
        rows = [tuple(row) for row in conn.execute(sa.select(*list(told.c)[1:]).order_by(told.c.id))]
    assert overlaps(rows) == [], f"seed {SEED}"
    assert len({epoch for epoch, *_ in rows}) > 0.5 * PROCESSES * ACQUISITIONS
    assert {holder for _, holder, _ in rows} == set(names)
    time.sleep(LEASE_SECONDS)
    with store.write() as work:
        after_all = kind.take(work, which, "the next one")
    assert after_all.epoch == PROCESSES * ACQUISITIONS + 1, "an acquisition without an epoch of its own"


def overlaps(rows: list[tuple[Any, ...]]) -> list[str]:
    """`rows`: (epoch, holder, word) in the order in which they were written."""
    found = []
    epochs = [epoch for epoch, *_ in rows]
    if epochs != sorted(epochs):
        found.append("an older holder wrote after a newer one")
    for epoch, group in groupby(rows, key=lambda row: row[0]):
        said = [(holder, word) for _, holder, word in group]
        if len({holder for holder, _ in said}) > 1 or [word for _, word in said] not in (["begin"], ["begin", "end"]):
            found.append(f"epoch {epoch}: {said}")
    return found


def hold_again_and_again(tell: Tell, url: str, kind: Kind, what: tuple[int, str], seed: int) -> None:
    """`what`: which one, and the holder's name."""
    database, chance, (which, holder) = Database(url), Random(seed), what
    for _ in range(ACQUISITIONS):
        while (lease := taken(database, kind, which, holder)) is None:
            time.sleep(chance.random() * 0.15)
        write(database, kind, lease, "begin")
        if chance.random() >= FORGOTTEN:
            write(database, kind, lease, "end")
            with database.write() as conn:
                kind.give_back(SqlWork(conn), lease)


def taken(database: Database, kind: Kind, which: int, holder: str) -> Any:
    with database.write() as conn:
        return kind.take(SqlWork(conn), which, holder)


def write(database: Database, kind: Kind, lease: Any, word: str) -> None:
    """Only whoever holds the lease writes; the check and the word are one transaction."""
    with database.write() as conn:
        if kind.keep(SqlWork(conn), lease):
            conn.execute(sa.insert(told).values(epoch=lease.epoch, holder=lease.holder, word=word))


@pytest.mark.parametrize(
    "rows",
    [
        [(1, "a", "begin"), (2, "b", "begin"), (1, "a", "end")],
        [(1, "a", "begin"), (1, "b", "begin")],
        [(1, "a", "begin"), (1, "a", "begin")],
        [(1, "a", "end")],
    ],
)
def test_the_judge_of_overlaps_sees_one(rows: list[tuple[Any, ...]]) -> None:
    assert overlaps(rows) != []
    assert overlaps([(1, "a", "begin"), (1, "a", "end"), (2, "b", "begin"), (3, "a", "begin")]) == []


# --- a holder that is stopped past its lease -----------------------------------------------------


def test_who_was_stopped_past_its_lease_has_no_word_any_more(
    store: SqlStore, database: Database, database_url: str, kind: Kind
) -> None:
    with store.write() as work:
        which = kind.make(work)
    with family() as children:
        child = children.start(say_something_late, database_url, kind, which)
        assert child.hear() == "holds it"
        child.wait_frozen()
        assert wait_for(database, kind, which, "the next one").epoch == 2
        child.thaw()
        assert child.hear() == "kept: False"
        child.wait()
        with database.read() as conn:
            assert conn.scalar(sa.select(sa.func.count()).select_from(told)) == 0
        assert taken(database, kind, which, "a third one") is None, "the late one gave back what it did not have"


def say_something_late(tell: Tell, url: str, kind: Kind, which: int) -> None:
    database = Database(url)
    lease = taken(database, kind, which, "the late one")
    tell("holds it")
    os.kill(os.getpid(), signal.SIGSTOP)
    write(database, kind, lease, "begin")
    with database.write() as conn:
        kept = kind.keep(SqlWork(conn), lease)
        kind.give_back(SqlWork(conn), lease)
    tell(f"kept: {kept}")


def wait_for(database: Database, kind: Kind, which: int, holder: str) -> Any:
    found: list[Any] = []

    def try_it() -> bool:
        found.append(taken(database, kind, which, holder))
        return found[-1] is not None

    until(try_it)
    return found[-1]


def test_a_write_of_one_that_was_stopped_reaches_the_engine_and_the_sweeper_finds_it(
    database: Database, database_url: str
) -> None:
    office = Office(database, settle_seconds=1.0)
    for text in ("echo 1", "echo 2"):
        office.save(a_definition("w", text))
        if text == "echo 1":
            office.publish("deploy")
    with family() as children:
        record_id = office.ask("deploy")
        child = children.start(publish_late, database_url, record_id)
        assert child.hear() == "sends V2"
        child.wait_frozen()
        time.sleep(LATE_LEASE_SECONDS)
        office.save(a_definition("w", "echo 3"))
        assert office.publish("deploy").status == "success"
        before = everything(office)
        child.thaw()
        assert child.hear() == "sent V2"
        told_by_child = child.hear()
        child.wait()
    assert told_by_child == "superseded"
    assert everything(office) == before, "its late word was written"
    assert office.state()[0] == "echo 2", "its write has not reached the engine"
    assert swept(office) == ["restoring"]
    (restore,) = (row["id"] for row in office.rows("workflow_publish_record") if row["status"] == "pending")
    assert office.drive(restore).status == "success"
    assert (office.state()[0], swept(office)) == ("echo 3", ["as_confirmed"])


class StoppedEngine(EmbeddedEngine):
    """Its caller is stopped when the request is on its way."""

    tell: Tell

    def deploy(self, definition: Definition, marker: Marker) -> None:
        self.tell(f"sends V{marker.version_no}")
        os.kill(os.getpid(), signal.SIGSTOP)
        super().deploy(definition, marker)
        self.tell(f"sent V{marker.version_no}")


def publish_late(tell: Tell, url: str, record_id: int) -> None:
    database = Database(url)
    engine = StoppedEngine("embedded", SqlEmbeddedStore(database), Path())
    engine.tell = tell
    limits = Limits(lease_seconds=LATE_LEASE_SECONDS, call_seconds=LATE_LEASE_SECONDS / 10)
    publisher = Publisher(SqlStore(database), lambda _: engine, "the late one", lambda: 0.0, limits)
    try:
        tell(str(drive(publisher, record_id, time.sleep).phase))
    except LeaseHeld as refusal:
        tell(str(refusal))


def everything(office: Office) -> list[Any]:
    """What the platform says about publishing."""
    tables = ("workflow_publish_record", "publish_step", "engine_deployment", "engine_lease", "data_workflow")
    return [office.rows(table) for table in tables]


def swept(office: Office) -> list[str]:
    return [one.found for one in sweep(office.publisher(), "system", Pace(sleep=lambda _: None))]
