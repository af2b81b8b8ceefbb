"""Engines that are DolphinScheduler servers, for tests."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pydantic import SecretStr

from wfgov_dagster.engines.dolphin.engine import DolphinEngine
from wfgov_dagster.ports.publishing import RegisteredEngine
from wfgov_dagster.store.db import Database
from wfgov_dagster.store.dolphin import SqlDolphinMemory

At = Callable[[str], DolphinEngine]


@contextmanager
def engines(database_url: str, project: str, token: SecretStr, tenant: str | None = None) -> Iterator[At]:
    """The engine behind a URL, with a memory that they share."""
    database = Database(database_url)
    made: list[DolphinEngine] = []

    def at(url: str) -> DolphinEngine:
        row = RegisteredEngine(1, "dolphin", "dolphin", url, project, "env:TOKEN", tenant)
        made.append(DolphinEngine(row, lambda: token, SqlDolphinMemory(database, 1)))
        return made[-1]

    yield at
    for one in made:
        one.close()
    database.dispose()
