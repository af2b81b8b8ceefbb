"""One schedule: publishers, whoever takes over from the dead, people who edit the engine, and what befalls them all."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import cache, partial
from random import Random
from typing import Any

from tests.doubles.dolphin_manners import DolphinManners
from tests.simulation.database import VirtualDatabase, empty_image
from tests.simulation.doors import Network, Process, ProcessEngine, ProcessStore
from tests.simulation.scheduler import Killed, Nemesis, OutOfTime, Scheduler
from tests.simulation.witness import Judge, cron
from wfgov_dagster.domain.definition import Definition, Schedule, Settings, Task, make
from wfgov_dagster.domain.flow import FlowDefinition
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
_NEW_VERSIONS = """SELECT id, version_no FROM workflow_version
    WHERE id > ? AND workflow_id = (SELECT id FROM data_workflow WHERE workflow_code = ?) ORDER BY id"""


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
    flow_id: int | None = None  # instead of a record, where it is about more than one
    lives: int = 0

    @property
    def busy(self) -> bool:
        return bool(self.jobs) or self.record_id is not None or self.flow_id is not None


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

    kind = "publish"
    codes: tuple[str, ...] = (CODE,)
    judge: Any

    def __init__(self, seed: int, database: VirtualDatabase, *, harsh: bool = False) -> None:
        self.dice = Random(seed)
        self.plan = self.draw(harsh=harsh)
        self.scheduler = Scheduler(self.dice, self.plan.nemesis)
        self.engine = DolphinManners(lambda: self.scheduler.now)
        self.database = database
        database.begin_again(first_image(self.codes), lambda: self.scheduler.now)
        self.sql = SqlStore(database)
        self.judge = self.appoint()
        self.scheduler.note = self.judge.note
        self.engine_of: Callable[[ProcessEngine], Any] = lambda engine: engine
        self.limits = LIMITS
        self.seats = [Seat(f"seat {no}", jobs) for no, jobs in enumerate(self.plan.jobs)]
        self.versions = 1
        self.asked = 0
        self.over = self.healed = False
        self._born = 0

    def draw(self, *, harsh: bool) -> Plan:
        return draw(self.dice, harsh=harsh)

    def appoint(self) -> Any:
        """Whoever judges all of it."""
        return self.judge_of(CODE)

    def judge_of(self, code: str, **shared: Any) -> Judge:
        judge = Judge(
            code, self.scheduler, self.database, self.engine, LIMITS.settle_seconds, CALL_SECONDS, 1800.0, **shared
        )
        judge.learn = partial(self._learn_versions, judge)
        judge.learn()
        return judge

    @property
    def judges(self) -> list[Judge]:
        """One a workflow."""
        return [self.judge]

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
        registry = Registry(self.definitions(process))
        return FlowManager(
            self.store(process), registry, process.new_holder(), self._is_dead, self.dice.random,
            FlowLimits(self.limits.lease_seconds), Unmeasured(),
        )  # fmt: skip

    def definitions(self, process: Process) -> list[FlowDefinition]:
        publisher = partial(self.publisher, process)
        return [publish_flow.definition(publisher), sweep_flow.definition(publisher, process.sleep)]

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

    def _learn_versions(self, judge: Judge) -> None:
        highest = max(judge.versions, default=0)
        for row in self.database.rows(_NEW_VERSIONS, highest, judge.code):
            with self.sql.read() as work:
                definition = work.versions.definition(judge.code, row["version_no"])
            bare = replace(definition, settings=replace(definition.settings, schedule=None))
            known = judge.label(bare)
            if known.startswith("foreign"):
                judge.labels = {body: (f"V{row['version_no']}" if label == known else label)
                                for body, label in judge.labels.items()}  # fmt: skip
            judge.versions[row["id"]] = (judge.label(bare), cron(definition.settings.schedule))

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


def a_definition(text: str, schedule: Schedule | None, code: str = CODE) -> Definition:
    extract, load = ("extract", "load") if code == CODE else (f"{code}.extract", f"{code}.load")
    tasks = [Task(extract, "Extract", node_type="SHELL", text=text), Task(load, "装载", node_type="SHELL")]
    return make(Settings(code, "Workflow", schedule=schedule), tasks, [(extract, load)])


def save(store: Any, definition: Definition) -> int | None:
    with store.write() as work:
        workflow = work.publishing.workflow(definition.code)
        draft = Draft(workflow.id, definition, hashes(definition), "told", "manual")
        versions = save_task_definitions(work, "ann", definition.tasks)
        number: int | None = save_workflow_definition(work, "ann", [draft], versions).get(definition.code)
        if number is not None:
            save_task_relations(work, "ann", [Relations(definition.code, number, definition.edges)], versions)
        return number


@cache
def first_image(codes: tuple[str, ...] = (CODE,)) -> bytes:
    """Workflows with V1 and an engine that holds nothing."""
    database = VirtualDatabase()
    database.begin_again(empty_image(), lambda: 0.0)
    store = SqlStore(database)
    with store.write() as work:
        row = {"origin": "declared", "created_by": "ann", "updated_by": "ann", "status": "ready"}
        work.workflows.create([row | {"workflow_code": code, "workflow_name": code} for code in codes])
        work.publishing.add_engine("dolphin", "dolphin")
    for code in codes:
        save(store, a_definition("echo 1", CRONS[1], code))
    image = database.raw.serialize()
    database.close()
    return image
