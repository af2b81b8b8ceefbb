"""What every other test stands on."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import programs
from tests.support.browser import Browser
from tests.support.size import SEED, SIZE, size
from wfgov_dagster.errors import Conflict
from wfgov_dagster.settings import CHECKOUT
from wfgov_dagster.store import migrate
from wfgov_dagster.store.db import Database


def test_a_database_is_migrated(database_url: str) -> None:
    migrate.check(database_url)


@pytest.mark.parametrize("turn", [1, 2])
def test_no_test_sees_what_another_wrote(database: Database, turn: int) -> None:
    with database.write() as conn:
        conn.execute(sa.text("CREATE TABLE left_behind (turn integer)"))  # fails where an earlier turn's is still there
    with database.read() as conn:
        assert conn.execute(sa.text("SELECT count(*) FROM left_behind")).scalar() == 0


def test_both_databases_enforce_foreign_keys(database: Database) -> None:
    with database.write() as conn:
        conn.execute(sa.text("CREATE TABLE parent (id integer PRIMARY KEY)"))
        conn.execute(sa.text("CREATE TABLE child (id integer REFERENCES parent (id))"))
    with pytest.raises(Conflict), database.write() as conn:
        conn.execute(sa.text("INSERT INTO child VALUES (1)"))


def test_postgresql_sorts_unlike_bytes_unless_told(postgres_url: str) -> None:
    database = Database(postgres_url)
    with database.read() as conn:
        words = "SELECT word FROM (VALUES ('b'), ('B'), ('a'), ('_')) AS t (word) ORDER BY word"
        assert conn.execute(sa.text(words)).scalars().all() == ["_", "a", "b", "B"]
        assert conn.execute(sa.text(f'{words} COLLATE "C"')).scalars().all() == ["B", "_", "a", "b"]
    database.dispose()


@settings(max_examples=3)
@given(word=st.text(alphabet="abc", min_size=1))
def test_every_example_of_hypothesis_can_have_its_own_database(new_database: Callable[[], str], word: str) -> None:
    database = Database(new_database())
    with database.write() as conn:
        conn.execute(sa.text(f"CREATE TABLE left_behind (word_{word} integer)"))  # fails where it is still there
    database.dispose()


def test_new_databases_are_different_ones(new_database: Callable[[], str]) -> None:
    first, second = new_database(), new_database()
    assert first != second
    migrate.check(second)


def test_nobodys_settings_reach_a_test() -> None:
    ours = {name for name in os.environ if name.startswith("WFGOV_") and not name.startswith("WFGOV_TEST_")}
    assert ours == {"WFGOV_HOME"}
    assert not Path(os.environ["WFGOV_HOME"]).is_relative_to(CHECKOUT)


def test_size_chooses_by_the_environment() -> None:
    assert size("few", "many") == {"small": "few", "soak": "many"}[SIZE]
    assert os.environ["WFGOV_TEST_SEED"] == str(SEED)


def test_the_browser_shows_a_page(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content("<h1>wfgov</h1>")
    assert page.inner_text("h1") == "wfgov"
    page.close()


# Runs this very file on a machine that has neither PostgreSQL nor a browser.
POOR = """
import sys
from pathlib import Path
import pytest
from tests.support import programs
programs.DEBIAN_POSTGRESQL = Path("/nowhere")
sys.exit(pytest.main(sys.argv[1:]))
"""


def on_a_poor_machine(*, ci: str) -> "subprocess.CompletedProcess[str]":
    wanted = ["-k", "is_migrated or shows_a_page", "-p", "no:cacheprovider", "tests/architecture/test_fixtures.py"]
    environment = {**os.environ, "PATH": "/nowhere", "CI": ci}
    command = [sys.executable, "-c", POOR, *wanted]
    return subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)


def test_a_missing_program_leaves_its_tests_out_and_the_last_line_says_so() -> None:
    done = on_a_poor_machine(ci="")
    assert done.returncode == pytest.ExitCode.OK, done.stdout + done.stderr
    assert "1 passed" in done.stdout
    last = done.stdout.splitlines()[-1]
    assert last.startswith("Left out")
    assert "PostgreSQL" in last
    assert "Chromium" in last


def test_a_missing_program_fails_ci() -> None:
    done = on_a_poor_machine(ci="true")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "PostgreSQL" in done.stderr
    assert "Chromium" in done.stderr


def test_a_rich_machine_lacks_nothing(postgres_url: str, browser: Browser) -> None:
    assert programs.missing() == {}
