"""One schedule: publishers, whoever takes over from the dead, people who edit the engine, and what befalls them all."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import cache
from random import Random
from typing import Any

from tests.doubles.dolphin_manners import DolphinManners
from tests.simulation.database import VirtualDatabase, empty_image
from tests.simulation.doors import Network, Process, ProcessEngine, ProcessStore
from tests.simulation.scheduler import Killed, Nemesis, OutOfTime, Scheduler
from tests.simulation.witness import Judge, cron
from wfgov_dagster.domain.definition import Definition, Schedule, Settings, Task, make
from wfgov_dagster.domain.snapshot import hashes
from wfgov_dagster.domain.version import Draft
from wfgov_dagster.store.store import SqlStore
from wfgov_dagster.usecases import publish_flow, sweep_flow
from wfgov_dagster.usecases.flow_manager import FlowLimits, FlowManager, Registry
from wfgov_dagster.usecases.publisher import Limits, Publisher
from wfgov_dagster.usecases.save import (
    Relations,
    save_task_definitions,
    save_task_relations,
    save_workflow_definition,
)

CODE = "w"
CRONS = (None, Schedule("30 2 * * *", "Europe/Berlin"), Schedule("0 6 * * 1-5", "Asia/Shanghai"))
CALL_SECONDS = 10.0
LIMITS = Limits(
    lease_seconds=30.0, settle_seconds=40.0, attempts=6, longest_wait_seconds=20.0, deadline_seconds=600.0,
    call_seconds=CALL_SECONDS + 2.0, breaker_rest_seconds=15.0, horizon_seconds=400.0, sweep_seconds=60.0,
)  # fmt: skip
LATE_SECONDS = 39.0  # after it was sent; below the settle time, which is what the settle time is for
_LONGEST_STALL = LIMITS.lease_seconds * 3
MOVES = 20_000
_MOVING = "state IN ('Processing', 'Canceling')"
LONGEST_SECONDS = 4 * 3600.0


@dataclass
class Plan:
    """What a schedule is about, drawn from its seed."""

    jobs: list[list[str]]  # a publisher's operations; "new" = a new version first
    edits: int
    nemesis: Nemesis
    network: Network
    outage_seconds: float
    one_host: bool  # so that the death of a holder is known


@dataclass
class Seat:
    """A person at a terminal: the command that was begun, and those to come. `record_id`: what is known of it."""

    name: str
    jobs: list[str]
    record_id: int | None = None
    lives: int = 0

    @property
    def busy(self) -> bool:
        return bool(self.jobs) or self.record_id is not None


def draw(dice: Random, *, harsh: bool = False) -> Plan:
    """Calm schedules and wild ones. The first who sits down deploys the workflow and brings it online, the others
    publish over it. `harsh`: much of everything, for safeguards that are rarely needed."""
    jobs: list[list[str]] = [["deploy", "online"], [], []]
    for _ in range(4 if harsh else dice.randint(1, 4)):
        jobs[dice.randrange(3)].append(_job(dice))
    edits = dice.choice([0, 0, 3] if harsh else [0, 0, 0, 0, 1, 3])
    outage = dice.choice([0.0, 0.0, 0.0, 0.0, 120.0, 900.0])
    return Plan(jobs, edits, *(_harsh() if harsh else _weather(dice)), outage, dice.random() < 0.3)


def _weather(dice: Random) -> tuple[Nemesis, Network]:
    wild = dice.choice([0.0, 0.5, 1.0, 1.0, 2.0])
    network = Network(
        CALL_SECONDS, LATE_SECONDS, request_lost=0.06 * wild, reply_lost=0.08 * wild, slow=0.15, late=0.12 * wild,
        unreachable=0.04 * wild, no=dice.choice([0.0, 0.1]) * wild,
    )  # fmt: skip
    crash, stall = dice.choice([0.0, 0.02, 0.06]), dice.choice([0.0, 0.004, 0.02])
    return Nemesis(crash, stall, _LONGEST_STALL), network


def _harsh() -> tuple[Nemesis, Network]:
    network = Network(
        CALL_SECONDS, LATE_SECONDS, request_lost=0.1, reply_lost=0.1, slow=0.3, late=0.35, unreachable=0.05, no=0.05
    )
    return Nemesis(0.02, 0.015, _LONGEST_STALL), network


def _job(dice: Random) -> str:
    return dice.choice(["deploy", "new deploy", "new deploy", "new deploy", "online", "offline"])


class Unmeasured:
    """Nobody looks at the clock."""

    def measure(self, _name: str) -> AbstractContextManager[None]:
        return nullcontext()


class World:
    """`engine_of` is there for mutants."""

    def __init__(self, seed: int, database: VirtualDatabase, *, harsh: bool = False) -> None:
        self.dice = Random(seed)
        self.plan = draw(self.dice, harsh=harsh)
        self.scheduler = Scheduler(self.dice, self.plan.nemesis)
        self.engine = DolphinManners(lambda: self.scheduler.now)
        self.database = database
        database.begin_again(first_image(), lambda: self.scheduler.now)
        self.judge = Judge(CODE, self.scheduler, database, self.engine, LIMITS.settle_seconds, CALL_SECONDS, 1800.0)
        self.scheduler.note = self.judge.note
        self.sql = SqlStore(database)
        self.engine_of: Callable[[ProcessEngine], Any] = lambda engine: engine
        self.limits = LIMITS
        self.seats = [Seat(f"seat {no}", jobs) for no, jobs in enumerate(self.plan.jobs)]
        self.versions = 1
        self.asked = 0
        self.over = self.healed = False
        self._born = 0
        self.judge.learn = self._learn_versions
        self._learn_versions()

    # --- processes -------------------------------------------------------------------------------

    def spawn(self, name: str, program: Callable[["Process"], None], *, after: float = 0.0,
              reborn: Callable[[], None] | None = None) -> Process:  # fmt: skip
        """A process with a name of its own. `reborn`: what follows when it is killed."""
        self._born += 1
        process = Process(f"{name}#{self._born}", self.scheduler, self.judge)
        self.judge.processes[process.holder] = process
        process.actor = self.scheduler.spawn(
            process.holder, lambda: self._run(process, program), after=after, on_killed=reborn
        )
        return process

    def _run(self, process: Process, program: Callable[["Process"], None]) -> None:
        try:
            program(process)
        except Killed:
            raise
        except Exception as exc:  # noqa: BLE001 - whatever a use case ends with is judged
            self.judge.wrong("crashed", f"{process.holder}: {type(exc).__name__}: {exc}")

    def store(self, process: Process) -> ProcessStore:
        return ProcessStore(process, self.sql)

    def publisher(self, process: Process) -> Publisher:
        engine = self.engine_of(ProcessEngine(process, self.engine, self.plan.network))
        return Publisher(
            self.store(process), lambda _: engine, process.new_holder(), self.dice.random, self.limits, self._is_dead
        )

    def flows(self, process: Process) -> FlowManager:

        def publisher() -> Publisher:
            return self.publisher(process)

        registry = Registry([publish_flow.definition(publisher), sweep_flow.definition(publisher, process.sleep)])
        return FlowManager(
            self.store(process), registry, process.new_holder(), self._is_dead, self.dice.random,
            FlowLimits(self.limits.lease_seconds), Unmeasured(),
        )  # fmt: skip

    def _is_dead(self, holder: str) -> bool:
        return self.plan.one_host and self.judge.processes[holder.split("/", 1)[0]].dead

    # --- versions --------------------------------------------------------------------------------

    def save_next(self, store: Any) -> int:
        """A new version; now and then with content that there was before."""
        number = self.versions + 1
        text = f"echo {number - 2 if number > 2 and self.dice.random() < 0.3 else number}"
        definition = a_definition(text, self.dice.choice(CRONS))
        self.versions = save(store, definition) or self.versions
        self.judge.note("a person", f"saves V{self.versions}: {text}, {cron(definition.settings.schedule)}")
        return self.versions

    def _learn_versions(self) -> None:
        highest = max(self.judge.versions, default=0)
        for row in self.database.rows("SELECT id, version_no FROM workflow_version WHERE id > ? ORDER BY id", highest):
            with self.sql.read() as work:
                definition = work.versions.definition(CODE, row["version_no"])
            bare = replace(definition, settings=replace(definition.settings, schedule=None))
            known = self.judge.label(bare)
            if known.startswith("foreign"):
                self.judge.labels = {body: (f"V{row['version_no']}" if label == known else label)
                                     for body, label in self.judge.labels.items()}  # fmt: skip
            self.judge.versions[row["id"]] = (self.judge.label(bare), cron(definition.settings.schedule))

    # --- time ------------------------------------------------------------------------------------

    def run(self, done: Callable[[], bool]) -> bool:
        """False: it did not come to its end."""
        try:
            self.scheduler.run(done, until=LONGEST_SECONDS, moves=MOVES)
        except OutOfTime as late:
            self.judge.wrong("stuck", str(late))
            return False
        return True

    def heal(self) -> None:
        """No faults from now on; what is on its way still arrives."""
        self.healed = True
        self.plan.network.heal()
        self.plan.nemesis.crash = self.plan.nemesis.stall = 0.0
        self.judge.note("world", "no faults from now on")

    def pending(self) -> list[dict[str, Any]]:
        return self.database.rows("SELECT * FROM workflow_publish_record WHERE status = 'pending' ORDER BY id")

    def under_way(self) -> list[dict[str, Any]]:
        return self.database.rows(f"SELECT * FROM flow WHERE {_MOVING} ORDER BY id")

    def anything_due(self) -> bool:
        """So that nobody asks the use case in vain: that is most of what a quiet schedule would cost."""
        now = self.database.moment()
        free = "TRUE" if self.plan.one_host else "(until IS NULL OR until <= ?2)"
        query = f"SELECT id FROM flow WHERE {_MOVING} AND next_due_at <= ?1 AND {free} LIMIT 1"
        return bool(self.database.rows(query, *([now] if self.plan.one_host else [now, now])))


def a_definition(text: str, schedule: Schedule | None) -> Definition:
    tasks = [Task("extract", "Extract", node_type="SHELL", text=text), Task("load", "装载", node_type="SHELL")]
    return make(Settings(CODE, "Workflow", schedule=schedule), tasks, [("extract", "load")])


def save(store: Any, definition: Definition) -> int | None:
    with store.write() as work:
        workflow = work.publishing.workflow(CODE)
        draft = Draft(workflow.id, definition, hashes(definition), "told", "manual")
        versions = save_task_definitions(work, "ann", definition.tasks)
        number: int | None = save_workflow_definition(work, "ann", [draft], versions).get(CODE)
        if number is not None:
            save_task_relations(work, "ann", [Relations(CODE, number, definition.edges)], versions)
        return number


@cache
def first_image() -> bytes:
    """A workflow with V1 and an engine that holds nothing."""
    database = VirtualDatabase()
    database.begin_again(empty_image(), lambda: 0.0)
    store = SqlStore(database)
    with store.write() as work:
        row = {"workflow_code": CODE, "workflow_name": CODE, "origin": "declared", "created_by": "ann"}
        work.workflows.create([row | {"updated_by": "ann", "status": "ready"}])
        work.publishing.add_engine("dolphin", "dolphin")
    save(store, a_definition("echo 1", CRONS[1]))
    image = database.raw.serialize()
    database.close()
    return image
