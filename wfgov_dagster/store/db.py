"""Connections: one pool a process, made at the first use; read and write transactions; errors in our words."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from importlib import import_module
from typing import Any

import sqlalchemy as sa

from wfgov_dagster.errors import Conflict, DatabaseBusy, DatabaseMissing, InvalidInput, StoreError, WfgovError

_OVERTAKEN = ("40001", "40P01")  # SQLSTATE of a serialization failure and of a deadlock: somebody else was quicker


class Database:
    """Opens transactions. Nothing is connected before the first one."""

    def __init__(self, url: str, busy_timeout_seconds: float = 30.0) -> None:
        self.url = normalised(url)
        self._busy_timeout_seconds = busy_timeout_seconds

    @property
    def is_sqlite(self) -> bool:
        return self.url.get_backend_name() == "sqlite"

    @cached_property
    def engine(self) -> sa.Engine:
        if not self.is_sqlite:
            return sa.create_engine(self.url, pool_pre_ping=True, hide_parameters=True)
        engine = sa.create_engine(self.url, hide_parameters=True, connect_args={"timeout": self._busy_timeout_seconds})
        sa.event.listen(engine, "connect", _set_up_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
        return engine

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """One consistent view of the database; never writes."""
        options: dict[str, Any] = (
            {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        )
        with self._transaction(options) as conn:
            yield conn

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Commits at the end, rolls back on an error. On SQLite it is the one writer from its first statement."""
        with self._transaction({"wfgov_write": True}) as conn:
            yield conn

    @contextmanager
    def _transaction(self, options: dict[str, Any]) -> Iterator[sa.Connection]:
        with self._translated(), self.engine.connect() as conn:
            conn.execution_options(**options)
            with conn.begin():
                yield conn

    def dispose(self) -> None:
        if "engine" in self.__dict__:
            self.engine.dispose()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.DBAPIError as exc:
            raise self._error(exc.orig or exc) from exc
        except self._driver.Error as exc:  # COPY goes past SQLAlchemy
            raise self._error(exc) from exc

    @property
    def _driver(self) -> Any:
        """The DB-API module. psycopg is loaded only where it is used: that takes longer than a small command."""
        return import_module("sqlite3" if self.is_sqlite else "psycopg")

    def _error(self, exc: BaseException) -> WfgovError:
        text = _first_line(exc)
        if "database is locked" in text or getattr(exc, "sqlstate", None) in _OVERTAKEN:
            return DatabaseBusy("the database is busy", where=self.shown(), hint="try again")
        if "no such table" in text or "does not exist" in text:
            return DatabaseMissing(text, where=self.shown(), hint="run: wfgov db upgrade")
        if isinstance(exc, self._driver.IntegrityError):
            return Conflict(f"the database refused it: {text}", where=self.shown())
        if isinstance(exc, self._driver.DataError):
            return InvalidInput(f"the database cannot hold it: {text}", where=self.shown())
        return StoreError(text, where=self.shown())

    def shown(self) -> str:
        """The URL without its password."""
        return self.url.render_as_string(hide_password=True)


def normalised(url: str) -> sa.URL:
    """`postgresql://` means psycopg 3, the driver that is installed. Raises InvalidInput for anything else."""
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError) as exc:  # ValueError: a port that is no number
        raise InvalidInput("the database URL cannot be read", hint="sqlite:///file.db or postgresql://…") from exc
    if parsed.get_backend_name() == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() == "sqlite":
        if not parsed.database or parsed.database == ":memory:":
            raise InvalidInput("an SQLite database has to be a file", hint="sqlite:///wfgov.db")
        return parsed.set(drivername="sqlite")
    raise InvalidInput(f"no support for {parsed.get_backend_name()!r} databases", hint="sqlite or postgresql")


def _set_up_sqlite(dbapi_connection: Any, _record: object) -> None:
    dbapi_connection.isolation_level = None  # SQLAlchemy's `begin` below decides, not the driver
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        dbapi_connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(conn: sa.Connection) -> None:
    writes = conn.get_execution_options().get("wfgov_write", False)
    conn.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _first_line(exc: BaseException) -> str:
    lines = str(exc).strip().splitlines()
    return lines[0] if lines else type(exc).__name__
