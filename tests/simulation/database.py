"""The real schema on one in-memory SQLite database, whose clock is the schedule's."""

import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from tests.doubles.dolphin_manners import EPOCH
from wfgov_dagster.store import db, migrate
from wfgov_dagster.store.db import Database

Now = Callable[[], float]


class VirtualDatabase(Database):
    """One connection, and so one open transaction at most: whoever pauses inside of one is a bug of the test.

    Lives as long as its process, each schedule begins with a fresh `image`: SQLAlchemy compiles a statement once.
    """

    def __init__(self) -> None:
        super().__init__("sqlite:///virtual.db")
        self.raw = sqlite3.connect(":memory:", isolation_level=None, cached_statements=512)
        self._now: Now = lambda: 0.0
        self.raw.create_function("strftime", 3, self._strftime)
        self.raw.create_function("current_timestamp", 0, lambda: self.moment()[:19])

    @cached_property
    def engine(self) -> sa.Engine:
        engine = sa.create_engine(
            "sqlite://", creator=lambda: self.raw, poolclass=sa.pool.StaticPool, hide_parameters=True
        )
        sa.event.listen(engine, "begin", db._begin_sqlite)
        return engine

    def begin_again(self, image: bytes, now: Now) -> None:
        template = _template(image)
        template.backup(self.raw)
        self._now = now

    @contextmanager
    def peek(self) -> Iterator[sqlite3.Cursor]:
        """Past SQLAlchemy, between transactions: for whoever watches."""
        assert not self.raw.in_transaction, "somebody paused inside a transaction"
        cursor = self.raw.cursor()
        cursor.row_factory = _as_dict
        yield cursor
        cursor.close()

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        with self.peek() as cursor:
            return cursor.execute(query, values).fetchall()

    def close(self) -> None:
        self.dispose()
        self.raw.close()

    def moment(self, shift: float = 0.0) -> str:
        return (EPOCH + timedelta(seconds=self._now() + shift)).replace(tzinfo=None).isoformat(" ", "microseconds")

    def _strftime(self, form: str, moment: str, shift: str) -> str:
        """As store/clock.py asks for it, three digits of a second; nothing else is asked."""
        assert (form, moment) == ("%Y-%m-%d %H:%M:%f", "now")
        return self.moment(float(shift.removesuffix(" seconds")))[:23]


@cache
def _template(image: bytes) -> sqlite3.Connection:
    """To copy from: a connection that goes on is not given another database under its prepared statements."""
    template = sqlite3.connect(":memory:")
    template.deserialize(image)
    return template


@cache
def empty_image() -> bytes:
    """A migrated database."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "wfgov.db"
        migrate.upgrade(f"sqlite:///{file}")
        with sqlite3.connect(file) as conn:
            conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            conn.execute("PRAGMA journal_mode=MEMORY")
            image = conn.serialize()
        conn.close()
    return image


def _as_dict(cursor: sqlite3.Cursor, row: tuple[Any, ...]) -> dict[str, Any]:
    return {column[0]: value for column, value in zip(cursor.description, row, strict=True)}
