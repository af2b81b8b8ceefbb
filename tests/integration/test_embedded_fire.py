"""A schedule that is online fires: each time once, whoever looks, and of missed times the latest only."""

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from tests.integration.fire_support import Belfry, utc
from tests.support.size import size
from wfgov_dagster.domain.definition import Schedule
from wfgov_dagster.domain.firing import COUNTED
from wfgov_dagster.engines.embedded.fire import AT_ONCE, fire_due
from wfgov_dagster.errors import Conflict
from wfgov_dagster.settings import CHECKOUT
from wfgov_dagster.store.schema.embedded import embedded_fire

NIGHTLY = Schedule("30 2 * * *", "Europe/Berlin")
HOURLY = Schedule("0 * * * *", "UTC")


@pytest.fixture
def belfry(database_url: str) -> Iterator[Belfry]:
    belfry = Belfry(database_url)
    yield belfry
    belfry.database.dispose()


# --- what fires ----------------------------------------------------------------------------------


def test_a_due_schedule_makes_one_instance_for_its_time(belfry: Belfry) -> None:
    belfry.schedule(HOURLY, "2026-05-01 10:30")

    assert belfry.fired("2026-05-01 10:59:59") == []
    assert belfry.fired("2026-05-01 11:00") == ["05-01 11:00"]
    assert belfry.fired("2026-05-01 11:00") == []
    assert belfry.fired("2026-05-01 11:59") == []
    assert belfry.fired("2026-05-01 12:00:03") == ["05-01 12:00"]

    assert belfry.fires() == [(utc("2026-05-01 11:00"), 0), (utc("2026-05-01 12:00"), 0)]
    belfry.check()
    (newest, _) = belfry.instances()
    assert (newest.trigger, newest.started_by, newest.version_no, newest.state) == (
        "schedule", "system", 1, "submitted",
    )  # fmt: skip


def test_of_missed_times_only_the_latest_fires_and_the_others_are_counted(belfry: Belfry) -> None:
    belfry.schedule(NIGHTLY, "2026-05-01 12:00")

    assert belfry.fired("2026-05-05 00:29") == ["05-04 00:30"]

    assert belfry.fires() == [(utc("2026-05-04 00:30"), 2)]
    assert belfry.next_fire_at() == utc("2026-05-05 00:30")


def test_a_clock_of_years_ago_is_caught_up_at_once(belfry: Belfry) -> None:
    belfry.schedule(Schedule("* * * * *", "Europe/Berlin"), "2016-05-01 12:00")

    assert belfry.fired("2026-05-01 12:00:30") == ["05-01 12:00"]

    assert belfry.fires() == [(utc("2026-05-01 12:00"), COUNTED)]
    assert belfry.next_fire_at() == utc("2026-05-01 12:01")


def test_nothing_fires_for_a_time_before_it_went_online(belfry: Belfry) -> None:
    belfry.schedule(HOURLY, "2026-05-01 11:00")
    assert belfry.fired("2026-05-01 11:00") == []
    assert belfry.next_fire_at() == utc("2026-05-01 12:00")


def test_going_online_counts_from_the_databases_now_and_said_again_it_counts_on(belfry: Belfry) -> None:
    belfry.schedule(HOURLY, "2026-05-01 10:30")
    belfry.change(Schedule("* * * * *", "UTC"), "2026-05-01 10:30")
    belfry.engine.schedule_offline("w")
    before = datetime.now(UTC)
    belfry.engine.schedule_online("w")
    armed = belfry.next_fire_at()
    assert armed is not None
    assert before - timedelta(seconds=1) < armed <= before + timedelta(seconds=61)

    belfry.set(next_fire_at=utc("2026-05-01 10:31"))
    belfry.engine.schedule_online("w")
    assert belfry.next_fire_at() == utc("2026-05-01 10:31")


def test_without_a_time_the_databases_clock_says_what_is_due(belfry: Belfry) -> None:
    belfry.schedule(Schedule("0 0 1 1 *", "UTC"), "2020-05-01 10:30")
    now = datetime.now(UTC)

    (fired,) = fire_due(belfry.store).fired

    assert fired.scheduled_at == datetime(now.year, 1, 1, tzinfo=UTC)
    assert fire_due(belfry.store).fired == []


@pytest.mark.parametrize("how", ["schedule_offline", "offline", "removed"])
def test_what_is_offline_does_not_fire_and_does_not_catch_up(belfry: Belfry, how: str) -> None:
    belfry.schedule(HOURLY, "2026-05-01 10:30")
    if how == "removed":
        belfry.engine.put_schedule("w", None)
    else:
        {"schedule_offline": belfry.engine.schedule_offline, "offline": belfry.engine.offline}[how]("w")

    assert belfry.fired("2026-05-01 14:00") == []

    belfry.engine.online("w")
    belfry.change(HOURLY, "2026-05-01 14:10")
    assert belfry.fired("2026-05-01 14:59") == []
    assert belfry.fired("2026-05-01 15:00") == ["05-01 15:00"]
    belfry.check()


