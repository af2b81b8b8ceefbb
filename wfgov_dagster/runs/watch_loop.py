"""A loop that asks what is due and hands it to threads; one thing is never with two of them at a time."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WatchLoop:
    """`due` and `goes_on` are called by the thread that watches, `care` by the workers. `goes_on` is asked after each
    look, and told whether there was anything to do."""

    due: Callable[[], Sequence[int]]
    care: Callable[[int], None]
    goes_on: Callable[[bool], bool]
    stop: threading.Event
    workers: int = 4
    tick_seconds: float = 1.0

    def run(self) -> None:
        """Until `stop`, or until `goes_on` says no; what was begun comes to its end. What `due` or `care` raises ends
        it, too."""
        under_way: dict[int, Future[None]] = {}
        with ThreadPoolExecutor(self.workers, thread_name_prefix="flow") as pool:
            try:
                while not self.stop.is_set():
                    _clear(under_way)
                    for one in self.due():
                        if one not in under_way:
                            under_way[one] = pool.submit(self.care, one)
                    if not self.goes_on(bool(under_way)):
                        break
                    self._pause(under_way)
            finally:
                pool.shutdown(wait=True, cancel_futures=self.stop.is_set())
        _clear(under_way)

    def _pause(self, under_way: dict[int, Future[None]]) -> None:
        """A tick; shorter when all that was due is done, because more may be due behind it."""
        if under_way:
            wait(under_way.values(), self.tick_seconds)
        else:
            self.stop.wait(self.tick_seconds)


def _clear(under_way: dict[int, Future[None]]) -> None:
    """Forget what has ended; raise what it raised."""
    for one in [one for one, future in under_way.items() if future.done()]:
        future = under_way.pop(one)
        if not future.cancelled():
            future.result()
