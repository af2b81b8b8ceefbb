"""Migrations by Alembic. The scripts are in sql/migrations; this is the only way they are run."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from wfgov_dagster.errors import DatabaseMissing, DatabaseNewer, DatabaseOlder, StoreError
from wfgov_dagster.settings import CHECKOUT
from wfgov_dagster.store.db import Database


def upgrade(url: str) -> str:
    """Bring the database to this release; returns the revision it has then. An SQLite file is copied beside first.

    Raises DatabaseNewer when a newer release made it.
    """
    database = Database(url)
    try:
        before = _revision(database) if _exists(database) else None
        scripts = ScriptDirectory.from_config(_config())
        head = scripts.get_current_head() or ""
        if before == head:
            return head
        _check_known(before, scripts, database)
        if before is not None and database.is_sqlite:
            _copy(database)
        _run(database, command.upgrade, "head")
        return head
    finally:
        database.dispose()


def downgrade(url: str, revision: str = "base") -> None:
    """Back to what an older release had; "base": remove everything that migrations made."""
    database = Database(url)
    try:
        _run(database, command.downgrade, revision)
    finally:
        database.dispose()


def check(url: str) -> None:
    """Raises DatabaseMissing, DatabaseOlder or DatabaseNewer unless the database fits this release.

    An SQLite file that does not exist yet is made.
    """
    database = Database(url)
    try:
        if database.is_sqlite and not Path(str(database.url.database)).exists():
            upgrade(url)
            return
        revision = _revision(database)
        scripts = ScriptDirectory.from_config(_config())
        _check_known(revision, scripts, database)
        if revision is None:
            raise DatabaseMissing("no tables there yet", where=database.shown(), hint="run: wfgov db upgrade")
        if revision != scripts.get_current_head():
            raise DatabaseOlder(f"is at {revision}", where=database.shown(), hint="run: wfgov db upgrade")
    finally:
        database.dispose()


def _run(database: Database, way: Callable[[Config, str], None], revision: str) -> None:
    if database.is_sqlite:
        _make_folder(Path(str(database.url.database)).parent)
    with database.write() as conn:
        if not database.is_sqlite:  # two replicas that start at once: one migrates, the other finds it done
            conn.exec_driver_sql("SELECT pg_advisory_xact_lock(7766)")
        config = _config()
        config.attributes["connection"] = conn
        way(config, revision)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        hint = "set WFGOV_HOME or WFGOV_DATABASE_URL"
        raise StoreError(f"cannot make the database's folder: {exc.strerror}", where=str(folder), hint=hint) from exc


def _exists(database: Database) -> bool:
    return not database.is_sqlite or Path(str(database.url.database)).exists()


def _revision(database: Database) -> str | None:
    with database.read() as conn:
        if not sa.inspect(conn).has_table("alembic_version"):
            return None
        return MigrationContext.configure(conn).get_current_revision()


def _check_known(revision: str | None, scripts: ScriptDirectory, database: Database) -> None:
    if revision is not None and revision not in {script.revision for script in scripts.walk_revisions()}:
        raise DatabaseNewer(
            f"revision {revision} is not known here", where=database.shown(), hint="install the newer release"
        )


def _copy(database: Database) -> Path:
    """By SQLite itself: what was committed may still be in the write-ahead log only."""
    file = Path(str(database.url.database))
    target = file.with_name(f"{file.name}.before-{datetime.now(UTC):%Y%m%dT%H%M%S}")
    with database.read() as conn, closing(sqlite3.connect(target)) as copy:
        driver: Any = conn.connection.dbapi_connection
        driver.backup(copy)
    shutil.copymode(file, target)
    return target


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(CHECKOUT / "sql" / "migrations"))
    return config
