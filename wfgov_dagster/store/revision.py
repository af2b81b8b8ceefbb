"""Whether a database fits this release, told without Alembic: loading it takes longer than a small command runs."""

from pathlib import Path

from wfgov_dagster.errors import DatabaseMissing
from wfgov_dagster.settings import CHECKOUT
from wfgov_dagster.store.db import Database


def newest() -> str:
    """The revision of this release. Migrations are numbered without gaps, and a file begins with its number."""
    return max(file.name for file in (CHECKOUT / "sql" / "migrations" / "versions").glob("[0-9]*.py")).split("_")[0]


def is_current(database: Database) -> bool:
    """False: it is missing, empty, older or newer; `migrate.check` knows which. Makes no file."""
    if database.is_sqlite and not Path(str(database.url.database)).exists():
        return False
    try:
        with database.read() as conn:
            return [row[0] for row in conn.exec_driver_sql("SELECT version_num FROM alembic_version")] == [newest()]
    except DatabaseMissing:
        return False
