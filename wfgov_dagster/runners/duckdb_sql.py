"""SQL on DuckDB: one file a data source, one process a file."""

import fcntl
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from wfgov_dagster.domain.definition import Task
from wfgov_dagster.domain.execution import file_name
from wfgov_dagster.ports.runtime import TaskResult
from wfgov_dagster.runners import process

DEFAULT_SOURCE = "warehouse"
_CHILD = Path(__file__).with_name("duckdb_child.py")
_POLL_SECONDS = 0.05


class DuckDbRunner:
    """A task's `datasource` names the file below `data_root`; without one it is `warehouse`.

    DuckDB lets one process open a file, so each task holds a lock beside it, whichever instance or process it belongs
    to. The wait for it does not count as the task's time. The task's processes hold it too: when a runner is killed, it
    is free only once they are gone.
    """

    def __init__(self, data_root: Path) -> None:
        self._folder = data_root.resolve()

    def node_types(self) -> frozenset[str]:
        return frozenset({"SQL"})

    def exclusive(self, task: Task) -> str | None:
        return str(self.file(task.datasource))

    def file(self, datasource: str | None) -> Path:
        return self._folder / f"{file_name(datasource or DEFAULT_SOURCE)}.duckdb"

    def run(self, task: Task, log: Path, should_stop: Callable[[], bool]) -> TaskResult:
        database = self.file(task.datasource)
        script = log.resolve().with_suffix(".sql")
        script.write_text(task.text, encoding="utf-8")
        command = [sys.executable, "-u", "-P", str(_CHILD), str(database), str(script)]
        with _locked(database.with_suffix(".lock"), should_stop) as lock:
            if lock is None:
                return TaskResult(process.STOPPED, "stopped while it waited for its database", stopped=True)
            return process.run(command, task, process.Place(self._folder, log, lock), should_stop)


@contextmanager
def _locked(file: Path, should_stop: Callable[[], bool]) -> Iterator[int | None]:
    """The lock's open file, or None if `should_stop` came first. Closed, never unlocked: children may still hold it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("ab") as opened:
        while not _taken(opened.fileno()):
            if should_stop():
                yield None
                return
            time.sleep(_POLL_SECONDS)
        yield opened.fileno()


def _taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
