"""Whatever is edited, in whatever order: deriving after each few edits gives what deriving everything again gives."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from tests.integration.derivation_support import Edits, check_by_search, exported, forget
from tests.support.database_copy import a_copy
from tests.support.size import SEED, size
from wfgov_dagster.store.db import Database
from wfgov_dagster.store.store import SqlStore
from wfgov_dagster.usecases.orchestrate import Options, orchestrate

EDITS = size(50, 1000)
COMPARED_AFTER = size(10, 50)


@pytest.mark.timeout(7200)
@settings(max_examples=size(1, 3), suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate])
@given(seed=st.integers(0, 2**32 - 1))
def test_incremental_is_equal_to_full(new_database: Callable[[], str], tmp_path_factory, seed: int) -> None:
    note(f"seed {seed}, WFGOV_TEST_SEED={SEED}")
    chance = Random(seed)
    database = Database(new_database())
    try:
        follow(database, [chance.getrandbits(32) for _ in range(EDITS)], tmp_path_factory.mktemp("copies"))
    finally:
        database.dispose()


def follow(database: Database, numbers: list[int], folder: Path) -> None:
    """Edit; derive after each few edits; compare with a full rebuild after each COMPARED_AFTER."""
    store = SqlStore(database)
    made = []
    for at, number in enumerate(numbers, start=1):
        with database.write() as conn:
            made.append(Edits(conn).make(number))
        if at % COMPARED_AFTER == 0 or number % 5 < 2:  # by the edit itself: a shorter list of edits means the same
            report = orchestrate(store, "system", Options())
            assert report.dependencies.mode == "incremental"
        if at % COMPARED_AFTER == 0:
            compare(database, folder, made)


def compare(database: Database, folder: Path, made: list[str]) -> None:
    kept = exported(database)
    check_by_search(database)
    with a_copy(database, folder) as url:
        copy = Database(url)
        forget(copy)
        report = orchestrate(SqlStore(copy), "system", Options(full=True))
        assert report.dependencies.mode == "full"
        assert report.definitions.placed == report.definitions.moved == 0, "a full rebuild moves no task"
        assert report.versions == (), "a full rebuild makes no version"
        rebuilt = exported(copy)
        copy.dispose()
    differing = set(kept.splitlines()) ^ set(rebuilt.splitlines())
    assert kept == rebuilt, f"after {len(made)} edits, the last {made[-COMPARED_AFTER:]}: {sorted(differing)}"
