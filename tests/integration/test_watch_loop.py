"""The watch loop: one query a tick, each flow with one worker, a clean end; and a process that is killed."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from tests.integration.cli_support import Cli
from tests.integration.flow_support import ACTOR, POLL, House
from wfgov_dagster.domain.alert import Alert, AlertKind
from wfgov_dagster.domain.flow import Again, Biz, FlowState, Turn
from wfgov_dagster.errors import DatabaseBusy, WfgovError
from wfgov_dagster.ports.embedded import FireReport
from wfgov_dagster.runs.holders import ProcessHolders
from wfgov_dagster.runs.watch_loop import WatchLoop
from wfgov_dagster.store.db import Database
from wfgov_dagster.usecases.deliver_alerts import DeliveryReport
from wfgov_dagster.usecases.do_chores import EVERY_SECONDS, Chores
from wfgov_dagster.usecases.flows import Ended, advance_flow, create, due, start
from wfgov_dagster.usecases.watch_flows import TICK_SECONDS, Ears, Said, Sleeper, Watch

DONE = {"there": True}
NO_CHORES = Chores(lambda: FireReport([], []), lambda _: None, DeliveryReport, lambda: None)


def run_for(loop: WatchLoop, seconds: float) -> None:
    timer = threading.Timer(seconds, loop.stop.set)
    timer.start()
    loop.run()
    timer.join()


def test_an_idle_loop_looks_once_a_tick() -> None:
    looks: list[float] = []

    def look() -> list[int]:
        looks.append(time.monotonic())
        return []

    run_for(WatchLoop(look, lambda _: None, lambda _: True, threading.Event(), tick_seconds=0.1), 0.55)
    assert 4 <= len(looks) <= 6


def test_one_thing_is_never_with_two_workers() -> None:
    under_way, most, done = set(), [0], []

    def care(one: int) -> None:
        assert one not in under_way
        under_way.add(one)
        most[0] = max(most[0], len(under_way))
        time.sleep(0.05)
        under_way.remove(one)
        done.append(one)

    run_for(WatchLoop(lambda: [1, 2, 3, 4, 5], care, lambda _: True, threading.Event(), 3, 0.01), 0.5)
    assert set(done) == {1, 2, 3, 4, 5}
    assert most[0] == 3


def test_when_all_that_was_due_is_done_it_looks_again_without_waiting_for_a_tick() -> None:
    left, looks = list(range(20)), [0]

    def look() -> list[int]:
        looks[0] += 1
        return left[:5]

    loop = WatchLoop(look, left.remove, lambda busy: busy, threading.Event(), tick_seconds=30)
    began = time.monotonic()
    loop.run()
    assert (left, looks[0] >= 4, time.monotonic() - began < 10) == ([], True, True)


def test_a_stop_lets_what_was_begun_end_and_begins_nothing() -> None:
    stop, begun, ended = threading.Event(), [], []

    def care(one: int) -> None:
        begun.append(one)
        stop.set()
        time.sleep(0.1)
        ended.append(one)

    WatchLoop(lambda: [1, 2, 3], care, lambda _: True, stop, 1, 0.01).run()
    assert begun == ended == [1]


@pytest.mark.parametrize("where", ["due", "care"])
def test_a_fault_of_its_own_ends_the_loop(where: str) -> None:
    def fail(*_: object) -> list[int]:
        raise ZeroDivisionError

    def care(_one: int) -> None:
        fail()

    loop = WatchLoop(fail if where == "due" else lambda: [1], care, lambda _: True, threading.Event(), 1, 0.01)
    with pytest.raises(ZeroDivisionError):
        loop.run()


SILENT = Ears(lambda _: None, lambda *_: None, lambda _: None)

# --- flows ---------------------------------------------------------------------------------------


def watch(house: House, seconds: float | None, stop: threading.Event, *, workers: int = 2) -> list[tuple[int, Said]]:
    heard: list[tuple[int, Said]] = []
    ears = Ears(lambda _: None, lambda flow_id, said: heard.append((flow_id, said)), lambda _: None)
    sleeper = Sleeper(lambda pause: stop.wait(pause) and None, stop.is_set)
    told = Watch(house.manager(), ears, sleeper, time.monotonic, NO_CHORES if seconds is None else seconds)
    WatchLoop(told.due, told.care, told.goes_on, stop, workers, 0.1).run()
    return heard


def test_flows_that_wait_a_little_again_and_again_keep_no_worker_from_the_others(house: House) -> None:
    house.define(house.node("a", POLL), name="waits")
    house.define(house.node("b"), name="works")
    house.world.says["a"] = [Again(0.5)]
    for _ in range(6):
        house.begin("waits")
    stop, began = threading.Event(), time.monotonic()

    def ends(_turn: object) -> None:
        stop.set()

    threading.Timer(0.3, lambda: house.begin("works")).start()
    house.world.says["b"] = [ends]
    watch(house, None, stop)
    assert time.monotonic() - began < 15
    assert len(house.world.turns) >= 7


def test_a_run_waits_for_what_is_due_soon_and_not_for_the_rest(house: House) -> None:
    house.define(house.node("a", POLL))

    def says(turn: Turn) -> object:
        if turn.biz_id == "late":
            return Again(60.0)
        return DONE if len(house.world.turns) > 4 else Again(0.3)

    house.world.says["a"] = [says]
    soon, late = house.begin(biz=Biz("soon", "t")), house.begin(biz=Biz("late", "t"))
    began = time.monotonic()
    watch(house, 30.0, threading.Event())
    assert time.monotonic() - began < 10
    assert [house.state(soon), house.state(late)] == ["Finished", "Processing"]


def test_a_look_that_fails_ends_a_run_and_is_told_by_the_loop_that_never_ends(house: House) -> None:
    stop, told = threading.Event(), []
    manager = replace(house.manager(), store=Away())

    def hear(failure: WfgovError) -> None:
        told.append(failure)
        stop.set()

    sleeper = Sleeper(time.sleep, stop.is_set)
    for task in (NO_CHORES, 1.0):
        one = Watch(manager, Ears(lambda _: None, lambda *_: None, hear), sleeper, time.monotonic, task)
        if task is NO_CHORES:
            WatchLoop(one.due, one.care, one.goes_on, stop, 1, 0.1).run()
        else:
            with pytest.raises(DatabaseBusy):
                one.due()
    assert [str(one) for one in told] == ["away"]


def queries(database: Database, look: Callable[[], object]) -> int:
    asked: list[str] = []

    def hear(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith("BEGIN"):
            asked.append(statement)

    sa.event.listen(database.engine, "before_cursor_execute", hear)
    try:
        look()
    finally:
        sa.event.remove(database.engine, "before_cursor_execute", hear)
    return len(asked)


def test_while_nothing_is_due_a_look_is_one_query_chores_included(house: House) -> None:
    house.define(house.node("a"))
    house.run()
    clock, done = [0.0], []
    chores = replace(NO_CHORES, fire=lambda: done.append(clock[0]) or FireReport([], []))  # type: ignore[func-returns-value]
    told = Watch(house.manager(), SILENT, Sleeper(time.sleep, lambda: False), lambda: clock[0], chores)

    def ten_minutes() -> None:
        for _ in range(int(600 / TICK_SECONDS)):
            clock[0] += TICK_SECONDS
            assert told.due() == []

    assert queries(house.database, ten_minutes) == 600
    assert (TICK_SECONDS, done) == (1.0, [])


def test_chores_are_done_when_there_is_one_and_not_every_tick(house: House) -> None:
    clock, done = [0.0], []
    chores = replace(NO_CHORES, fire=lambda: done.append(clock[0]) or FireReport([], []))  # type: ignore[func-returns-value]
    told = Watch(house.manager(), SILENT, Sleeper(time.sleep, lambda: False), lambda: clock[0], chores)
    with house.store.write() as work:
        work.alerts.add(Alert(AlertKind.FLOW_FAILED, "flow:1:1", "it failed"))
    for _ in range(12):
        told.due()
        clock[0] += TICK_SECONDS
    assert done == [0.0, EVERY_SECONDS, 2 * EVERY_SECONDS]
    house.define(house.node("a"))
    flow_id = house.begin()
    assert told.due() == [flow_id], "chores hold up no flow"


class Away:
    """A store whose database cannot be reached."""

    def read(self) -> object:
        raise DatabaseBusy("away")

    write = read


# --- processes -----------------------------------------------------------------------------------

DIES = """
import sys, time
from wfgov_dagster.domain.flow import FlowDefinition, FlowNode, NodeKind
from wfgov_dagster.usecases.flows import advance_flow
from wfgov_dagster.wiring import Platform

