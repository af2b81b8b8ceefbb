"""The heartbeat of a running instance, in a thread of its own; it also hears of a stop."""

import threading
import time
from types import TracebackType
from typing import Final, Self

from wfgov_dagster.errors import Conflict, StoreError
from wfgov_dagster.ports.embedded import Claim, EmbeddedStore

PATIENCE_BEATS: Final = 10  # a database that is away for a shorter time ends no instance


class Pulse:
    """Beats from `with` to its end."""

    def __init__(self, store: EmbeddedStore, claim: Claim, every_seconds: float) -> None:
        self._store, self._claim, self._every_seconds = store, claim, every_seconds
        self._quit = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"pulse-{claim.instance_id}", daemon=True)
        self._error: Conflict | StoreError | None = None
        self.stop_requested = False

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._quit.set()
        self._thread.join()

    def check(self) -> None:
        """Raises Conflict when the instance was taken away, StoreError when the database has been away for too long."""
        if self._error is not None:
            raise self._error

    def _beat(self) -> None:
        seen = time.monotonic()
        while not self._quit.wait(self._every_seconds):
            try:
                self.stop_requested = self._store.beat(self._claim)
                seen = time.monotonic()
            except Conflict as exc:
                self._error = exc
                return
            except StoreError as exc:
                if time.monotonic() - seen > PATIENCE_BEATS * self._every_seconds:
                    self._error = exc
                    return
