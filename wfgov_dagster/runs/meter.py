"""Counts and times of this process, kept in memory for whoever shows them or writes them down."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from wfgov_dagster.ports.calls import Measured


class MemoryMeter:
    """May be used by many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._measured: dict[str, Measured] = {}
        self._unkept: dict[str, Measured] = {}

    @contextmanager
    def measure(self, name: str) -> Iterator[None]:
        began, failed = time.perf_counter(), 1
        try:
            yield
            failed = 0
        finally:
            seconds = time.perf_counter() - began
            one = {name: Measured(1, failed, seconds, seconds)}
            with self._lock:
                _add(self._measured, one)
                _add(self._unkept, one)

    def read(self) -> Mapping[str, Measured]:
        """All of this process."""
        with self._lock:
            return dict(self._measured)

    def take(self) -> Mapping[str, Measured]:
        with self._lock:
            taken, self._unkept = self._unkept, {}
        return taken

    def give_back(self, taken: Mapping[str, Measured]) -> None:
        with self._lock:
            _add(self._unkept, taken)


def _add(so_far: dict[str, Measured], more: Mapping[str, Measured]) -> None:
    for name, measured in more.items():
        so_far[name] = so_far.get(name, Measured()).plus(measured)
