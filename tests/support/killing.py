"""Real processes that are killed with −9: forked from a prepared parent, so that a life costs no imports.

The parent is multiprocessing's fork server, which has loaded the product and opened nothing. A child opens
connections of its own, says when it has begun, and works until it is killed. No child outlives its block, nor the
process that its test runs in.
"""

import multiprocessing
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from random import Random

SAYS_WITHIN_SECONDS = 60.0
ENDS_WITHIN_SECONDS = 1800

Tell = Callable[[object], None]

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [
        "pytest.__main__",  # multiprocessing loads in each child what this process was started with
        "psycopg",
        "wfgov_dagster.wiring",
        "wfgov_dagster.engines.embedded.engine",
        "wfgov_dagster.runs.holders",
        "wfgov_dagster.runs.meter",
        "wfgov_dagster.store.embedded",
        "wfgov_dagster.store.flows",
        "wfgov_dagster.store.leases",
        "wfgov_dagster.store.publishing",
        "wfgov_dagster.store.records",
        "wfgov_dagster.store.store",
        "wfgov_dagster.store.versions",
        "wfgov_dagster.store.workflows",
        "wfgov_dagster.usecases.advance_flow",
        "wfgov_dagster.usecases.change_set_flow",
        "wfgov_dagster.usecases.publish_flow",
        "wfgov_dagster.usecases.request_publish",
        "wfgov_dagster.usecases.save",
    ]
)


@dataclass(frozen=True, slots=True)
class Broke:
    """A child's own failure."""

    told: str


class Child:
    """`hear` gives what it tells, one after the other; the first of it says that it has begun."""

    def __init__(self, process: ForkServerProcess, ear: Connection) -> None:
        self._process = process
        self._ear = ear

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def hear(self) -> object:
        """Raises AssertionError with the child's own failure, or if it says nothing."""
        assert self._ear.poll(SAYS_WITHIN_SECONDS), f"child {self.pid} says nothing"
        try:
            told = self._ear.recv()
        except EOFError:
            raise AssertionError(f"child {self.pid} ended without a word") from None
        assert not isinstance(told, Broke), f"child {self.pid} failed:\n{told.told}"
        return told

    def kill(self) -> None:
        """SIGKILL. Raises AssertionError if it was not alive any more."""
        self._process.kill()
        self._ends_with(-signal.SIGKILL)

    def wait(self) -> None:
        """Until it has done its work. Raises AssertionError if it failed."""
        self._ends_with(0)

    def _ends_with(self, code: int) -> None:
        self._process.join(ENDS_WITHIN_SECONDS)
        if self._process.exitcode != code:
            with suppress(EOFError):
                while not isinstance(told := self._ear.recv(), Broke):
                    continue
                raise AssertionError(f"child {self.pid} failed:\n{told.told}")
        assert self._process.exitcode == code, f"child {self.pid} ended with {self._process.exitcode}, not {code}"
        self._ear.close()

    def freeze(self) -> None:
        """SIGSTOP: it is not dead, it only does nothing."""
        os.kill(self.pid, signal.SIGSTOP)
        self.wait_frozen()

    def wait_frozen(self) -> None:
        """Until it is stopped, by whomever. Raises AssertionError."""
        until = time.monotonic() + SAYS_WITHIN_SECONDS
        while Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
            assert time.monotonic() < until, f"child {self.pid} is not stopped"
            time.sleep(0.005)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)


class Family:
    def __init__(self) -> None:
        self._children: list[ForkServerProcess] = []

    def start(self, work: Callable[..., None], *arguments: object) -> Child:
        """A child that does `work(tell, *arguments)`: a function of a module, with what can be pickled."""
        ear, mouth = _CONTEXT.Pipe(duplex=False)
        process = _CONTEXT.Process(target=_live, args=(work, mouth, arguments), daemon=True)
        process.start()
        mouth.close()  # the child's end: when it dies the ear has heard everything
        self._children.append(process)
        return Child(process, ear)

    def bury(self) -> None:
        for process in self._children:
            process.kill()
        for process in self._children:
            process.join()
            process.close()


@contextmanager
def family() -> Iterator[Family]:
    """Whoever is left at the end of the block is killed."""
    children = Family()
    try:
        yield children
    finally:
        children.bury()


def killed_at_random(children: list[Child], chance: Random, within_seconds: float) -> None:
    """Each has begun before any is killed, one after the other in an order and at moments of chance."""
    for child in children:
        child.hear()
    moments = sorted(chance.random() * within_seconds for _ in children)
    begun = time.monotonic()
    for moment, child in zip(moments, chance.sample(children, len(children)), strict=True):
        time.sleep(max(0.0, begun + moment - time.monotonic()))
        child.kill()


def _live(work: Callable[..., None], mouth: Connection, arguments: tuple[object, ...]) -> None:
    threading.Thread(target=_die_with_parent, daemon=True).start()
    try:
        work(mouth.send, *arguments)
    except BaseException:
        mouth.send(Broke(traceback.format_exc()))
        raise


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)
