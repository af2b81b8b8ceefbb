"""Starts a task's command in a session of its own and stays with it until its whole process group is gone."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from wfgov_dagster.domain.definition import Task
from wfgov_dagster.ports.runtime import TaskResult

GRACE_SECONDS = 5.0  # between the request to end and the kill
TIMED_OUT, STOPPED, NOT_STARTED = 124, 143, 126  # as timeout(1) and the shell have it
_POLL_SECONDS = 0.05
_CHILD = Path(__file__).with_name("child.py")
_INHERITED = ("PATH", "HOME", "LANG", "TZ")  # nothing else: our own settings hold secrets
_LONGEST_REASON = 300


@dataclass(frozen=True, slots=True)
class Place:
    """Where a task runs: its working folder, its log, and an open lock that has to live as long as its processes."""

    folder: Path
    log: Path
    lock: int | None = None


def run(command: Sequence[str], task: Task, place: Place, should_stop: Callable[[], bool]) -> TaskResult:
    """Runs `command` for `task`, output to the log. `task.timeout` counts from here."""
    life, starter_lives = os.pipe()
    try:
        place.folder.mkdir(parents=True, exist_ok=True)
        with place.log.open("ab") as log:
            begin = log.tell()
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_CHILD), str(life), *command],
                cwd=place.folder,
                env=_environment(task),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=[life] if place.lock is None else [life, place.lock],
                start_new_session=True,
            )
        cut_short, code = _stay(process, task.timeout, should_stop)
        return cut_short or _result(code, place.log, begin)
    except (OSError, ValueError) as exc:  # ValueError: a NUL in the environment
        return TaskResult(NOT_STARTED, f"could not be started: {exc}")
    finally:
        os.close(life)
        os.close(starter_lives)


def _stay(
    process: "subprocess.Popen[bytes]", timeout_seconds: int, should_stop: Callable[[], bool]
) -> tuple[TaskResult | None, int]:
    """Why it was ended, None if by itself; and its exit code."""
    deadline = time.monotonic() + timeout_seconds if timeout_seconds else float("inf")
    cut_short: TaskResult | None = None
    try:
        while not _has_ended(process.pid):
            if should_stop():
                cut_short = TaskResult(STOPPED, "stopped", stopped=True)
            elif time.monotonic() >= deadline:
                cut_short = TaskResult(TIMED_OUT, f"its time-out of {timeout_seconds} s was over", timed_out=True)
            if cut_short is not None:
                _ask_to_end(process.pid)
                break
            time.sleep(_POLL_SECONDS)
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # what the command left behind in its group; its number is still ours
        code = process.wait()
    return cut_short, code if code >= 0 else 128 - code


def _has_ended(pid: int) -> bool:
    """Looks without reaping: until it is reaped, the number of its group cannot become somebody else's."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _ask_to_end(pid: int) -> None:
    os.killpg(pid, signal.SIGTERM)
    until = time.monotonic() + GRACE_SECONDS
    while not _has_ended(pid) and time.monotonic() < until:
        time.sleep(_POLL_SECONDS)


def _environment(task: Task) -> Mapping[str, str]:
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    given = {f"PARAM_{one.name}": one.value for one in task.parameters if one.direction == "IN" and "=" not in one.name}
    return {"LANG": "C.UTF-8", **inherited, **given, "WFGOV_TASK_CODE": task.code}


def _result(code: int, log: Path, begin: int) -> TaskResult:
    """The last thing it said, from byte `begin` on, is the best reason there is."""
    if code == 0:
        return TaskResult(0)
    with log.open("rb") as file:
        file.seek(max(begin, log.stat().st_size - 4 * _LONGEST_REASON))
        lines = file.read().decode(errors="replace").split("\n")
    said = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return TaskResult(code, f"exit code {code}: {said[:_LONGEST_REASON]}" if said else f"exit code {code}")
