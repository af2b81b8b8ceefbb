"""A database's revision, told without Alembic, is what Alembic says."""

from pathlib import Path

import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory

from wfgov_dagster.settings import CHECKOUT
from wfgov_dagster.store.db import Database
from wfgov_dagster.store.revision import is_current, newest


def test_the_newest_revision_is_that_of_alembic() -> None:
    config = Config()
    config.set_main_option("script_location", str(CHECKOUT / "sql" / "migrations"))
    assert newest() == ScriptDirectory.from_config(config).get_current_head()


def test_a_migrated_database_is_current(database: Database) -> None:
    assert is_current(database)


def test_a_newer_or_older_one_is_not(database: Database) -> None:
    with database.write() as conn:
        conn.execute(sa.text("UPDATE alembic_version SET version_num = '0000'"))
    assert not is_current(database)


def test_one_without_tables_is_not(database: Database) -> None:
    with database.write() as conn:
        conn.execute(sa.text("DROP TABLE alembic_version"))
    assert not is_current(database)


def test_a_missing_file_is_not_current_and_is_not_made(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'wfgov.db'}")
    assert not is_current(database)
    assert not list(tmp_path.iterdir())
