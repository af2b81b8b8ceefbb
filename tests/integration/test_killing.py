"""The harness that kills: a child is a process, dies when it is told, and what goes wrong in it is heard."""

import os
import subprocess
import sys
import time
from pathlib import Path
from random import Random
from subprocess import PIPE

import pytest

from tests.integration.embedded_support import is_alive, until
from tests.support.killing import Child, Tell, family, killed_at_random
from wfgov_dagster.settings import CHECKOUT


def count(tell: Tell, file: Path) -> None:
    tell(os.getpid())
    with file.open("a", buffering=1) as opened:
        while True:
            opened.write("x\n")
            time.sleep(0.001)


def fail_before_it_begins(tell: Tell) -> None:
    raise LookupError("no such thing")


def end(tell: Tell) -> None:
    tell("begun")


def tell_of_its_parent(tell: Tell) -> None:
    tell(os.getppid())
    time.sleep(60)


def test_a_child_is_killed_while_it_works(tmp_path: Path) -> None:
    file = tmp_path / "counted"
    with family() as children:
        child = children.start(count, file)
        assert child.hear() == child.pid != os.getpid()
        until(lambda: file.exists() and file.stat().st_size > 20)
        child.kill()
        assert not is_alive(child.pid)
        size = file.stat().st_size
        time.sleep(0.05)
        assert file.stat().st_size == size


def test_who_is_left_at_the_end_of_the_block_is_killed(tmp_path: Path) -> None:
    with family() as children:
        pids = [children.start(count, tmp_path / name).hear() for name in "ab"]
    assert [is_alive(int(str(pid))) for pid in pids] == [False, False]


def test_a_child_does_not_outlive_the_process_of_its_test(tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path / "counted")], cwd=CHECKOUT, stdout=PIPE)
    assert parent.stdout is not None
    with parent.stdout:
        child = int(parent.stdout.readline())
        assert is_alive(child)
        parent.kill()
        parent.wait()
    until(lambda: not is_alive(child))


PARENT = """
import sys, time
from pathlib import Path
from tests.integration.test_killing import count
from tests.support.killing import family
with family() as children:
    print(children.start(count, Path(sys.argv[1])).hear(), flush=True)
    time.sleep(60)
"""


def test_a_frozen_child_does_nothing_until_it_is_thawed(tmp_path: Path) -> None:
    file = tmp_path / "counted"
    with family() as children:
        child = children.start(count, file)
        until(lambda: file.exists() and file.stat().st_size > 20)
        child.freeze()
        size = file.stat().st_size
        time.sleep(0.05)
        assert (is_alive(child.pid), file.stat().st_size) == (True, size)
        child.thaw()
        until(lambda: file.stat().st_size > size)


def test_a_childs_failure_is_the_tests(capfd: pytest.CaptureFixture[str]) -> None:
    with family() as children:
        with pytest.raises(AssertionError, match="LookupError: no such thing"):
            children.start(fail_before_it_begins).hear()
        with pytest.raises(AssertionError, match="LookupError: no such thing"):
            children.start(fail_before_it_begins).wait()


def test_a_child_that_ends_before_it_is_killed_was_not_killed() -> None:
    with family() as children:
        child = children.start(end)
        until(lambda: not is_alive(child.pid))
        with pytest.raises(AssertionError, match="ended with 0, not -9"):
            child.kill()


def test_a_child_that_has_done_its_work_is_waited_for() -> None:
    with family() as children:
        children.start(end).wait()


def test_all_children_have_one_parent_which_is_not_the_test() -> None:
    with family() as children:
        told = [children.start(tell_of_its_parent).hear() for _ in range(2)]
    assert told[0] == told[1] != os.getpid()


def test_the_same_seed_kills_in_the_same_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kill, orders = Child.kill, []
    for _ in range(2):
        dead: list[int] = []
        monkeypatch.setattr(Child, "kill", lambda child, dead=dead: (kill(child), dead.append(child.pid)))
        with family() as children:
            started = [children.start(count, tmp_path / f"{at}") for at in range(4)]
            pids = [child.pid for child in started]
            killed_at_random(started, Random(7), 0.01)
        orders.append([pids.index(pid) for pid in dead])
    assert orders[0] == orders[1]
    assert sorted(orders[0]) == [0, 1, 2, 3]
