"""What took long to fill is filled once and copied for each test."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
from psycopg import sql

from wfgov_dagster.store.db import Database

_numbers = count(1)


@contextmanager
def a_copy(database: Database, folder: Path) -> Iterator[str]:
    """Its URL; nobody may be connected to the original meanwhile. It is gone afterwards, whoever is connected to it."""
    database.dispose()
    if database.is_sqlite:
        target = folder / f"copy{next(_numbers)}.db"
        shutil.copy(str(database.url.database), target)
        try:
            yield f"sqlite:///{target}"
        finally:
            target.unlink()
        return
    name = f"{database.url.database}_copy{next(_numbers)}"
    _run(database, "CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY", name, str(database.url.database))
    try:
        yield database.url.set(database=name, drivername="postgresql").render_as_string(hide_password=False)
    finally:
        _run(database, "DROP DATABASE {} WITH (FORCE)", name)


def _run(database: Database, statement: str, *names: str) -> None:
    url = database.url.set(database="postgres", drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
