"""The simulator itself: one seed, one history; a kill has no effect afterwards; its clock is the database's."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
import sqlalchemy as sa

from tests.doubles.dolphin_manners import EPOCH
from tests.simulation.campaign import simulate
from tests.simulation.checks import Expected, Shown
from tests.simulation.database import VirtualDatabase, empty_image
from tests.simulation.scheduler import Killed, Nemesis, OutOfTime, Scheduler
from wfgov_dagster.store.clock import db_now
from wfgov_dagster.store.schema.publish import engine as engines

ROOT = Path(__file__).parents[2]
SEEDS = range(3, 6)


# --- one seed, one history -----------------------------------------------------------------------


def test_the_same_seed_has_the_same_history() -> None:
    first = [simulate(seed).history for seed in SEEDS]
    assert [simulate(seed).history for seed in SEEDS] == first
    assert len(set(first)) == len(SEEDS)


def test_it_has_the_same_history_in_another_process() -> None:
    command = [sys.executable, "-m", "tests.simulation", "--seed", "3", "--schedules", "3", "--history"]
    told = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"PYTHONHASHSEED": "7"}, capture_output=True, text=True, check=True
    )
    assert told.stdout == "".join(simulate(seed).told() + "\n" for seed in SEEDS)


# --- time and chance -----------------------------------------------------------------------------


def scheduler(nemesis: Nemesis | None = None) -> Scheduler:
    return Scheduler(Random(1), nemesis or Nemesis())


def test_time_passes_when_all_sleep_and_wakes_who_is_due() -> None:
    one, woken = scheduler(), list[tuple[str, float]]()

    def sleeper(name: str, seconds: float) -> None:
        one.sleep(seconds, "asleep")
        woken.append((name, one.now))

    one.spawn("late", lambda: sleeper("late", 50.0))
    one.spawn("early", lambda: sleeper("early", 20.0))
    one.after(30.0, lambda: woken.append(("event", one.now)))
    one.run(lambda: False, until=100.0, moves=1000)
    assert [name for name, _ in woken] == ["early", "event", "late"]
    assert [at >= due for (_, at), due in zip(woken, (20.0, 30.0, 50.0), strict=True)] == [True] * 3


def test_who_is_killed_does_nothing_any_more_and_is_followed() -> None:
    one, done = scheduler(Nemesis(crash=1.0)), list[str]()

    def body() -> None:
        try:
            one.pause("here")
            done.append("lived")
        finally:
            with pytest.raises(Killed):
                one.pause("dead men do not wait")

    one.spawn("victim", body, on_killed=lambda: done.append("followed"))
    one.run(lambda: False, until=10.0, moves=100)
    assert (done, one.crashes) == (["followed"], 1)


def test_who_stands_still_is_not_moved_meanwhile() -> None:
    one, at = scheduler(Nemesis(stall=1.0, stall_seconds=5.0)), list[float]()

    def body() -> None:
        at.append(one.now)

    one.spawn("slow", body, on_killed=lambda: None)
    with pytest.raises(OutOfTime):
        one.run(lambda: False, until=50.0, moves=1000)
    assert (at, one.stalls > 5) == ([], True)


def test_the_clock_of_the_database_is_the_schedules() -> None:
    database, now = VirtualDatabase(), [12.5]
    database.begin_again(empty_image(), lambda: now[0])
    with database.write() as conn:
        assert conn.scalar(sa.select(db_now(-2.5))) == EPOCH + timedelta(seconds=10)
        conn.execute(sa.insert(engines).values(name="e", kind="dolphin"))
        now[0] = 99.0
        assert conn.scalar(sa.select(db_now())) == EPOCH + timedelta(seconds=99)
        assert conn.scalar(sa.select(engines.c.created_at)) == EPOCH + timedelta(seconds=12)
    database.begin_again(empty_image(), lambda: 0.0)
    assert database.rows("SELECT * FROM engine") == []
    database.close()


# --- what is expected ----------------------------------------------------------------------------

ON, OFF = Shown("V1", True, "c", True), Shown("V1", False, "c", False)
SILENT = Shown("V1", True, "c", False)
HELD = (("V1", "c"),)


@pytest.mark.parametrize(
    ("expected", "shown", "wrong"),
    [
        (Expected(HELD, (True,), (True,)), ON, None),
        (Expected(HELD, (True,), (True,)), None, "it shows nothing, V1 is expected"),
        (Expected(HELD, (True,), (True,)), OFF, "it shows online=False"),
        (Expected((("V2", "c"),), (True,), (True,)), ON, "it shows V1, V2 is expected"),
        (Expected((("V1", "d"),), (True,), (True,)), ON, "with the schedule c"),
        (Expected(HELD, (True,), (False,)), ON, "it shows schedule_online=True"),
        (Expected((("V1", "d"),), (False,), (False,)), OFF, None),  # an offline workflow's schedule is not compared
        (Expected(), None, None),
        (Expected(), OFF, None),
        (Expected((*HELD, ("V2", None)), (True,), (True, False)), ON, None),
        (Expected((*HELD, ("V2", None)), (True,), (True,)), Shown("V2", True, None, False), None),
        (Expected((*HELD, ("V2", None)), (True,), (True,)), SILENT, "it shows schedule_online=False"),
    ],
)
def test_what_an_engine_shows_is_compared_with_what_succeeded(
    expected: Expected, shown: Shown | None, wrong: str | None
) -> None:
    found = expected.wrong(shown)
    assert (found is None) == (wrong is None)
    assert (wrong or "") in (found or "")


def test_a_deploy_keeps_what_was_and_online_and_offline_say_what_shall_be() -> None:
    expected = Expected(HELD, (True,), (True,))
    assert expected.wanting("deploy", "V2", "d") == Expected((("V2", "d"),), (True,), (True,))
    assert expected.wanting("deploy", "V2", None) == Expected((("V2", None),), (True,), (False,))
    assert expected.wanting("offline", "V1", "c") == Expected((), (False,), (False,))
    assert Expected(HELD).wanting("online", "V1", "c") == Expected(HELD, (True,), (True,))


def test_who_was_superseded_in_the_middle_leaves_doubt_until_something_succeeds() -> None:
    expected = Expected(HELD, (True,), (True,))
    expected.doubt("deploy", "V2", None)
    assert (expected.wrong(ON), expected.wrong(Shown("V2", True, None, False))) == (None, None)
    expected.doubt("offline", "V1", "c")
    assert expected.wrong(OFF) is None
    expected.succeeded(ON, expected.wanting("deploy", "V1", "c"))
    assert expected == Expected(HELD, (True,), (True,))
