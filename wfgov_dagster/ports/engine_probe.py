"""The door through which a registered engine is tried out, before anything is published to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ProbeReport:
    """`version`: the server's own word, None if it does not tell. `family`: the dialect that it speaks.
    `capabilities`: what can be asked of it, in our words. `clock_skew_seconds`: how far its clock is ahead of ours,
    None if it does not tell. `permissions`: what our token may do with the project: read, write. `foreign_writers`: who
    else writes into the project, a line each, with the evidence. `project_created`: by this probe.
    `problems`: what has to be put right before a publish can work, with what to do, a line each."""

    version: str | None
    family: str
    capabilities: Sequence[str]
    clock_skew_seconds: float | None
    permissions: Sequence[str]
    foreign_writers: Sequence[str] = ()
    project_created: bool = False
    problems: Sequence[str] = ()


class EngineProbe(Protocol):
    """Asks one engine who it is. Everything is only read, but for the project if `create_project` says so.

    Raises EngineRejected (it does not take our token, or it is no such engine) or EngineUnreachable. Whatever a server
    says, no word that leaves holds the token: a server that repeats it in its errors is not passed on.
    """

    def probe(self, *, create_project: bool = False) -> ProbeReport:
        """`create_project`: make it if it is not there; without, its absence is a problem of the report."""
