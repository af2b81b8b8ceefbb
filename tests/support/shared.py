"""What one test has worked out serves the next. Every test has a database and so an engine of its own: a third of a
small test's time went into compiling the same statements, and as much of a Dagster run's into loading the same
migrations."""

from collections.abc import Iterator, MutableMapping
from typing import Any

import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.util import LRUCache


class SharedStatements(MutableMapping[Any, Any]):
    """SQLAlchemy's cache of compiled statements (execution option `compiled_cache`), whose keys begin with the dialect
    of one engine: here with the kind of dialect."""

    def __init__(self) -> None:
        self._kept: LRUCache[Any, Any] = LRUCache(4000)

    def __getitem__(self, key: Any) -> Any:
        return self._kept[type(key[0]), *key[1:]]

    def __setitem__(self, key: Any, compiled: Any) -> None:
        self._kept[type(key[0]), *key[1:]] = compiled

    def __delitem__(self, key: Any) -> None:
        del self._kept[type(key[0]), *key[1:]]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._kept)

    def __len__(self) -> int:
        return len(self._kept)


def share() -> None:
    """From now on, in this process."""
    _share_statements()
    _share_migrations()


def _share_statements() -> None:
    make, shared = sa.create_engine, SharedStatements()

    def create_engine(*args: Any, **options: Any) -> sa.Engine:
        own = options.pop("execution_options", None) or {}
        return make(*args, execution_options={"compiled_cache": shared} | own, **options)

    sa.create_engine = create_engine


def _share_migrations() -> None:
    load = ScriptDirectory.from_config
    known: dict[str | None, ScriptDirectory] = {}

    def from_config(config: Config) -> ScriptDirectory:
        place = config.get_main_option("script_location")
        if place not in known:
            known[place] = load(config)
        return known[place]

    ScriptDirectory.from_config = from_config  # type: ignore[method-assign]
