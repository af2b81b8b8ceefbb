"""What the adapter of a DolphinScheduler server has to remember, because the server cannot be asked for it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

ITSELF: Final = ""  # in the place of a task's code: the workflow's own


@dataclass(frozen=True, slots=True)
class Start:
    """A start that was asked for. `newest`: id of the newest instance of the workflow before it, 0 = none.
    `instance`: None while nobody has seen it. `new`: nobody had asked with this key before."""

    newest: int
    instance: int | None
    age_seconds: float
    new: bool = False


class DolphinMemory(Protocol):
    """Of one engine. What is written is committed when the call returns."""

    def codes(self, workflow_code: str) -> Mapping[str, int]:
        """The server's code of each task of ours, past ones included, and of the workflow (`ITSELF`)."""

    def remember(self, workflow_code: str, codes: Mapping[str, int]) -> Mapping[str, int]:
        """Codes of tasks that have none yet; who comes first wins. Returns all that are known now."""

    def remember_workflow(self, workflow_code: str, engine_code: int) -> None:
        """The last one counts: a workflow that somebody deleted there is made anew."""

    def workflows(self) -> Mapping[str, int]:
        """Workflow code → the server's."""

    def owners(self, engine_codes: Collection[int]) -> Mapping[int, tuple[str, str]]:
        """The server's code of a task or a workflow → workflow code, task code (`ITSELF`)."""

    def begin_start(self, workflow_code: str, request_key: str, started_by: str, newest: int) -> Start:
        """Written down before the server is asked. An earlier one with the same key stays as it is."""

    def find_start(self, workflow_code: str, request_key: str) -> Start | None: ...

    def started(self, workflow_code: str, request_key: str, instance: int) -> None: ...

    def forget_start(self, workflow_code: str, request_key: str) -> None:
        """The server said no: nothing was started."""

    def starters(self, instances: Collection[int]) -> Mapping[int, str]:
        """Who started which of them, as far as it was us."""
