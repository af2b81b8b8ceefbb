"""Names of lease holders, `<host>:<pid>:<start of the process>:<random>`: a dead one can be told from a slow one.

A host is a name, a boot and a space of process numbers: two machines may share a name, two containers a kernel, and
see other processes behind a number.
Where there is no /proc a number that was given to another process counts as alive, and its lease has to run out.
"""

import os
import socket
import uuid
from functools import cached_property
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_GONE: Final = frozenset("ZXx")  # a zombie does nothing any more


class ProcessHolders:
    def new(self) -> str:
        pid = os.getpid()
        return f"{self._host}:{pid}:{_started(pid) or 0}:{uuid.uuid4()}"

    def is_dead(self, holder: str) -> bool:
        host, *rest = holder.split(":")
        if host != self._host or len(rest) < 2 or not rest[0].isdecimal():
            return False
        pid, began = int(rest[0]), rest[1]
        if not _exists(pid):
            return True
        started = _started(pid)
        return started is not None and began not in {"0", started}

    @cached_property
    def _host(self) -> str:
        """Holds no colon."""
        name = socket.gethostname()[:60].replace(":", "_")
        try:
            boot = (_PROC / "sys/kernel/random/boot_id").read_text()[:8]
            return f"{name}.{boot}.{(_PROC / 'self/ns/pid').stat().st_ino}"
        except OSError:
            return f"{name}.{uuid.getnode():x}"


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _started(pid: int) -> str | None:
    """Ticks since the machine's start, `gone` for a zombie; None: this machine does not tell, or not us."""
    try:
        told = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    state, *fields = told.rpartition(")")[2].split()  # the name in front may hold anything
    return "gone" if state in _GONE else fields[18]
