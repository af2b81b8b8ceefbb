"""Names of lease holders tell whether their process is gone; a meter counts."""

import os
import signal
import subprocess
import sys

import pytest

from wfgov_dagster.ports.calls import Measured
from wfgov_dagster.runs import holders
from wfgov_dagster.runs.holders import ProcessHolders
from wfgov_dagster.runs.meter import MemoryMeter

CHILD = """
import time
from wfgov_dagster.runs.holders import ProcessHolders
print(ProcessHolders().new(), flush=True)
time.sleep(600)
"""


@pytest.fixture
def own() -> ProcessHolders:
    return ProcessHolders()


def test_no_two_names_are_equal_and_ours_are_alive(own: ProcessHolders) -> None:
    first, second = own.new(), own.new()
    assert first != second
    assert first.split(":")[1] == str(os.getpid())
    assert not own.is_dead(first)
    assert not own.is_dead(f"{first}:17"), "what follows the name does not matter"


def test_a_process_is_known_dead_as_soon_as_it_is_killed_even_before_its_parent_looks(own: ProcessHolders) -> None:
    child = subprocess.Popen([sys.executable, "-c", CHILD], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    name = child.stdout.readline().strip()
    assert not own.is_dead(name)
    child.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and is a zombie
    assert own.is_dead(name)
    child.communicate()
    assert own.is_dead(name)


def test_a_number_that_another_process_has_now_is_not_the_one_that_died(own: ProcessHolders) -> None:
    host, pid, _, rest = own.new().split(":")
    assert own.is_dead(f"{host}:{pid}:1:{rest}")


@pytest.mark.parametrize("name", ["", "holder 1", "elsewhere:1:1:x", "{host}", "{host}:x:1:y", "{host}:1"])
def test_of_others_nobody_is_sure(own: ProcessHolders, name: str) -> None:
    assert not own.is_dead(name.format(host=own.new().split(":")[0]))


def test_of_another_machine_with_our_name_nobody_is_sure(own: ProcessHolders) -> None:
    host, _, began, rest = own.new().split(":")
    name, boot, space = host.rsplit(".", 2)
    assert own.is_dead(f"{host}:999999999:{began}:{rest}")
    assert not own.is_dead(f"{name}.{boot[::-1]}.{space}:999999999:{began}:{rest}")


def test_a_process_of_somebody_else_is_alive(own: ProcessHolders, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_pid: int, _signal: int) -> None:
        raise PermissionError

    monkeypatch.setattr(holders.os, "kill", refuse)
    host = own.new().split(":")[0]
    assert not own.is_dead(f"{host}:999999999:5:x")


def test_where_the_machine_does_not_tell_when_a_process_began_it_counts_as_alive(
    own: ProcessHolders, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setattr(holders, "_PROC", tmp_path)
    blind = ProcessHolders()
    name = blind.new()
    assert name.split(":")[2] == "0"
    assert not blind.is_dead(name)
    assert not blind.is_dead(name.replace(":0:", ":12345:"))
    assert blind.is_dead(":".join([name.split(":")[0], "999999999", "0", "x"]))


def test_a_meter_counts_calls_failures_and_time() -> None:
    meter = MemoryMeter()
    with meter.measure("a"):
        pass
    with pytest.raises(ValueError, match="x"), meter.measure("a"):
        raise ValueError("x")
    found = meter.read()["a"]
    assert (found.calls, found.failures, found.seconds >= found.longest_seconds > 0) == (2, 1, True)
    assert meter.read().get("b", Measured()) == Measured()