def test_a_schedule_that_is_changed_while_due_fires_by_the_new_one_only(belfry: Belfry) -> None:
    belfry.schedule(HOURLY, "2026-05-01 10:30")
    belfry.change(Schedule("15 * * * *", "UTC"), "2026-05-01 11:05")

    assert belfry.fired("2026-05-01 11:10") == []
    assert belfry.fired("2026-05-01 11:20") == ["05-01 11:15"]


@pytest.mark.parametrize("meanwhile", ["changed", "offline", "fired"])
def test_what_was_found_due_is_not_fired_when_it_is_not_so_any_more(belfry: Belfry, meanwhile: str) -> None:
    belfry.schedule(HOURLY, "2026-05-01 10:30")
    now = utc("2026-05-01 11:00")
    looked = belfry.store.due(now, AT_ONCE)
    other = Belfry(belfry.url)
    if meanwhile == "changed":  # the other schedule is due at the very same time
        other.change(Schedule("0 11 * * *", "UTC"), "2026-05-01 10:30")
    elif meanwhile == "offline":
        other.engine.offline("w")
    else:
        other.tick(now)
    belfry.store.due = lambda now, limit: looked  # type: ignore[method-assign]

    assert belfry.fired(now) == []

    assert len(belfry.instances()) == (meanwhile == "fired")
    other.database.dispose()


def test_a_time_that_fired_once_never_fires_again(belfry: Belfry) -> None:
    """Another machine's clock was ahead: it fired, and then somebody put the schedule online for the same time."""
    belfry.schedule(HOURLY, "2026-05-01 10:30")
    assert belfry.fired("2026-05-01 11:00") == ["05-01 11:00"]
    belfry.change(HOURLY, "2026-05-01 10:59:59")

    assert belfry.fired("2026-05-01 11:00") == []

    assert belfry.next_fire_at() == utc("2026-05-01 12:00")
    belfry.check()


def test_the_database_itself_refuses_a_second_fire(belfry: Belfry) -> None:
    belfry.schedule(HOURLY, "2026-05-01 10:30")
    belfry.tick("2026-05-01 11:00")
    with belfry.database.read() as conn:
        row = dict(conn.execute(sa.select(embedded_fire)).mappings().one())
    del row["id"]
    with pytest.raises(Conflict), belfry.database.write() as conn:
        conn.execute(sa.insert(embedded_fire).values(**row))


def test_many_workflows_fire_in_one_call_each_its_own_time(belfry: Belfry) -> None:
    for number in range(5):
        belfry.schedule(Schedule(f"{number} * * * *", "UTC"), "2026-05-01 10:30", f"w{number}")
    report = belfry.tick("2026-05-01 11:03")
    assert [one.workflow_code for one in report.fired] == ["w0", "w1", "w2", "w3"]


def test_a_schedule_that_cannot_be_read_any_more_holds_nobody_back(belfry: Belfry) -> None:
    belfry.schedule(HOURLY, "2026-05-01 09:30", "bad")
    belfry.schedule(HOURLY, "2026-05-01 10:30", "good")
    belfry.put_unreadable("bad", "Mars/Olympus")

    report = belfry.tick("2026-05-01 11:00")

    assert [one.workflow_code for one in report.fired] == ["good"]
    assert len(report.refused) == 1
    assert "bad" in report.refused[0]
    assert "Mars/Olympus" in report.refused[0]


# --- bounds and the changes of the clocks --------------------------------------------------------


def test_a_schedule_fires_from_its_start_to_its_end_both_included(belfry: Belfry) -> None:
    bounded = Schedule("0 * * * *", "UTC", "2026-05-01T12:00:00Z", "2026-05-01T14:00:00Z")
    belfry.schedule(bounded, "2026-05-01 10:30")
    fired = [time for hour in range(11, 17) for time in belfry.fired(f"2026-05-01 {hour}:00:05")]
    assert fired == ["05-01 12:00", "05-01 13:00", "05-01 14:00"]
    assert belfry.next_fire_at() is None


def test_after_its_end_the_last_time_within_fires_if_it_was_missed(belfry: Belfry) -> None:
    belfry.schedule(Schedule("0 * * * *", "UTC", end="2026-05-01T14:30:00Z"), "2026-05-01 10:30")
    assert belfry.fired("2026-05-09 00:00") == ["05-01 14:00"]
    assert belfry.fires() == [(utc("2026-05-01 14:00"), 3)]
    assert belfry.fired("2026-05-10 00:00") == []


