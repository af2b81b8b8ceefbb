"""What several files of this folder ask for."""

from collections.abc import Callable, Iterator

import pytest

from tests.integration.edited_estate import Estate
from tests.integration.flow_support import House
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
