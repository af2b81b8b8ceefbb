"""The command line. Modules are imported by every command, so what they need beyond click they import when they run."""

from wfgov_dagster.cli.app import main

__all__ = ["main"]
