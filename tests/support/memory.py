"""Temporary files in memory, where there is room: a database for each of thousands of tests is mostly files made and
removed, and a file system on a disk took 1.7 s of a CREATE and DROP DATABASE that take 0.1 s in memory."""

import os
import shutil
import tempfile
from pathlib import Path

import psutil

PLACE = Path("/dev/shm")  # noqa: S108 - where Linux has its memory as a folder
NEEDED_BYTES = 6 * 2**30  # a whole run leaves less than half of it at a time


def use() -> None:
    """For this process and its children, unless TMPDIR says where."""
    if "TMPDIR" not in os.environ and has_room():
        os.environ["TMPDIR"] = str(PLACE)
        tempfile.tempdir = None  # read TMPDIR again


def has_room() -> bool:
    """Containers often have a small one, or one whose files cannot be executed."""
    if not os.access(PLACE, os.W_OK) or os.statvfs(PLACE).f_flag & os.ST_NOEXEC:
        return False
    return min(shutil.disk_usage(PLACE).free, psutil.virtual_memory().available) >= NEEDED_BYTES
