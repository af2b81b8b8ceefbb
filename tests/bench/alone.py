"""Run one derivation in a process of its own: its peak memory is its own, its imports are not counted."""

import multiprocessing
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any


def alone(derive: Callable[[str], Any], path: str) -> tuple[Any, float, int]:
    """(result, seconds, peak MB)."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_timed, derive, path).result()


def _timed(derive: Callable[[str], Any], path: str) -> tuple[Any, float, int]:
    begun = time.perf_counter()
    result = derive(path)
    return result, time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
