"""The one place that knows every implementation; each is made at its first use, so that commands start quickly."""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from wfgov_dagster.settings import Settings

if TYPE_CHECKING:
    from wfgov_dagster.ports.metadata import ImportBatch
    from wfgov_dagster.store.db import Database
    from wfgov_dagster.store.store import SqlStore


class Platform:
    """What an installation consists of. One per process; `close` ends its connections."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()

    @cached_property
    def database(self) -> "Database":
        """Raises DatabaseMissing, DatabaseOlder or DatabaseNewer; an SQLite file that is not there yet is made."""
        from wfgov_dagster.store.db import Database
        from wfgov_dagster.store.revision import is_current

        database = Database(self.settings.url(), self.settings.busy_timeout_seconds)
        if not is_current(database):
            from wfgov_dagster.store.migrate import check

            check(self.settings.url())
        return database

    @cached_property
    def store(self) -> "SqlStore":
        from wfgov_dagster.store.store import SqlStore

        return SqlStore(self.database)

    def close(self) -> None:
        if "database" in self.__dict__:
            self.database.dispose()


def upgrade_database(settings: Settings) -> str:
    """Migrate; returns the revision."""
    from wfgov_dagster.store.migrate import upgrade

    return upgrade(settings.url())


def read_csv(folder: Path) -> "ImportBatch":
    from wfgov_dagster.importers.csv_folder import read_csv_folder

    return read_csv_folder(folder)


def read_sql(folder: Path, dialect: str) -> "ImportBatch":
    from wfgov_dagster.importers.sql_text import read_sql_folder

    return read_sql_folder(folder, dialect)
