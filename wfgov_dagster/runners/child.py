"""Runs one command and ends with its whole process group as soon as whoever started it is gone, even by kill -9.

Started by `process.py` as a file, not as a module: `child.py LIFE_FD COMMAND …`. LIFE_FD is a pipe whose other end the
starter keeps open; its end of file is the starter's death. Standard library only: it has to start quickly.
"""

import os
import signal
import sys
import threading


def main() -> int:
    life, command = int(sys.argv[1]), sys.argv[2:]
    os.set_inheritable(life, False)
    signal.signal(signal.SIGTERM, _wait_for_the_command)
    threading.Thread(target=_die_with_the_starter, args=(life,), daemon=True).start()
    pid = os.posix_spawnp(command[0], command, os.environ)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return code if code >= 0 else 128 - code


def _wait_for_the_command(_signal: int, _frame: object) -> None:
    """A stop reaches the whole group; the command decides how it ends. A handler, unlike SIG_IGN, is not inherited."""


def _die_with_the_starter(life: int) -> None:
    while os.read(life, 1):
        pass
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
