"""PYTHON: by the interpreter that runs us, with what is installed there."""

import sys
from pathlib import Path

from wfgov_dagster.runners.script import ScriptRunner


def python_runner(data_root: Path) -> ScriptRunner:
    """-u: the log shows a line when it is printed. -P: no other task's script beside it can be imported by chance."""
    return ScriptRunner("PYTHON", (sys.executable, "-u", "-P"), ".py", data_root)
