"""What the processes of a schedule do: the real use cases, as a command, the watch and people would call them."""

from collections.abc import Callable

from tests.simulation.doors import Process
from tests.simulation.world import CODE, CRONS, Seat, World, a_definition
from wfgov_dagster.domain.publish import Operation
from wfgov_dagster.errors import Conflict, LeaseHeld, NotFound
from wfgov_dagster.usecases.publish import advance, drive
from wfgov_dagster.usecases.publisher import Again
from wfgov_dagster.usecases.request_publish import Request, request

_TRIES = 12  # a person who is told that somebody publishes asks again


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
    try:
        drive(world.publisher(process), record_id, process.sleep)
    except LeaseHeld:
        world.judge.note(process.holder, f"record {record_id}: somebody else is at it")


def watch(world: World) -> None:
    """A daemon that goes on with what nobody drives."""
    world.spawn("watch", lambda process: _watch(world, process), reborn=lambda: watch(world))


def _watch(world: World, process: Process) -> None:
    while not world.over:
        publisher = world.publisher(process)
        for record in world.pending():
            _advance_while_quick(world, process, lambda number=record["id"]: advance(publisher, number))
        process.sleep(5.0)


def _advance_while_quick(world: World, process: Process, step: Callable[[], object]) -> None:
    try:
        while isinstance(again := step(), Again) and again.after_seconds <= 2.0:
            process.sleep(again.after_seconds)
    except LeaseHeld:
        process.pause("somebody else is at it")


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
