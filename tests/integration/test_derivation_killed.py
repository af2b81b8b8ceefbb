"""A deriver that is killed with −9 anywhere, while edits go on, loses nothing and leaves nothing half done."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from tests.integration.derivation_support import Edits
from tests.integration.test_derivation_random import compare
from tests.support.size import SEED, size
from wfgov_dagster.settings import CHECKOUT
from wfgov_dagster.store.db import Database
from wfgov_dagster.store.store import SqlStore
from wfgov_dagster.usecases.orchestrate import Options, orchestrate

KILLS = size(2, 60)
LIVES_AT_MOST_SECONDS = 0.25


@pytest.mark.timeout(3600)
def test_after_each_kill_a_normal_run_ends_equal_to_a_rebuild(database: Database, tmp_path: Path) -> None:
    chance = Random(SEED)
    made: list[str] = []
    for _ in range(KILLS):
        with deriving(database):
            until = time.monotonic() + chance.random() * LIVES_AT_MOST_SECONDS
            made.append(edit(database, chance))
            while time.monotonic() < until:
                made.append(edit(database, chance))
        # here the child is dead, wherever it was
        orchestrate(SqlStore(database), "system", Options())
        check_integrity(database)
        compare(database, tmp_path, [f"seed {SEED}", *made])


def edit(database: Database, chance: Random) -> str:
    with database.write() as conn:
        return Edits(conn).make(chance.getrandbits(32))


@contextmanager
def deriving(database: Database) -> Iterator[None]:
    """A process that derives all the time, until it is killed at the end of the block."""
    url = database.url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "tests.integration.orchestrating_child", url.replace("+psycopg", "")]
    child = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    with child.stdout:
        try:
            assert child.stdout.readline() == "ready\n"
            yield
            assert child.poll() is None, "it ended before it was killed"
        finally:
            child.kill()
            child.wait()


def check_integrity(database: Database) -> None:
    if database.is_sqlite:
        with database.read() as conn:
            assert conn.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
