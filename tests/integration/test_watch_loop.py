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

import pytest

from tests.integration.cli_support import Cli
from tests.integration.flow_support import ACTOR, House
from wfgov_dagster.domain.flow import Biz, FlowState
from wfgov_dagster.runs.holders import ProcessHolders
from wfgov_dagster.runs.watch_loop import WatchLoop
from wfgov_dagster.store.db import Database
from wfgov_dagster.usecases.flows import Ended, advance_flow, create, due, start


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
    lease, tick = 2.0, 1.0
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
    assert taken < (tick if same_machine else lease + tick)
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
