"""What people do with change sets: ask for them, stop, cancel, resume and restore them, publish a member alone."""

from collections.abc import Callable

from tests.simulation import programs
from tests.simulation.doors import Process
from tests.simulation.sets_world import CODES, SetsWorld
from tests.simulation.world import Seat, a_definition
from wfgov_dagster.domain.change_set import OnFailure
from wfgov_dagster.domain.definition import Schedule
from wfgov_dagster.domain.publish import Operation
from wfgov_dagster.errors import Conflict, FlowError, LeaseHeld, NotFound
from wfgov_dagster.usecases import end_change_set, flows
from wfgov_dagster.usecases.advance_flow import drive_flow
from wfgov_dagster.usecases.cancel_publish import cancel_publish
from wfgov_dagster.usecases.change_set import Wanted, request_change_set
from wfgov_dagster.usecases.request_publish import Request, request
from wfgov_dagster.usecases.watch_flows import describe

_TRIES = 8
_SETS = "SELECT id, state, flow_id FROM change_set WHERE restores IS NULL ORDER BY id"
_STOPPED = "SELECT id, biz_type, biz_id FROM flow WHERE state = 'Stopped' ORDER BY id"
_BROKEN = """SELECT change_set.id FROM change_set JOIN flow ON flow.id = change_set.flow_id
    WHERE change_set.state IN ('running', 'restoring') AND flow.state IN ('Error', 'Stopped') ORDER BY change_set.id"""
_OPEN_FLOWS = (
    "SELECT id FROM flow WHERE state IN ('Processing', 'Stopped', 'Error') AND flow_name <> 'sweep' ORDER BY id"
)


def begin(world: SetsWorld) -> None:
    for seat in world.seats:
        sit_down(world, seat)
    for program in (programs.watch, programs.decide_all, steer, meddle, programs.interrupt):
        program(world)


# --- at a terminal -------------------------------------------------------------------------------


def sit_down(world: SetsWorld, seat: Seat) -> None:
    if not seat.jobs and seat.flow_id is None:
        return
    if seat.lives and world.dice.random() < 0.5:
        seat.flow_id = None  # left to whoever watches
    seat.lives += 1
    after = world.dice.uniform(0.0, 30.0)
    world.spawn(
        seat.name, lambda process: _work(world, seat, process), after=after, reborn=lambda: sit_down(world, seat)
    )


def _work(world: SetsWorld, seat: Seat, process: Process) -> None:
    if seat.flow_id is not None:
        _drive(world, process, seat.flow_id)
        seat.flow_id = None
    while seat.jobs:
        process.sleep(world.dice.uniform(0.0, 60.0))
        words = seat.jobs[0].split()
        if words[0] == "new":
            words = words[1:]
            for code in words[-1]:
                world.save_one(world.store(process), code)
            seat.jobs[0] = " ".join(words)
        seat.flow_id = _ask(world, process, words)
        seat.jobs.pop(0)
        if seat.flow_id is not None:
            _drive(world, process, seat.flow_id)
        seat.flow_id = None


def _ask(world: SetsWorld, process: Process, words: list[str]) -> int | None:
    store = world.store(process)
    for _ in range(_TRIES):
        try:
            if words[0] == "one":
                number = request(store, "ann", Request(words[2], Operation(words[1]), "dolphin"))
                table = "workflow_publish_record"
            else:
                number = request_change_set(store, "ann", _wanted(world, words))
                table = "change_set"
            world.asked += 1
            flow_id: int = world.database.rows(f"SELECT flow_id FROM {table} WHERE id = ?", number)[0]["flow_id"]
            return flow_id
        except LeaseHeld:
            world.asked += 1
        except (Conflict, NotFound) as no:  # for example online before any deploy, or another set has it
            world.asked += 1
            world.judge.note(process.holder, f"{' '.join(words)} is refused: {no}")
            if "has not ended with it" not in str(no):
                return None
        process.sleep(world.dice.uniform(1.0, 40.0))
    return None


def _wanted(world: SetsWorld, words: list[str]) -> Wanted:
    _, operation, on_failure, parallel, codes = words
    pace = world.dice.choice([0.0, 0.0, 1.0])
    return Wanted(Operation(operation), "dolphin", list(codes), OnFailure(on_failure), int(parallel), pace)


def _drive(world: SetsWorld, process: Process, flow_id: int) -> None:
    said = drive_flow(world.flows(process), flow_id, process.sleep, world.dice.choice([0.5, 3.0]))
    world.judge.note(process.holder, describe(flow_id, said))


