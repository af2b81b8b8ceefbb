"""Node types that are a script and an interpreter: SHELL and PYTHON. Their working folder is the folder of the data."""

from collections.abc import Callable
from pathlib import Path

from wfgov_dagster.domain.definition import Task
from wfgov_dagster.ports.runtime import TaskResult
from wfgov_dagster.runners import process


class ScriptRunner:
    """Writes the task's text beside its log and hands it to the interpreter: text of any size, and stdin stays free."""

    def __init__(self, node_type: str, interpreter: tuple[str, ...], suffix: str, data_root: Path) -> None:
        self._node_type = node_type
        self._interpreter = interpreter
        self._suffix = suffix
        self._folder = data_root.resolve()

    def node_types(self) -> frozenset[str]:
        return frozenset({self._node_type})

    def exclusive(self, task: Task) -> str | None:  # noqa: ARG002 - the port's
        return None

    def run(self, task: Task, log: Path, should_stop: Callable[[], bool]) -> TaskResult:
        script = log.resolve().with_suffix(self._suffix)
        script.write_text(task.text, encoding="utf-8")
        return process.run([*self._interpreter, str(script)], task, process.Place(self._folder, log), should_stop)
