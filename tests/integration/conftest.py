"""What several files of this folder ask for."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import BOTH
from tests.integration.cli_support import Cli
from tests.integration.edited_estate import Estate
from tests.integration.flow_support import House
from tests.support.database_copy import a_copy
from tests.support.postgres import Cluster
from wfgov_dagster.store.db import Database


@pytest.fixture(scope="module")
def shared_house(new_database: Callable[[], str]) -> Iterator[House]:
    database = Database(new_database())
    yield House(database)
    database.dispose()


@pytest.fixture
def house(shared_house: House) -> House:
    """Flows over a database of the whole file, empty."""
    shared_house.clear()
    return shared_house


@pytest.fixture
def estate(database: Database) -> Estate:
    return Estate(database)


# --- the small estate of cli_support, imported and orchestrated once, copied for each test --------


@pytest.fixture(scope="session")
def derived_sqlite(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Database:
    folder = tmp_path_factory.mktemp("derived")
    return derive(f"sqlite:///{shutil.copy(sqlite_template, folder / 'wfgov.db')}", folder)


@pytest.fixture(scope="session")
def derived_postgresql(postgres_cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Database:
    return derive(postgres_cluster.url(postgres_cluster.create()), tmp_path_factory.mktemp("derived"))


def derive(url: str, folder: Path) -> Database:
    Cli(url, folder / "home").derived(folder / "estate")
    return Database(url)


@pytest.fixture
def derived(derived_sqlite: Database, tmp_path: Path) -> Iterator[Cli]:
    with a_copy(derived_sqlite, tmp_path) as url:
        yield Cli(url, tmp_path / "home")


@pytest.fixture(params=BOTH)
def derived_on_both(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Cli]:
    with a_copy(request.getfixturevalue(f"derived_{request.param}"), tmp_path) as url:
        yield Cli(url, tmp_path / "home")
