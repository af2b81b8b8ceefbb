"""Try a registered engine out: who it is, what it can do for us, and what is odd about it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from wfgov_dagster.ports.engine_probe import ProbeReport
from wfgov_dagster.ports.publishing import RegisteredEngine
from wfgov_dagster.usecases import engines
from wfgov_dagster.usecases.register_engine import Desk

SKEW_SECONDS: Final = 5.0  # more is odd: answers are told apart by their times


@dataclass(frozen=True, slots=True)
class Tried:
    """`report.problems` keep publishes from working; `warnings` only ask to be looked at. `pinned`: the dialect was
    written down by this."""

    engine: RegisteredEngine
    report: ProbeReport
    warnings: tuple[str, ...]
    pinned: bool = False


def try_engine(desk: Desk, actor: str, name: str, *, pin: bool = False) -> Tried:
    """Only reads from the engine. `pin`: the dialect that it speaks now is used from now on.

    Raises NotFound, EngineRejected or EngineUnreachable.
    """
    with desk.store.read() as work:
        engine = engines.get(work, name)
    report = desk.probe_of(engine, lambda: desk.credentials.token(engine)).probe()
    pinned = report.family != engine.family and (pin or engine.family is None)
    if pinned:
        with desk.store.write() as work:
            work.engines.set_family(engine.id, report.family)
            work.audit.add(actor, "pin_family", ("engine", name), {"before": engine.family, "after": report.family})
            engine = engines.get(work, name)
    return Tried(engine, report, tuple(_warnings(engine, report)), pinned)


def _warnings(engine: RegisteredEngine, report: ProbeReport) -> Iterator[str]:
    for writer in report.foreign_writers:
        yield f"foreign writer: {writer}"
    if report.clock_skew_seconds is not None and abs(report.clock_skew_seconds) > SKEW_SECONDS:
        way = "ahead of" if report.clock_skew_seconds > 0 else "behind"
        yield f"its clock is {abs(report.clock_skew_seconds):.0f} s {way} ours: let both ask a time server"
    if report.family != engine.family:
        hint = f"wfgov engine test {engine.name} --pin"
        yield f"it speaks dialect {report.family}, and {engine.family} is what we use: {hint}, once its upgrade is done"
    if engine.url is not None and engine.url.startswith("http://") and not _is_here(engine.url):
        yield "the token goes to it unencrypted: put it behind https"


def _is_here(url: str) -> bool:
    return url.startswith(("http://127.0.0.1", "http://localhost", "http://[::1]"))
