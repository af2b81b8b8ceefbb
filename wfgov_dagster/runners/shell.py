"""SHELL: the first command that fails ends the script."""

from pathlib import Path

from wfgov_dagster.runners.script import ScriptRunner


def shell_runner(data_root: Path) -> ScriptRunner:
    return ScriptRunner("SHELL", ("/bin/sh", "-e"), ".sh", data_root)
