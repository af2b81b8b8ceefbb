"""Leases between real processes (R7): never two holders at a time, and no late word of one that was stopped counts."""

import time
from itertools import groupby
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa

from tests.support.killing import Tell, family
from tests.support.size import SEED, size
from wfgov_dagster.domain.flow import Biz
from wfgov_dagster.ports.flows import NewFlow
from wfgov_dagster.store.db import Database
from wfgov_dagster.store.store import SqlStore, SqlWork

PROCESSES = 8
ACQUISITIONS = size(25, 250)
LEASE_SECONDS = 0.4
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
    assert len({epoch for epoch, *_ in rows}) > 0.9 * PROCESSES * ACQUISITIONS
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
            time.sleep(chance.random() * 0.06)
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
