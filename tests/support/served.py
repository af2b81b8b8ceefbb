"""A real `wfgov up`: its own home, a free port, stopped by its own pid."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import psutil

T = TypeVar("T")

WFGOV = Path(sys.executable).with_name("wfgov")
STARTS_WITHIN_SECONDS = 120.0
STOPS_WITHIN_SECONDS = 90.0


@dataclass
class Up:
    """`children` are those that it had when it was ready."""

    process: "subprocess.Popen[str]"
    url: str
    home: Path
    children: list[psutil.Process]

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Its exit code."""
        self.process.send_signal(number)
        return self.process.wait(STOPS_WITHIN_SECONDS)

    def of_each(self, ask: Callable[[psutil.Process], T]) -> list[T]:
        """What every child answers that is there: Dagster's servers start and end helpers of their own."""
        answers: list[T] = []
        for child in psutil.Process(self.process.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                answers.append(ask(child))
        return answers


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def started(home: Path) -> "subprocess.Popen[str]":
    """Not ready yet: that is when it says its URL."""
    with (home / "up.log").open("w") as log:
        return subprocess.Popen(
            [WFGOV, "up", "--port", str(free_port())],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            cwd=home,
        )


@contextmanager
def serving(home: Path) -> Iterator[Up]:
    """`home` is the one that the environment names."""
    process = started(home)
    assert process.stdout is not None
    with process.stdout:
        line = process.stdout.readline()  # ends with the process at the latest
    if not line:
        raise RuntimeError(f"wfgov up ended with {process.wait()}: {(home / 'up.log').read_text()}")
    children = psutil.Process(process.pid).children(recursive=True)
    try:
        yield Up(process, line.split()[-1], home, children)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(STOPS_WITHIN_SECONDS)


def until(ask: Callable[[], T], good: Callable[[T], bool], within_seconds: float = 120.0) -> T:
    """The first answer that is good. Fails with the last one."""
    end = time.monotonic() + within_seconds
    while not good(answer := ask()):
        assert time.monotonic() < end, f"after {within_seconds:.0f} s still {answer!r}"
        time.sleep(0.5)  # asking costs more than waiting
    return answer
