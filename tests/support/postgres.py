"""A PostgreSQL cluster of our own: thrown away at the end, never as root, reached by a Unix socket only."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

USER = "wfgov"
TEMPLATE = "wfgov_template"
STARTS_WITHIN_SECONDS = 60.0
UNSAFE_BUT_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


class Cluster:
    """Hands out databases, each a copy of one that was migrated once."""

    def __init__(self, sockets: Path) -> None:
        self._sockets = sockets
        self._made = 0

    def url(self, name: str) -> str:
        return f"postgresql://{USER}@/{name}?host={self._sockets}"

    def make_template(self, migrate: Callable[[str], object]) -> None:
        self._run(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(TEMPLATE)))
        migrate(self.url(TEMPLATE))

    def create(self) -> str:
        """A fresh database; returns its name."""
        self._made += 1
        name = f"test_{self._made}"
        # Copying files is half the work of writing every page to the log, where a checkpoint does not wait for a disk.
        copy = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
        self._run(copy.format(sql.Identifier(name), sql.Identifier(TEMPLATE)))
        return name

    def drop(self, name: str) -> None:
        self._run(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _run(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as conn:
            conn.execute(statement)


@contextmanager
def running_cluster(programs: Path) -> Iterator[Cluster]:
    """`programs`: the folder that holds `initdb` and `postgres`."""
    home = Path(tempfile.mkdtemp(prefix="wfgov-pg-"))  # short: a socket's path has at most 107 bytes
    account = _account()
    os.chown(home, account.pw_uid, account.pw_gid)
    try:
        _init(programs, home, account)
        with (home / "log").open("wb") as log:
            server = subprocess.Popen(_command(programs, home), stdout=log, stderr=log, **_as(account, home))
        try:
            _wait_until_it_answers(server, home)
            yield Cluster(home)
        finally:
            server.terminate()
            server.wait(timeout=60)
    finally:
        shutil.rmtree(home)


def _account() -> pwd.struct_passwd:
    """Who runs the server: it refuses to run as root."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    return known.get("postgres") or known["nobody"]


def _as(account: pwd.struct_passwd, cwd: Path) -> dict[str, Any]:
    if os.geteuid() != 0:
        return {"cwd": cwd, "start_new_session": True}
    identity = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    return {"cwd": cwd, "start_new_session": True} | identity  # own session: Ctrl-C is for pytest, which then stops it


def _init(programs: Path, home: Path, account: pwd.struct_passwd) -> None:
    # ICU's English order, not bytes: a column that forgot COLLATE "C" shows.
    order = ("--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US", "--encoding=UTF8")
    command: list[str | Path] = [
        programs / "initdb",
        "--pgdata",
        home / "data",
        "--username",
        USER,
        "--auth=trust",
        "--no-sync",
        *order,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, **_as(account, home))
    if done.returncode:
        raise RuntimeError(f"initdb ended with {done.returncode}: {done.stderr}")


def _command(programs: Path, home: Path) -> list[str | Path]:
    settings = (*UNSAFE_BUT_FAST, "listen_addresses=", f"unix_socket_directories={home}", "max_connections=100")
    return [programs / "postgres", "-D", home / "data", *(word for setting in settings for word in ("-c", setting))]


def _wait_until_it_answers(server: "subprocess.Popen[bytes]", home: Path) -> None:
    until = time.monotonic() + STARTS_WITHIN_SECONDS
    while True:
        try:
            psycopg.connect(Cluster(home).url("postgres")).close()
            return
        except psycopg.OperationalError as exc:
            if server.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"PostgreSQL did not start: {(home / 'log').read_text()}") from exc
            time.sleep(0.05)
