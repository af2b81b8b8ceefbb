"""Counts and times of this process, kept in memory for whoever shows them."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Measured:
    """`seconds`: of all calls together."""

    calls: int = 0
    failures: int = 0
    seconds: float = 0.0
    longest_seconds: float = 0.0


class MemoryMeter:
    """May be used by many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._measured: dict[str, Measured] = {}

    @contextmanager
    def measure(self, name: str) -> Iterator[None]:
        began, failed = time.perf_counter(), 1
        try:
            yield
            failed = 0
        finally:
            self._add(name, failed, time.perf_counter() - began)

    def read(self) -> Mapping[str, Measured]:
        with self._lock:
            return dict(self._measured)

    def _add(self, name: str, failed: int, seconds: float) -> None:
        with self._lock:
            so_far = self._measured.get(name, Measured())
            self._measured[name] = replace(
                so_far,
                calls=so_far.calls + 1,
                failures=so_far.failures + failed,
                seconds=so_far.seconds + seconds,
                longest_seconds=max(so_far.longest_seconds, seconds),
            )
