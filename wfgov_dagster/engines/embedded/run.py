"""Runs one instance: claims it, starts what is ready, writes down how everything ended."""

import threading
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path

from wfgov_dagster.domain.definition import Definition, Task
from wfgov_dagster.domain.execution import Progress, file_name
from wfgov_dagster.domain.snapshot import parse
from wfgov_dagster.engines.embedded.pulse import Pulse
from wfgov_dagster.errors import Conflict
from wfgov_dagster.ports.embedded import Claim, EmbeddedStore, TaskEnd
from wfgov_dagster.ports.runtime import Runner, TaskResult

_POLL_SECONDS = 0.1
_LONGEST_REASON = 500
NO_RUNNER = 127  # as the shell says of a command that it does not have


@dataclass(frozen=True, slots=True)
class TaskEvent:
    """A task's try began (`running`) or ended; `waiting` = it will be tried again."""

    task_code: str
    state: str
    attempt: int
    error: str | None = None


def _ignore(_event: TaskEvent) -> None:
    """Nobody listens."""


@dataclass(frozen=True, slots=True)
class Host:
    """What the machine that runs instances gives them. `on_event` is called in the thread of `run_instance`."""

    runners: Sequence[Runner]
    log_root: Path
    slots: int = 2
    heartbeat_seconds: float = 2.0
    on_event: Callable[[TaskEvent], None] = _ignore


def run_instance(store: EmbeddedStore, host: Host, instance_id: int, run_id: str) -> str | None:
    """Run the instance to its end; returns its final state, None if it was not there to be had.

    Raises Conflict when it was declared lost meanwhile; its tasks are stopped then, and nothing is overwritten. Any
    other exception (an interrupt, a database that is gone) stops the tasks too and fails the instance if it still can.
    """
    claim = Claim(instance_id, run_id)
    text = store.claim(claim)
    if text is None:
        return None
    with Pulse(store, claim, host.heartbeat_seconds) as pulse:
        return _Run(store, host, claim, parse(text), pulse).to_the_end()


def lost(store: EmbeddedStore, older_than_seconds: float) -> Sequence[int]:
    """Fail every running instance without a sign of life for so long; their ids."""
    return store.fail_silent(older_than_seconds)


