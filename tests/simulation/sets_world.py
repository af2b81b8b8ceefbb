"""Schedules of several workflows that are published together: the same engine and network, other wishes."""

from collections import Counter
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from random import Random
from typing import Any

from tests.simulation.doors import Process
from tests.simulation.sets_judge import Bench
from tests.simulation.witness import Judge, cron
from tests.simulation.world import CRONS, Plan, World, _harsh, _weather, a_definition, save
from wfgov_dagster.domain.flow import FlowDefinition
from wfgov_dagster.usecases import change_set_flow
from wfgov_dagster.usecases.advance_change_set import Crew

CODES = ("a", "b", "c", "d")
_NEW_EDGE = """INSERT INTO cross_workflow_dependency (task_id, upstream_task_id, workflow_id, upstream_workflow_id)
    SELECT 1000 * up.id + down.id, up.id, down.id, up.id FROM data_workflow AS up, data_workflow AS down
    WHERE up.workflow_code = ? AND down.workflow_code = ?"""


@dataclass
class SetsPlan(Plan):
    """`jobs`: "set OPERATION ON_FAILURE PARALLEL CODES" or "one OPERATION CODE"; "new" = new versions first. `edges`:
    (upstream, downstream). `moves`: how often somebody stops, cancels or restores something."""

    edges: list[tuple[str, str]]
    moves: int


class SetsWorld(World):
    kind = "sets"
    codes = CODES
    plan: SetsPlan

    def __init__(self, seed: int, database: Any, *, harsh: bool = False) -> None:
        super().__init__(seed, database, harsh=harsh)
        self.saved = Counter(dict.fromkeys(CODES, 1))
        for edge in self.plan.edges:
            database.raw.execute(_NEW_EDGE, edge)

    def draw(self, *, harsh: bool) -> Plan:
        return draw(self.dice, harsh=harsh)

    def appoint(self) -> Bench:
        return Bench.of(self.scheduler, self.database, [partial(self.judge_of, code) for code in CODES])

    @property
    def judges(self) -> list[Judge]:
        return list(self.judge.judges.values())

    def definitions(self, process: Process) -> list[FlowDefinition]:
        return [*super().definitions(process), change_set_flow.definition(partial(self.crew, process))]

    def crew(self, process: Process) -> Crew:
        """Side by side = in turns: who waits lets the next one begin."""
        return Crew(
            self.publisher(process), lambda count, work: [work() for _ in range(count)], process.sleep,
            lambda: self.scheduler.now, turn_seconds=self.dice.choice([0.5, 1.0, 5.0]),
        )  # fmt: skip

    def save_one(self, store: Any, code: str) -> None:
        """A new version; now and then with content that there was before."""
        number = self.saved[code] + 1
        text = f"echo {number - 2 if number > 2 and self.dice.random() < 0.3 else number}"
        definition = a_definition(text, self.dice.choice(CRONS), code)
        self.saved[code] = save(store, definition) or self.saved[code]
        told = f"saves {code} V{self.saved[code]}: {text}, {cron(definition.settings.schedule)}"
        self.judge.note("a person", told)


def draw(dice: Random, *, harsh: bool) -> SetsPlan:
    """The first who sits down deploys a set of two to four and brings it online, the others publish over it."""
    codes = CODES[: dice.randint(2, 4)]
    edges = [edge for edge in combinations(codes, 2) if dice.random() < 0.6]
    jobs = [[_set(dice, "deploy", codes), _set(dice, "online", codes)], [], []]
    for _ in range(4 if harsh else dice.randint(1, 4)):
        jobs[dice.randrange(3)].append(_job(dice, codes))
    edits = dice.choice([0, 0, 3] if harsh else [0, 0, 0, 0, 1, 3])
    outage = dice.choice([0.0, 0.0, 0.0, 0.0, 120.0, 900.0])
    weather = _harsh() if harsh else _weather(dice)
    return SetsPlan(
        jobs, edits, *weather, outage, dice.random() < 0.3, edges, dice.choice([3] if harsh else [0, 0, 1, 3])
    )


def _job(dice: Random, codes: tuple[str, ...]) -> str:
    if dice.random() < 0.35:
        return dice.choice(["one deploy ", "new one deploy ", "one online ", "one offline "]) + dice.choice(codes)
    some = tuple(sorted(dice.sample(codes, dice.randint(2, len(codes)))))
    operation = dice.choice(["deploy", "deploy", "deploy", "online", "offline"])
    return ("new " if operation == "deploy" else "") + _set(dice, operation, some)


def _set(dice: Random, operation: str, codes: tuple[str, ...]) -> str:
    return f"set {operation} {dice.choice(['stop', 'restore', 'restore'])} {dice.randint(1, 3)} {''.join(codes)}"
