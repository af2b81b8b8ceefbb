"""A real DolphinScheduler of our own: one for all workers of a test run, a project a test.

The first worker that needs it starts it, whoever comes last stops it, by its own process id. Libraries come by Maven
once a machine (about two minutes), into the user's cache folder.
"""

import getpass
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from filelock import FileLock
from pydantic import SecretStr

STARTER = Path(__file__).parents[1] / "servers" / "dolphin" / "start.sh"
FETCHED_WITHIN_SECONDS = 900
STARTS_WITHIN_SECONDS = 300
PORTS = 4  # REST, master, worker, alert


@dataclass(frozen=True, slots=True)
class Dolphin:
    """`url` ends with the context path. Its administrator's token; the tenant is the user of the operating system."""

    url: str
    token: SecretStr
    folder: Path

    @property
    def tenant(self) -> str:
        return getpass.getuser()

    def call(self, method: str, path: str, **told: object) -> Any:
        """`data` of a request behind everybody's back. Asserts a yes."""
        said = self.say(method, path, **told)
        assert said["code"] == 0, f"{method} {path}: {said}"
        return said["data"]

    def say(self, method: str, path: str, **told: object) -> Any:
        """The whole answer."""
        where = "params" if method in {"GET", "DELETE"} else "data"
        with httpx.Client(base_url=self.url, trust_env=False, timeout=60) as client:
            reply = client.request(method, path, headers={"token": self.token.get_secret_value()}, **{where: told})  # type: ignore[arg-type]
        return reply.json()

    def project(self) -> tuple[str, int]:
        """A new one: name, code."""
        name = f"p{uuid4().hex[:12]}"
        return name, int(self.call("POST", "/projects", projectName=name, description="")["code"])

    def stop(self) -> None:
        """Of one that nobody shares."""
        _run("--stop", str(self.folder / "data"))

    def restart(self) -> None:
        """Stopped and started again on the same data and port."""
        port = self.url.split(":")[2].split("/", maxsplit=1)[0]
        self.stop()
        _run("--daemon", str(self.folder / "data"), port)


@contextmanager
def shared_dolphin(shared: Path) -> Iterator[Dolphin]:
    """`shared`: a folder that all workers of this test run, and nobody else, know."""
    folder = shared / "dolphin"
    folder.mkdir(exist_ok=True)
    lock, users = FileLock(folder / "lock"), folder / "users"
    with lock:
        if not (folder / "token").exists():
            _start(folder)
        users.write_text(str(int(users.read_text()) + 1 if users.exists() else 1))
        dolphin = Dolphin((folder / "url").read_text(), SecretStr((folder / "token").read_text()), folder)
    try:
        yield dolphin
    finally:
        with lock:
            left = int(users.read_text()) - 1
            users.write_text(str(left))
            if left == 0:
                _run("--stop", str(folder / "data"))
                (folder / "token").unlink()


def _start(folder: Path) -> None:
    for once in (("--fetch",), ("--warm", str(_free_ports()))):  # nothing where that was done
        _run(*once, within_seconds=FETCHED_WITHIN_SECONDS)
    url = _run("--daemon", str(folder / "data"), str(_free_ports()))
    _first_steps(folder, url)


def _first_steps(folder: Path, url: str) -> None:
    with httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
        user = {"userName": "admin", "userPassword": "dolphinscheduler123"}
        session = {"sessionId": client.post("/login", data=user).json()["data"]["sessionId"]}
        wanted = {"userId": "1", "expireTime": "2099-01-01 00:00:00"}
        token = client.post("/access-tokens", data=wanted, headers=session).json()["data"]["token"]
        tenant = {"tenantCode": getpass.getuser(), "queueId": "1", "description": ""}
        assert client.post("/tenants", data=tenant, headers=session).json()["code"] == 0
    (folder / "url").write_text(url)
    (folder / "token").write_text(token)


def _run(*told: str, within_seconds: float = STARTS_WITHIN_SECONDS) -> str:
    """What it printed last."""
    ended = subprocess.run(
        [STARTER, *told], check=False, capture_output=True, text=True, timeout=within_seconds, stdin=subprocess.DEVNULL
    )
    assert ended.returncode == 0, f"{STARTER.name} {' '.join(told)}: {ended.stderr}"
    return ended.stdout.strip().rpartition("\n")[2]


def _free_ports() -> int:
    """The first of so many that are free, one after the other."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            first = int(probe.getsockname()[1])
        if first + PORTS < 65_000 and all(_is_free(first + at) for at in range(PORTS)):
            return first
    raise RuntimeError("no free ports")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
