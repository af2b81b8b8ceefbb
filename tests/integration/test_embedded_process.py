"""A runner in a process of its own, and how it dies."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.embedded_support import Workshop, is_alive, shell, until
from wfgov_dagster.domain.definition import Task
from wfgov_dagster.engines.embedded.run import lost, run_instance

Start = Callable[[str, str], "subprocess.Popen[bytes]"]
CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Workshop]:
    shop = Workshop(database_url, tmp_path)
    yield shop
    shop.database.dispose()


@pytest.fixture
def start(shop: Workshop) -> Iterator[Start]:
    started: list[subprocess.Popen[bytes]] = []

    def start(instance_id: str, run_id: str) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "tests.integration.embedded_support", shop.url, str(shop.home)]
        started.append(subprocess.Popen([*command, instance_id, run_id], cwd=CHECKOUT))
        return started[-1]

    yield start
    for runner in started:
        runner.kill()
        runner.wait()


def pids(shop: Workshop, count: int) -> list[int]:
    file = shop.data / "pids"
    until(lambda: file.exists() and len(file.read_text().split()) == count)
    return [int(pid) for pid in file.read_text().split()]


def test_of_two_processes_one_runs_the_instance(shop: Workshop, start: Start) -> None:
    instance_id = shop.submit([shell("a", "echo x >> ran; sleep 0.5")])
    runners = [start(instance_id, f"run-{number}") for number in range(2)]
    assert sorted(runner.wait(timeout=30) for runner in runners) == [0, 9]
    assert (shop.data / "ran").read_text() == "x\n"
    assert shop.instance(instance_id).state == "success"


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda how: how.name)
def test_when_the_runner_dies_its_tasks_die_and_the_instance_is_lost(
    shop: Workshop, start: Start, how: signal.Signals
) -> None:
    script = "trap '' TERM; sleep 300 & echo $$ $! >> pids; wait"
    instance_id = shop.submit([shell("a", script), shell("b", script), shell("c")], [("a", "c")])
    runner = start(instance_id, "run")
    running = pids(shop, 4)
    runner.send_signal(how)
    runner.wait(timeout=30)
    until(lambda: not any(is_alive(pid) for pid in running))
    until(lambda: lost(shop.store, 1) or shop.instance(instance_id).state == "failed")
    assert shop.instance(instance_id).state == "failed"
    assert shop.states(instance_id)["c"] == "skipped"
    assert set(shop.states(instance_id).values()) <= {"failed", "stopped", "skipped"}
    assert run_instance(shop.store, shop.host(), int(instance_id), "late") is None


def test_a_killed_runner_leaves_its_database_free(shop: Workshop, start: Start) -> None:
    endless = (
        "CREATE TABLE t AS SELECT count(*) AS n FROM range(1000000000) a(i), range(1000000000) b(j) WHERE i = j % 5;"
    )
    instance_id = shop.submit([Task("a", "a", text=endless)])
    runner = start(instance_id, "run")
    until((shop.data / "warehouse.duckdb").exists)
    runner.kill()
    runner.wait()
    again = shop.run([Task("b", "b", text="CREATE TABLE u AS SELECT 1 AS i;", timeout=60)])
    assert shop.instance(again).state == "success"
    with (shop.data / "warehouse.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_stopped_runner_that_wakes_up_finds_its_instance_gone(shop: Workshop, start: Start) -> None:
    instance_id = shop.submit([shell("a", "echo $$ >> pids; sleep 1; echo done >> ended")])
    runner = start(instance_id, "run")
    pids(shop, 1)
    os.kill(runner.pid, signal.SIGSTOP)
    time.sleep(1.3)
    assert lost(shop.store, 1) == [int(instance_id)]
    before = shop.instance(instance_id), shop.tasks(instance_id)
    os.kill(runner.pid, signal.SIGCONT)
    assert runner.wait(timeout=30) != 0
    assert (shop.instance(instance_id), shop.tasks(instance_id)) == before
    assert before[0].state == "failed"
