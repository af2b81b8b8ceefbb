"""Dagster's webserver and daemon as our child processes: both or none."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Final

from wfgov_dagster.errors import Conflict
from wfgov_dagster.runs.home import DagsterHome
from wfgov_dagster.runs.webserver import Webserver
from wfgov_dagster.settings import CHECKOUT

HOST: Final = "127.0.0.1"  # OSS Dagster knows no users: whoever reaches it may do everything
USUAL_PORT: Final = 3000
_STARTS_WITHIN_SECONDS: Final = 120.0
_STOPS_WITHIN_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.2
_PR_SET_CHILD_SUBREAPER: Final = 36  # linux/prctl.h


def serve(home: DagsterHome, port: int | None, catalogue: Path, ready: Callable[[str], None]) -> None:
    """Until SIGTERM or SIGINT. `ready` is told the URL once the webserver answers; a new `catalogue` makes it reload.

    Raises Conflict when the home is served already, the port is taken, or one of the two ends by itself.
    """
    home.prepare()
    url = f"http://{HOST}:{_port(port)}"
    with home.served(url) as lock, _stop_asked() as asked:
        _adopt_orphans()
        _run(home, "-m", "wfgov_dagster.ops.sweep")
        shown = _changed_at(catalogue)
        children = _start(home, url, lock)
        try:
            _wait_until_it_answers(url, children, asked)
            if not asked():
                ready(url)
            while not asked():
                _check(children)
                time.sleep(_POLL_SECONDS)
                now = _changed_at(catalogue)
                if now != shown and _reloaded(url):
                    shown = now
        finally:
            _stop(children)


Children = Mapping[str, "subprocess.Popen[bytes]"]


def _start(home: DagsterHome, url: str, lock: int) -> Children:
    workspace = ("-w", str(CHECKOUT / "workspace.yaml"))
    port = url.rpartition(":")[2]
    commands = {
        "dagster-webserver": (
            "dagster_webserver",
            "-h",
            HOST,
            "-p",
            port,
            "--dagster-log-level",
            "warning",
            *workspace,
        ),
        "dagster-daemon": ("dagster._daemon", "run", "--log-level", "warning", *workspace),
    }
    return {
        name: subprocess.Popen(
            [sys.executable, "-m", *words],
            env=home.environment(),
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr.fileno(),  # what they say is no result of ours
            pass_fds=[lock],
            start_new_session=True,  # Ctrl-C is for us, who then stop them in order
        )
        for name, words in commands.items()
    }


def _run(home: DagsterHome, *words: str) -> None:
    subprocess.run([sys.executable, *words], env=home.environment(), stdout=sys.stderr.fileno(), check=True)


def _wait_until_it_answers(url: str, children: Children, asked: Callable[[], bool]) -> None:
    until = time.monotonic() + _STARTS_WITHIN_SECONDS
    while not asked() and not Webserver(url).loaded():
        _check(children)
        if time.monotonic() > until:
            raise Conflict(
                f"Dagster did not show our definitions within {_STARTS_WITHIN_SECONDS:.0f} s",
                where=url,
                hint="its words are above; start again",
            )
        time.sleep(_POLL_SECONDS)


def _changed_at(file: Path) -> int:
    """0 while there is none."""
    return file.stat().st_mtime_ns if file.exists() else 0


def _reloaded(url: str) -> bool:
    """False: it did not answer; the next round asks again, or finds it dead."""
    try:
        Webserver(url).reload()
    except Conflict:
        return False
    return True


def _check(children: Children) -> None:
    for name, child in children.items():
        if child.poll() is not None:
            raise Conflict(
                f"{name} ended with {child.returncode}", where="wfgov up", hint="its last words are above; start again"
            )


def _stop(children: Children) -> None:
    """Asks first, runs too: they end their tasks and say so. Waits for all; what does not listen is killed."""
    until = time.monotonic() + _STOPS_WITHIN_SECONDS
    for child in children.values():
        if _lives(child.pid):
            os.killpg(child.pid, signal.SIGTERM)
    for child in children.values():
        with suppress(subprocess.TimeoutExpired):
            child.wait(max(0.0, until - time.monotonic()))
    for child in children.values():
        while _lives(child.pid) and time.monotonic() < until:
            time.sleep(_POLL_SECONDS)
        if _lives(child.pid):
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def _lives(group: int) -> bool:
    """Any process of the group; those that have ended are reaped first."""
    with suppress(ChildProcessError):
        while os.waitpid(-group, os.WNOHANG)[0]:
            pass
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def _adopt_orphans() -> None:
    """Code servers outlive the servers that started them by seconds; only who adopts them can see them end."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


@contextmanager
def _stop_asked() -> Iterator[Callable[[], bool]]:
    """True once SIGTERM or SIGINT came. Having a handler also makes the children start with the default one: a shell
    starts what is in its background with SIGINT ignored, and Dagster would hand that on to SIGTERM."""
    came: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        came.append(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield lambda: bool(came)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _port(wanted: int | None) -> int:
    """The one asked for, else the usual one, else any free one. Raises Conflict."""
    for port in (USUAL_PORT, 0) if wanted is None else (wanted,):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise Conflict(f"port {wanted} is taken", where=HOST, hint="choose another --port")