def test_a_schedule_whose_end_is_over_goes_online_and_never_fires(belfry: Belfry) -> None:
    belfry.schedule(Schedule("0 * * * *", "UTC", end="2026-05-01T14:30:00Z"), "2026-06-01 10:30")
    assert belfry.next_fire_at() is None
    assert belfry.fired("2027-05-09 00:00") == []


@pytest.mark.parametrize(
    ("zone", "armed", "until", "wanted"),
    [
        ("Europe/Berlin", "2026-03-28 12:00", "2026-03-30 12:00", ["03-29 01:00", "03-30 00:30"]),
        ("Europe/Berlin", "2026-10-24 12:00", "2026-10-26 12:00", ["10-25 00:30", "10-26 01:30"]),
        ("America/New_York", "2026-03-07 12:00", "2026-03-09 12:00", ["03-08 07:00", "03-09 06:30"]),
        ("America/New_York", "2026-10-31 12:00", "2026-11-02 12:00", ["11-01 07:30", "11-02 07:30"]),
        ("Asia/Shanghai", "2026-03-28 12:00", "2026-03-30 12:00", ["03-28 18:30", "03-29 18:30"]),
    ],
)
def test_around_a_change_of_the_clocks_each_day_fires_once(
    belfry: Belfry, zone: str, armed: str, until: str, wanted: list[str]
) -> None:
    """30 2 is skipped by spring in Berlin and New York, repeated by autumn in Berlin."""
    belfry.schedule(Schedule("30 2 * * *", zone), armed)
    now, fired = utc(armed), []
    while now <= utc(until):
        fired += belfry.fired(now)
        now += timedelta(minutes=10)
    assert fired == wanted


# --- races and kills -----------------------------------------------------------------------------


def test_of_eight_threads_one_fires_each_time(belfry: Belfry) -> None:
    belfry.schedule(HOURLY, "2026-05-01 00:30")
    rounds = size(6, 100)
    start = threading.Barrier(8)

    def race(_: int) -> list[str]:
        own = Belfry(belfry.url)
        fired = []
        for number in range(rounds):
            start.wait()
            fired += own.fired(utc("2026-05-01 01:00") + timedelta(hours=number))
        own.database.dispose()
        return fired

    with ThreadPoolExecutor(8) as pool:
        fired = Counter(time for times in pool.map(race, range(8)) for time in times)
    assert set(fired.values()) == {1}
    assert len(fired) == rounds == len(belfry.fires())
    belfry.check()


def test_of_several_processes_one_fires_each_time(belfry: Belfry) -> None:
    belfry.schedule(HOURLY, "2026-05-01 00:30")
    times = [f"{utc('2026-05-01 01:00') + timedelta(hours=number):%Y-%m-%d %H:%M}" for number in range(size(20, 400))]
    command = [sys.executable, "-m", "tests.integration.fire_support", belfry.url, *times]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen(command, cwd=CHECKOUT, **pipes) for _ in range(size(2, 8))]  # type: ignore[call-overload]
    for one in processes:
        assert one.stdout.readline() == "ready\n"
    for one in processes:
        one.stdin.write("go\n")
        one.stdin.flush()
    lines = [line for one in processes for line in one.communicate(timeout=120)[0].splitlines()]
    assert [one.returncode for one in processes] == [0] * len(processes)
    assert len(set(lines)) == len(lines) == len(belfry.fires())
    assert belfry.next_fire_at() == utc("2026-05-01 01:00") + timedelta(hours=len(times))
    belfry.check()


class Killed(BaseException):
    """As the process would be: nobody catches it."""


def test_killed_before_or_after_any_commit_each_time_still_fires_once(belfry: Belfry) -> None:
    codes = ["w1", "w2", "w3"]
    for code in codes:
        belfry.schedule(HOURLY, "2026-05-01 10:30", code)
    for hour in range(11, 11 + 2 * len(codes) + 1):  # dies at its first moment, its second one …
        now, moment = utc(f"2026-05-01 {hour}:00"), hour - 11
        victim = Belfry(belfry.url)
        victim.database.hook = dying_at(moment)
        died = False
        try:
            victim.tick(now)
        except Killed:
            died = True
        assert died == (moment < 2 * len(codes))
        belfry.tick(now)
        for code in codes:
            assert belfry.fires(code)[-1] == (now, 0)
            assert len(belfry.fires(code)) == moment + 1
            belfry.check(code)
        victim.database.dispose()


def dying_at(moment: int) -> Callable[[], None]:
    passed = 0

    def hook() -> None:
        nonlocal passed
        passed += 1
        if passed == moment + 1:
            raise Killed

    return hook