# --- people who think again ----------------------------------------------------------------------


def steer(world: SetsWorld) -> None:
    """Somebody stops, cancels and restores a few times; and always goes on with what was stopped or gave up."""
    world.spawn("steerer", lambda process: _steer(world, process), reborn=lambda: steer(world))


def _steer(world: SetsWorld, process: Process) -> None:
    while not world.over:
        process.sleep(world.dice.uniform(5.0, 60.0))
        if world.plan.moves and not world.healed:
            world.plan.moves -= 1
            move = world.dice.choice([_cancel_set, _cancel_flow, _stop_flow, _cancel_record, _restore])
            _try(world, process, move)
        if world.healed or world.dice.random() < 0.4:
            _resume(world, process)


def _try(world: SetsWorld, process: Process, move: Callable[[SetsWorld, Process], str | None]) -> None:
    try:
        said = move(world, process)
    except (Conflict, NotFound, FlowError) as no:
        said = f"{move.__name__.strip('_')} is refused: {no}"
    if said is not None:
        world.judge.seen[move.__name__.strip("_")] += "refused" not in said
        world.judge.note(process.holder, said)


def _cancel_set(world: SetsWorld, process: Process) -> str | None:
    number = _one_of(world, f"SELECT id FROM ({_SETS}) WHERE state IN ('running', 'restoring')")
    if number is None:
        return None
    end_change_set.cancel_change_set(world.store(process), "bob", number, "on second thoughts")
    return f"set {number} is cancelled"


def _cancel_flow(world: SetsWorld, process: Process) -> str | None:
    number = _one_of(world, _OPEN_FLOWS)
    if number is None:
        return None
    flows.cancel_flow(world.flows(process), "bob", number, "on second thoughts")
    return f"flow {number} is cancelled"


def _stop_flow(world: SetsWorld, process: Process) -> str | None:
    number = _one_of(world, _OPEN_FLOWS)
    if number is None:
        return None
    flows.stop_flow(world.flows(process), "bob", number)
    return f"flow {number} is stopped"


def _cancel_record(world: SetsWorld, process: Process) -> str | None:
    number = _one_of(world, "SELECT id FROM workflow_publish_record WHERE status = 'pending' ORDER BY id")
    if number is None:
        return None
    cancel_publish(world.store(process), "bob", number)
    return f"record {number} is not wanted any more"


def _restore(world: SetsWorld, process: Process) -> str | None:
    number = _one_of(world, _SETS)
    if number is None:
        return None
    back = end_change_set.restore_change_set(world.store(process), "bob", number)
    return f"set {number} is brought back by {back}"


def _resume(world: SetsWorld, process: Process) -> None:
    for row in world.database.rows(_BROKEN):
        _try(world, process, lambda _, process, number=row["id"]: _resume_set(world, process, number))  # type: ignore[misc]
    for row in world.database.rows(_STOPPED):
        _try(world, process, lambda _, process, number=row["id"]: _resume_flow(world, process, number))  # type: ignore[misc]


def _resume_set(world: SetsWorld, process: Process, number: int) -> str:
    end_change_set.resume_change_set(world.store(process), "bob", number)
    return f"set {number} is resumed"


def _resume_flow(world: SetsWorld, process: Process, number: int) -> str:
    flows.resume_flow(world.flows(process), "bob", number)
    return f"flow {number} is resumed"


def _one_of(world: SetsWorld, query: str) -> int | None:
    rows = world.database.rows(query)
    return world.dice.choice(rows)["id"] if rows else None


# --- behind our back -----------------------------------------------------------------------------


def meddle(world: SetsWorld) -> None:
    """Somebody edits the engine in its own pages."""
    world.spawn("person", lambda process: _meddle(world, process))


def _meddle(world: SetsWorld, process: Process) -> None:
    for number in range(world.plan.edits):
        process.sleep(world.dice.uniform(0.0, 200.0))
        code = world.dice.choice(CODES)
        held = world.engine.observe(code)
        if held is None or world.over:
            continue
        what = world.dice.choice(["content", "cron", "release", "marker"])
        if what == "content":
            world.engine.edit(a_definition(f"echo foreign {number}", None, code))
        elif what == "cron" and held.online:
            world.engine.reschedule(code, Schedule(f"{number} 4 * * *", "UTC"), online=held.schedule_online)
        elif what == "marker":
            world.engine.unmark(code)
        else:
            what = "release"
            world.engine.turn(code, online=not held.online)
        world.judge.judges[code].edited(what)
