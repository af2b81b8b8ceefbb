"""Run one derivation in a process of its own: its peak memory is its own, its imports are not counted."""

import hashlib
import multiprocessing
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Derived:
    """`evidence`: a row (task, upstream, table read, table written) for each dependency, any order; `hashes`: workflow
    code → content hash."""

    evidence: npt.NDArray[np.int64]
    highest_level: int
    hashes: dict[str, str]


@dataclass(frozen=True, slots=True)
class Measured:
    """`result` says whether two derivations came to the same."""

    result: tuple[int, str, int, dict[str, str]]
    seconds: float
    peak_mb: int

    @property
    def edges(self) -> int:
        return self.result[0]


def alone(derive: Callable[[str], Derived], path: str) -> Measured:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_timed, derive, path).result()


def _timed(derive: Callable[[str], Derived], path: str) -> Measured:
    begun = time.perf_counter()
    found = derive(path)
    seconds = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    rows = found.evidence[np.lexsort((found.evidence[:, 1], found.evidence[:, 0]))]
    digest = hashlib.sha256(rows.tobytes()).hexdigest()
    return Measured((len(rows), digest, found.highest_level, found.hashes), seconds, peak)