class _Run:
    """All its state is the calling thread's; the threads of the pool only call runners."""

    def __init__(self, store: EmbeddedStore, host: Host, claim: Claim, definition: Definition, pulse: Pulse) -> None:
        self._store, self._host, self._claim, self._pulse = store, host, claim, pulse
        self._settings = definition.settings
        self._tasks = definition.by_code()
        self._progress = Progress(definition)
        self._states = dict.fromkeys(self._tasks, "waiting")
        self._attempts = dict.fromkeys(self._tasks, 0)
        self._not_before = dict.fromkeys(self._tasks, 0.0)  # monotonic time of the next try
        self._ends: dict[str, TaskEnd] = {}  # how the last try ended
        self._running: dict[Future[TaskResult], Task] = {}
        self._halt = threading.Event()  # ends the tasks that run
        self._deadline = time.monotonic() + self._settings.timeout if self._settings.timeout else float("inf")

    def to_the_end(self) -> str:
        with ThreadPoolExecutor(self._host.slots, thread_name_prefix="task") as pool:
            try:
                while (final := self._step(pool)) is None:
                    self._settle()
            except Conflict:
                self._halt.set()  # somebody else says how it ended
                raise
            except BaseException as exc:
                self._halt.set()
                wait(self._running)
                self._store.finish(self._claim, "failed", _short(f"its runner was interrupted: {exc!r}"))
                raise
        state, error = self._verdict(final)
        self._store.finish(self._claim, state, error)
        return state

    def _step(self, pool: ThreadPoolExecutor) -> str | None:
        """Starts what may start; the final state once everything has ended."""
        self._pulse.check()
        if self._pulse.stop_requested or time.monotonic() >= self._deadline:
            self._halt.set()
        move = self._progress.move(self._states, stopping=self._halt.is_set())
        self._leave_out(move.skipped)
        for code in move.ready:
            if self._may_start(self._tasks[code]):
                self._begin(pool, self._tasks[code])
        return move.final

    def _may_start(self, task: Task) -> bool:
        if len(self._running) >= self._host.slots or time.monotonic() < self._not_before[task.code]:
            return False
        alone = self._exclusive(task)
        return alone is None or alone not in {self._exclusive(other) for other in self._running.values()}

    def _begin(self, pool: ThreadPoolExecutor, task: Task) -> None:
        self._attempts[task.code] += 1
        path = log_path(self._claim.instance_id, task.code)
        log = self._host.log_root / path
        log.parent.mkdir(parents=True, exist_ok=True)
        _note(log, f"try {self._attempts[task.code]} of {task.retries + 1}")
        self._store.begin_task(self._claim, task.code, self._attempts[task.code], path)
        self._states[task.code] = "running"
        self._tell(task, "running", None)
        given = replace(task, parameters=(*self._settings.parameters, *task.parameters))
        self._running[pool.submit(self._call, given, log)] = task

    def _call(self, task: Task, log: Path) -> TaskResult:
        """In a thread of the pool."""
        runner = self._runner(task)
        if runner is None:
            known = ", ".join(sorted({one for runner in self._host.runners for one in runner.node_types()}))
            return TaskResult(NO_RUNNER, f"node type {task.node_type} does not run here — this engine runs: {known}")
        try:
            return runner.run(task, log, self._halt.is_set)
        except OSError as exc:  # a full disk, a folder that may not be written
            return TaskResult(NO_RUNNER, f"could not be run: {exc}")

    def _settle(self) -> None:
        """Waits a little, and writes down what has ended."""
        if not self._running:
            time.sleep(_POLL_SECONDS)  # between two tries
        for future in wait(self._running, _POLL_SECONDS, FIRST_COMPLETED).done:
            task, result = self._running.pop(future), future.result()
            state = self._state_after(task, result)
            self._not_before[task.code] = time.monotonic() + task.retry_interval
            _note(self._host.log_root / log_path(self._claim.instance_id, task.code), result.error or "success")
            self._end(task, TaskEnd(state, result.exit_code, result.error))

    def _state_after(self, task: Task, result: TaskResult) -> str:
        if result.exit_code == 0:
            return "success"
        if result.stopped:
            return "stopped"
        again = self._attempts[task.code] <= task.retries and self._runner(task) is not None
        return "waiting" if again else "failed"

    def _end(self, task: Task, end: TaskEnd) -> None:
        self._store.end_task(self._claim, task.code, end)
        self._states[task.code] = end.state
        self._ends[task.code] = end
        self._tell(task, end.state, end.error)

    def _leave_out(self, codes: Collection[str]) -> None:
        """What never began is skipped; a task between two tries ends as its last try did."""
        untried = {code for code in codes if code not in self._ends}
        for code in sorted(set(codes) - untried):
            self._end(self._tasks[code], replace(self._ends[code], state="failed"))
        if untried:
            self._store.skip_tasks(self._claim, untried)
        for code in sorted(untried):
            self._states[code] = "skipped"
            self._tell(self._tasks[code], "skipped", None)

    def _verdict(self, final: str) -> tuple[str, str | None]:
        if final == "success":
            return final, None
        if time.monotonic() >= self._deadline and not self._pulse.stop_requested:
            return "failed", f"the workflow's time-out of {self._settings.timeout} s was over"
        if final == "stopped":
            return final, "stopped on request"
        failed = sorted(code for code, state in self._states.items() if state == "failed")
        return final, _short("; ".join(f"{code}: {self._ends[code].error}" for code in failed))

    def _runner(self, task: Task) -> Runner | None:
        return next((runner for runner in self._host.runners if task.node_type in runner.node_types()), None)

    def _exclusive(self, task: Task) -> str | None:
        runner = self._runner(task)
        return None if runner is None else runner.exclusive(task)

    def _tell(self, task: Task, state: str, error: str | None) -> None:
        self._host.on_event(TaskEvent(task.code, state, self._attempts[task.code], error))


def log_path(instance_id: int, task_code: str) -> str:
    """Relative to the log folder."""
    return f"{instance_id}/{file_name(task_code)}.log"


def _note(log: Path, text: str) -> None:
    with log.open("a", encoding="utf-8") as file:
        file.write(f"[wfgov] {text}\n")


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_REASON else text[: _LONGEST_REASON - 1] + "…"
