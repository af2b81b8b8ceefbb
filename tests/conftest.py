"""Databases, browser and sizes for every test; see tests/support."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import memory, programs, shared
from tests.support.browser import Browser, running_browser
from tests.support.dolphin import Dolphin, shared_dolphin
from tests.support.postgres import Cluster, running_cluster
from tests.support.size import SEED, SIZE
from wfgov_dagster.store import migrate
from wfgov_dagster.store.db import Database

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]
NEEDS = {
    "postgres_cluster": "postgresql",
    "browser": "browser",
    "dolphin_server": "dolphin",
}  # fixture → marker of whoever asks for it
LACKS = programs.missing()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write golden files; a person reads the difference")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compares a text with the file of that name in the folder `golden` beside the test."""

    def compare(name: str, text: str) -> None:
        file = request.path.parent / "golden" / name
        if request.config.getoption("--update-golden"):
            file.write_text(text, encoding="utf-8")
        assert file.read_text(encoding="utf-8") == text, "if it is meant: --update-golden, and read the difference"

    return compare


# --- what this machine can run -------------------------------------------------------------------


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    if LACKS and os.environ.get("CI") == "true":
        raise pytest.UsageError(f"CI has to run every test, but this machine lacks: {'; '.join(LACKS.values())}")
    memory.use()
    shared.share()
    if SIZE == "soak":
        config.option.hypothesis_seed = str(SEED)


def pytest_report_header() -> str:
    return f"size: {SIZE}, seed: {SEED} (WFGOV_TEST_SIZE, WFGOV_TEST_SEED)"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        for fixture in set(getattr(item, "fixturenames", ())) & set(NEEDS):
            item.add_marker(NEEDS[fixture])
    left_out = [item for item in items if any(item.get_closest_marker(name) for name in LACKS)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not any(item.get_closest_marker(name) for name in LACKS)]


def pytest_unconfigure(config: pytest.Config) -> None:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if LACKS and reporter is not None:
        reporter.write_line(
            f"Left out: tests that need what this machine lacks: {'; '.join(LACKS.values())}", yellow=True
        )


# --- the environment -----------------------------------------------------------------------------


@pytest.fixture(scope="session", autouse=True)
def _own_environment(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Nobody's settings reach a test, and no test writes into the checkout.

    What a script starts in its background ignores SIGINT; Dagster then makes SIGTERM ignored, too, and everything that
    a test starts would inherit both.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in [name for name in os.environ if name.startswith(("WFGOV_", "DAGSTER_"))]:
        if not name.startswith("WFGOV_TEST_"):
            del os.environ[name]
    os.environ["WFGOV_HOME"] = str(tmp_path_factory.mktemp("home"))
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "1"


# --- databases: each migrated once, then copied --------------------------------------------------


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("sqlite") / "template.db"
    migrate.upgrade(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[Cluster]:
    folder = programs.postgresql()
    assert folder is not None, "tests that need PostgreSQL are left out where it is missing"
    with running_cluster(folder) as cluster:
        cluster.make_template(migrate.upgrade)
        yield cluster


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    return f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'wfgov.db')}"


@pytest.fixture
def postgres_url(postgres_cluster: Cluster) -> Iterator[str]:
    name = postgres_cluster.create()
    yield postgres_cluster.url(name)
    postgres_cluster.drop(name)


@pytest.fixture(params=BOTH)
def database_url(request: pytest.FixtureRequest) -> str:
    """A migrated, empty database, once on SQLite and once on PostgreSQL."""
    return str(request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url"))


@pytest.fixture(scope="session", params=BOTH)
def new_database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], str]:
    """Makes a database a call: for Hypothesis, whose examples share the fixtures of one test. Kept until the end."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        return lambda: f"sqlite:///{shutil.copy(template, tmp_path_factory.mktemp('sqlite') / 'wfgov.db')}"
    cluster: Cluster = request.getfixturevalue("postgres_cluster")
    return lambda: cluster.url(cluster.create())


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.dispose()


# --- a browser -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium without a window. A module's, not a session's: while it lives its event loop is this thread's."""
    with running_browser(programs.chromium()) as browser:
        yield browser


# --- a DolphinScheduler --------------------------------------------------------------------------


@pytest.fixture(scope="session")
def dolphin_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dolphin]:
    """A real server, one for all workers of this test run; each test makes itself a project."""
    own = tmp_path_factory.getbasetemp()
    with shared_dolphin(own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) as server:
        yield server
