"""The embedded engine, tried out: it is our own database, so there is little that could be odd."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from wfgov_dagster.ports.engine_probe import ProbeReport

FAMILY: Final = "embedded"
CAPABILITIES: Final = ("deploy", "online", "offline", "schedule", "start", "stop", "instances", "task logs", "versions")


class EmbeddedProbe:
    """`clock`: the database's. `ours`: this machine's. `version`: of this release."""

    def __init__(self, clock: Callable[[], datetime], ours: Callable[[], datetime], version: str) -> None:
        self._clock = clock
        self._ours = ours
        self._version = version

    def probe(self, *, create_project: bool = False) -> ProbeReport:  # noqa: ARG002 - it has no projects to create
        skew = (self._clock() - self._ours()).total_seconds()
        return ProbeReport(self._version, FAMILY, CAPABILITIES, round(skew, 3), ("read", "write"))
