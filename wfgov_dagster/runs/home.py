"""DAGSTER_HOME: the folder that holds Dagster's history and says who serves it."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from wfgov_dagster.errors import Conflict
from wfgov_dagster.settings import CHECKOUT

_LOCK: Final = "served.lock"
TEMPLATE: Final = CHECKOUT / "resources" / "dagster.yaml"


class DagsterHome:
    """Below the platform's own home."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self.folder = home / "dagster"

    def prepare(self) -> None:
        """A `dagster.yaml` that is there already is somebody's own and stays."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (self.folder / "dagster.yaml").exists():
            shutil.copyfile(TEMPLATE, self.folder / "dagster.yaml")

    def environment(self) -> Mapping[str, str]:
        """For a process that shall be part of this installation: ours, and where its homes are, absolutely."""
        own = {"WFGOV_HOME": str(self._home), "DAGSTER_HOME": str(self.folder), "DAGSTER_DISABLE_TELEMETRY": "1"}
        return {**os.environ, **own}

    @contextmanager
    def served(self, url: str) -> Iterator[int]:
        """While it lasts nobody else serves this home; yields what the serving processes have to inherit, so that the
        home stays theirs if we die. Raises Conflict."""
        lock = os.open(self.folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise self._taken() from None
            _write(lock, {"pid": os.getpid(), "url": url})
            yield lock
            _write(lock, {})
        finally:
            os.close(lock)

    def url(self) -> str | None:
        """Where the webserver of this home answers; None if nobody serves it."""
        try:
            lock = os.open(self.folder / _LOCK, os.O_RDONLY)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return self._owner().get("url")
        finally:
            os.close(lock)
        return None

    def _owner(self) -> dict[str, str]:
        try:
            owner: dict[str, str] = json.loads((self.folder / _LOCK).read_text() or "{}")
        except (OSError, ValueError):  # it is being written
            return {}
        return owner

    def _taken(self) -> Conflict:
        owner = self._owner()
        return Conflict(
            f"this home is served already, at {owner.get('url', 'an unknown place')}",
            where=str(self.folder),
            hint=f"stop process {owner.get('pid', 'that serves it')} first, or choose another WFGOV_HOME",
        )


def _write(lock: int, owner: Mapping[str, object]) -> None:
    os.ftruncate(lock, 0)
    os.pwrite(lock, json.dumps(owner).encode(), 0)