def stuck(turn):
    print("begun", flush=True)
    time.sleep(600)

platform = Platform()
platform.definitions.register(FlowDefinition("f", 1, (FlowNode("a", NodeKind.CALL, stuck),)))
advance_flow(platform.flows(), int(sys.argv[1]))
"""


@pytest.fixture
def house(database: Database) -> House:
    return House(database)


@pytest.fixture
def wfgov(house: House, database_url: str, tmp_path: object) -> Cli:
    return Cli(database_url, tmp_path / "home")  # type: ignore[operator]


@pytest.fixture
def spawn(wfgov: Cli) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    children: list[subprocess.Popen[str]] = []

    def start_it(*arguments: str, **more: str) -> "subprocess.Popen[str]":
        env = {**os.environ, **{name: str(value) for name, value in wfgov.env.items()}, **more}
        pipe = subprocess.PIPE
        child = subprocess.Popen([sys.executable, *arguments], env=env, stdout=pipe, stderr=pipe, text=True)
        children.append(child)
        return child

    yield start_it
    for child in children:
        child.kill()
        child.communicate()


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> float:
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds
        time.sleep(0.02)
    return time.monotonic() - began


@pytest.mark.parametrize("same_machine", [True, False], ids=["same_machine", "another_machine"])
def test_a_killed_process_is_overtaken_at_once_or_within_its_lease_and_a_tick(
    house: House, spawn: Callable[..., "subprocess.Popen[str]"], *, same_machine: bool
) -> None:
    lease, tick = 3.0, 1.0
    house.define(house.node("a"))
    flow_id = house.begin()
    child = spawn("-c", DIES, str(flow_id), WFGOV_LEASE_SECONDS=f"{lease:.0f}")
    assert child.stdout is not None
    assert child.stdout.readline() == "begun\n"
    is_dead = ProcessHolders().is_dead if same_machine else {""}.__contains__
    manager = replace(house.manager(), is_dead=is_dead)
    if same_machine:
        assert due(manager) == []
    child.kill()
    taken = wait_for(lambda: due(manager) == [flow_id])
    assert taken < (lease - tick if same_machine else lease + tick)
    assert advance_flow(manager, flow_id) == Ended(flow_id, FlowState.FINISHED)
    assert house.attempts(flow_id) == [("a", 1, "do", "interrupted"), ("a", 2, "do", "ok")]


def test_the_watch_command_drives_what_is_due_and_ends_cleanly(
    house: House, wfgov: Cli, spawn: Callable[..., "subprocess.Popen[str]"]
) -> None:
    with house.store.write() as work:
        flow_id = create(work, ACTOR, Biz("4711", "publish_record"), "publish")
        start(work, ACTOR, flow_id)
    watch = spawn("-c", "from wfgov_dagster.cli import main; main()", "flow", "watch")
    wait_for(lambda: house.state(flow_id) == "Error")
    watch.send_signal(signal.SIGTERM)
    out, err = watch.communicate(timeout=30)
    assert (watch.returncode, out) == (0, "")
    assert err.splitlines()[0] == "watching"
    assert err.splitlines()[-1] == "stopped"
    assert f"flow {flow_id} publish: do publish, try 1: failed, not_found: no publish record 4711" in err


def test_two_watch_loops_share_the_work(house: House) -> None:
    house.define(house.node("a"), house.node("b"))
    ids = [house.begin() for _ in range(8)]

    def loop() -> None:
        manager = house.manager()
        WatchLoop(
            lambda: due(manager),
            lambda flow_id: house.drive(flow_id, manager) and None,
            lambda busy: busy,
            threading.Event(),
            tick_seconds=0.05,
        ).run()

    with ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(loop), pool.submit(loop)]:
            future.result()
    assert {house.state(flow_id) for flow_id in ids} == {"Finished"}
    assert [house.world.calls(flow_id) for flow_id in ids] == [{"a": 1, "b": 1}] * 8
