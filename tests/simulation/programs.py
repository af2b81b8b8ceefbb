"""What the processes of a schedule do: the real use cases, as a command, the watch and people would call them."""

from tests.simulation.doors import Process
from tests.simulation.world import CODE, CRONS, Seat, World, a_definition
from wfgov_dagster.domain.flow_steps import Failed
from wfgov_dagster.domain.publish import Operation
from wfgov_dagster.errors import Conflict, EngineError, InvalidInput, LeaseHeld, NotFound
from wfgov_dagster.usecases.advance_flow import drive_flow
from wfgov_dagster.usecases.flows import due
from wfgov_dagster.usecases.request_publish import Request, request
from wfgov_dagster.usecases.steer_publish import Choice, decide, retry
from wfgov_dagster.usecases.watch_flows import Sleeper, describe, take_care

# A flow in which too many died, while its record is open: only a person goes on with it.
_GIVEN_UP = """SELECT record.id FROM flow JOIN workflow_publish_record AS record ON record.flow_id = flow.id
    WHERE flow.state = 'Error' AND record.status = 'pending' AND record.phase NOT IN ('paused', 'parked')"""
_TRIES = 12  # a person who is told that somebody publishes asks again
_RETRIED = {"parked": 0.3, "failed": 0.1, "rejected": 0.1}  # how often a person tries again


def begin(world: World) -> None:
    for seat in world.seats:
        sit_down(world, seat)
    for program in (watch, decide_all, meddle, interrupt):
        program(world)


def sit_down(world: World, seat: Seat) -> None:
    """The next life of a person's terminal: each command is a process that may be killed."""
    if not seat.jobs and seat.record_id is None:
        return
    if seat.lives and world.dice.random() < 0.5:
        seat.record_id = None  # left to whoever watches
    seat.lives += 1
    after = world.dice.uniform(0.0, 30.0)
    world.spawn(
        seat.name, lambda process: _work(world, seat, process), after=after, reborn=lambda: sit_down(world, seat)
    )


def _work(world: World, seat: Seat, process: Process) -> None:
    if seat.record_id is not None:
        _drive(world, process, seat.record_id)
        seat.record_id = None
    while seat.jobs:
        job = seat.jobs[0]
        process.sleep(world.dice.uniform(0.0, 60.0))
        if job.startswith("new"):
            world.save_next(world.store(process))
            seat.jobs[0] = job = job.split()[1]
        seat.record_id = _ask(world, process, job)
        seat.jobs.pop(0)
        if seat.record_id is not None:
            _drive(world, process, seat.record_id)
        seat.record_id = None


def _ask(world: World, process: Process, operation: str) -> int | None:
    store = world.store(process)
    for _ in range(_TRIES):
        try:
            number = request(store, "ann", Request(CODE, Operation(operation), "dolphin"))
            world.asked += 1
            return number
        except LeaseHeld:
            world.asked += 1
            process.sleep(world.dice.uniform(1.0, 20.0))
        except (Conflict, NotFound) as no:  # for example online before any deploy
            world.asked += 1
            world.judge.note(process.holder, f"{operation} is refused: {no}")
            return None
    return None


def _drive(world: World, process: Process, record_id: int) -> None:
    """As the command line does: until it ends, or has to wait for longer than a person would."""
    manager = world.flows(process)
    with manager.store.read() as work:
        flow_id = work.publishing.job(record_id).flow_id
    assert flow_id is not None, "a record that was asked for has its flow"
    said = drive_flow(manager, flow_id, process.sleep, patience_seconds=world.dice.choice([0.5, 3.0]))
    world.judge.note(process.holder, f"record {record_id}: {describe(flow_id, said)}")


def watch(world: World) -> None:
    """A daemon that goes on with what nobody drives."""
    world.spawn("watch", lambda process: _watch(world, process), reborn=lambda: watch(world))


def _watch(world: World, process: Process) -> None:
    sleeper = Sleeper(process.sleep, lambda: False)
    while not world.over:
        manager = world.flows(process)
        for flow_id in due(manager) if world.anything_due() else []:
            said = take_care(manager, flow_id, sleeper)
            if isinstance(said, Failed):
                world.judge.wrong("crashed", f"flow {flow_id}: {said.message}")
        process.sleep(5.0)


def decide_all(world: World) -> None:
    """A person who is told of what waits: paused records are decided, others tried again now and then."""
    world.spawn("decider", lambda process: _decide_all(world, process), reborn=lambda: decide_all(world))


def _decide_all(world: World, process: Process) -> None:
    while not world.over:
        process.sleep(world.dice.uniform(10.0, 60.0))
        for record in world.database.rows("SELECT id, phase FROM workflow_publish_record ORDER BY id"):
            if record["phase"] == "paused":
                _decide(world, process, record["id"])
            elif record["phase"] in _RETRIED and world.dice.random() < _RETRIED[record["phase"]]:
                _retry(world, process, record["id"])
        for record in world.database.rows(_GIVEN_UP):
            _retry(world, process, record["id"])


def _decide(world: World, process: Process, record_id: int) -> None:
    choice = world.dice.choice(list(Choice))
    if choice is Choice.REPUBLISH:
        world.judge.decided(record_id)
    try:
        decide(world.publisher(process), "ann", record_id, choice)
        world.judge.note(process.holder, f"record {record_id}: {choice}")
    except (Conflict, InvalidInput, EngineError) as no:
        world.judge.note(process.holder, f"record {record_id}: {choice} is refused: {no}")


def _retry(world: World, process: Process, record_id: int) -> None:
    world.judge.retried.add(record_id)
    try:
        retry(world.store(process), "ann", record_id)
        world.judge.note(process.holder, f"record {record_id}: tried again")
    except Conflict as no:
        world.judge.note(process.holder, f"record {record_id}: not tried again: {no}")


def meddle(world: World) -> None:
    """Somebody edits the engine in its own pages."""
    world.spawn("person", lambda process: _meddle(world, process))


def _meddle(world: World, process: Process) -> None:
    for number in range(world.plan.edits):
        process.sleep(world.dice.uniform(0.0, 200.0))
        held = world.engine.observe(CODE)
        if held is None or world.over:
            continue
        what = world.dice.choice(["content", "cron", "release", "marker"])
        if what == "content":
            world.engine.edit(a_definition(f"echo foreign {number}", None))
        elif what == "cron" and held.online:
            world.engine.reschedule(CODE, CRONS[1].__class__(f"{number} 4 * * *", "UTC"), online=held.schedule_online)
        elif what == "marker":
            world.engine.unmark(CODE)
        else:
            what = "release"
            world.engine.turn(CODE, online=not held.online)
        world.judge.edited(what)


def interrupt(world: World) -> None:
    """The engine is gone for a while."""
    if world.plan.outage_seconds:
        world.spawn("outage", lambda process: _interrupt(world, process))


def _interrupt(world: World, process: Process) -> None:
    process.sleep(world.dice.uniform(0.0, 60.0))
    if not world.over:
        world.plan.network.down_until = world.scheduler.now + world.plan.outage_seconds
        world.judge.note("engine", f"is gone for {world.plan.outage_seconds:.0f} s")
