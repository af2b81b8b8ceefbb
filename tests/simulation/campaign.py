"""Schedules by the thousand: each from its seed, the judged history of one, the figures of all."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from multiprocessing import get_context
from typing import Final

from tests.simulation import programs, sets_programs
from tests.simulation.checks import Violation
from tests.simulation.database import VirtualDatabase
from tests.simulation.mutants import kept
from tests.simulation.sets_world import SetsWorld
from tests.simulation.witness import Judge
from tests.simulation.world import World

KINDS: Final[dict[str, type[World]]] = {one.kind: one for one in (World, SetsWorld)}
_ASKED = "SELECT id FROM workflow_operation_log WHERE action IN ('publish', 'publish_change_set')"
_DEPLOYED = """SELECT * FROM engine_deployment
    WHERE workflow_id = (SELECT id FROM data_workflow WHERE workflow_code = ?)"""


@dataclass(frozen=True, slots=True)
class Outcome:
    seed: int
    violations: tuple[Violation, ...]
    history: tuple[str, ...]
    crashes: int
    stalls: int
    records: int
    writes: int
    seconds: float
    longest_offline: float
    seen: Counter[str]
    how: str = ""

    def told(self) -> str:
        """For whoever has to find out why."""
        lines = [f"  {one.check} at {one.at:.2f} s: {one.message}" for one in self.violations]
        how = f"repeat it: python -m tests.simulation --seed {self.seed} --schedules 1 --history{self.how}"
        return "\n".join([f"seed {self.seed}", *self.history, *lines, how])


@dataclass
class Tally:
    schedules: int = 0
    crashes: int = 0
    stalls: int = 0
    records: int = 0
    writes: int = 0
    longest_offline: float = 0.0
    seen: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    bad: list[int] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        self.schedules += 1
        self.crashes += outcome.crashes
        self.stalls += outcome.stalls
        self.records += outcome.records
        self.writes += outcome.writes
        self.longest_offline = max(self.longest_offline, outcome.longest_offline)
        self.seen.update(outcome.seen)
        self.found.update({one.check for one in outcome.violations})
        if outcome.violations:
            self.bad.append(outcome.seed)


def simulate(seed: int, mutant: str | None = None, *, harsh: bool = False, kind: str = World.kind) -> Outcome:
    world = KINDS[kind](seed, _database(), harsh=harsh)
    with kept(world, mutant):
        try:
            _play(world)
        finally:
            world.over = True
            world.scheduler.stop()
    judge = world.judge
    return Outcome(
        seed, tuple(judge.violations), tuple(judge.history), world.scheduler.crashes, world.scheduler.stalls,
        len(world.database.rows("SELECT id FROM workflow_publish_record")), len(judge.requests), world.scheduler.now,
        judge.longest_offline, judge.seen, _asked_as(mutant, kind, harsh=harsh),
    )  # fmt: skip


def _asked_as(mutant: str | None, kind: str, *, harsh: bool) -> str:
    options = ["" if kind == World.kind else f" --kind {kind}", " --harsh" if harsh else ""]
    return "".join([*options, f" --mutant {mutant}" if mutant else ""])


def campaign(
    seeds: Sequence[int], mutant: str | None = None, *, harsh: bool = False, processes: int = 1, kind: str = World.kind
) -> Tally:
    tally = Tally()
    run = partial(simulate, mutant=mutant, harsh=harsh, kind=kind)
    if processes == 1:
        for outcome in map(run, seeds):
            tally.add(outcome)
        return tally
    with get_context("spawn").Pool(processes) as pool:
        for outcome in pool.imap(run, seeds, chunksize=10):
            tally.add(outcome)
    return tally


def _play(world: World) -> None:
    if isinstance(world, SetsWorld):
        sets_programs.begin(world)
    else:
        programs.begin(world)
    alive = world.run(lambda: world.scheduler.now > 300 and not any(seat.busy for seat in world.seats))
    world.heal()
    if alive:
        world.run(lambda: not world.pending() and not world.under_way() and not world.judge.on_the_way())
    _judge_end(world)


def _judge_end(world: World) -> None:
    judge = world.judge
    for record in world.pending():
        judge.wrong("stuck", f"record {record['id']} is {record['phase']}")
    for flow in world.under_way():
        judge.wrong("stuck", f"flow {flow['id']} of record {flow['biz_id']} is {flow['state']}")
    rows = world.database.rows(_ASKED)
    if len(rows) < world.asked:
        judge.wrong("lost_row", f"{world.asked} requests have {len(rows)} rows in the operation log")
    for one in world.judges:
        _judge_workflow(one)
    if isinstance(world, SetsWorld):
        world.judge.sets.at_the_end()


def _judge_workflow(judge: Judge) -> None:
    deploys = [one for one in judge.requests if one.call == "deploy" and one.done and one.refused is None]
    made = [entry for entry in judge.happened() if entry.version and entry.who != "a person"]
    if len(made) > len(deploys):
        judge.wrong("too_many_versions", f"{len(made)} versions of {len(deploys)} deploys that arrived")
    if judge.edits:
        return
    shown = judge.shown()
    wrong = judge.expected.wrong(shown)
    if wrong:
        judge.wrong("divergent", wrong)
    for row in judge.database.rows(_DEPLOYED, judge.code):
        content = judge.versions[row["version_id"]][0]
        if shown is None or (content, bool(row["online"])) != (shown.content, shown.online):
            judge.wrong("ledger_lies", f"the row says {content}, online={row['online']}; the engine shows {shown}")


@cache
def _database() -> VirtualDatabase:
    return VirtualDatabase()
