"""Words and cron, and when it fires around the changes of the clocks."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wfgov_dagster.domain.cron import WORDS, check_schedule, next_fires, to_cron
from wfgov_dagster.domain.definition import Schedule
from wfgov_dagster.errors import InvalidInput

BERLIN = "Europe/Berlin"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def fires(cron: str, zone: str, after: str, count: int) -> list[str]:
    return [f"{fire:%Y-%m-%d %H:%M}" for fire in next_fires(cron, zone, utc(after), count)]


@pytest.mark.parametrize(
    ("text", "cron"),
    [
        ("hourly", "0 * * * *"),
        ("daily", "0 0 * * *"),
        ("weekly", "0 0 * * 0"),
        ("monthly", "0 0 1 * *"),
        ("yearly", "0 0 1 1 *"),
        (" Daily ", "0 0 * * *"),
        ("1h", "0 * * * *"),
        ("3h", "0 */3 * * *"),
        ("24h", "0 0 * * *"),
        ("20m", "*/20 * * * *"),
    ],
)
def test_a_word_of_the_table_is_its_cron(text: str, cron: str) -> None:
    assert to_cron(text) == cron


@pytest.mark.parametrize("word", WORDS)
def test_every_word_fires_evenly(word: str) -> None:
    times = next_fires(WORDS[word], "UTC", utc("2026-01-31 23:59"), 60)
    gaps = {later - earlier for earlier, later in pairwise(times)}
    assert len(gaps) == 1 or word in {"monthly", "yearly"}


@pytest.mark.parametrize("cron", ["30 1 * * *", "  0 0 29 2 * ", "*/5 0-3 1,15 * MON-FRI", "0 0 L * *", "0 15 * * 7"])
def test_a_cron_is_returned_as_it_is_but_stripped(cron: str) -> None:
    assert to_cron(cron) == cron.strip()


@pytest.mark.parametrize(
    "text",
    ["", "once", "5h", "7m", "36h", "48h", "every day", "0 0 31 2 *", "0 0 30 2 *", "60 * * * *", "* * * *",
     "0 * * * * *", "0 0 * * 8", "*/0 * * * *", "0 0 * *\n*", "０ 0 * * *", "0 0 * * " + "1," * 60 + "1", '"30 4'],
)  # fmt: skip
def test_what_cron_cannot_say_is_none(text: str) -> None:
    assert to_cron(text) is None


@given(st.text(max_size=120) | st.text(alphabet="0123456789*/,-#LW MONJAN", max_size=40))
def test_any_text_is_a_cron_that_fires_or_none(text: str) -> None:
    cron = to_cron(text)
    if cron is not None:
        assert len(next_fires(cron, "UTC", utc("2026-01-01"), 1)) == 1


def test_fires_are_told_in_utc_after_the_given_moment() -> None:
    assert fires("30 1 * * *", BERLIN, "2026-07-01 23:30", 2) == ["2026-07-02 23:30", "2026-07-03 23:30"]
    assert fires("30 1 * * *", BERLIN, "2026-01-01 00:29", 1) == ["2026-01-01 00:30"]


def test_a_time_that_spring_skips_fires_when_the_clocks_go_on() -> None:
    assert fires("30 2 * * *", BERLIN, "2026-03-28 02:00", 2) == ["2026-03-29 01:00", "2026-03-30 00:30"]


def test_two_times_that_spring_makes_one_fire_once() -> None:
    assert fires("0,30 2,3 * * *", BERLIN, "2026-03-29 00:00", 3) == [
        "2026-03-29 01:00", "2026-03-29 01:30", "2026-03-30 00:00",
    ]  # fmt: skip


def test_a_time_that_autumn_repeats_fires_once() -> None:
    assert fires("30 2 * * *", BERLIN, "2026-10-24 12:00", 2) == ["2026-10-25 00:30", "2026-10-26 01:30"]


def test_nothing_fires_again_in_the_repeated_hour() -> None:
    assert fires("30 2 * * *", BERLIN, "2026-10-25 01:15", 1) == ["2026-10-26 01:30"]


def test_an_interval_goes_on_evenly_through_both_changes() -> None:
    assert fires("*/30 * * * *", BERLIN, "2026-03-29 00:15", 3) == [
        "2026-03-29 00:30", "2026-03-29 01:00", "2026-03-29 01:30",
    ]  # fmt: skip
    assert fires("0 * * * *", BERLIN, "2026-10-24 23:30", 3) == [
        "2026-10-25 00:00", "2026-10-25 01:00", "2026-10-25 02:00",
    ]  # fmt: skip


def test_clocks_that_go_on_by_half_an_hour_leave_nothing_out() -> None:
    assert fires("*/30 */6 * * *", "Australia/Lord_Howe", "2028-09-30 14:15", 2) == [
        "2028-09-30 19:00", "2028-09-30 19:30",
    ]  # fmt: skip


def test_a_midnight_that_the_clocks_skip_does_not_fire_in_an_interval_and_fires_late_as_a_time() -> None:
    assert fires("0 */6 * * 0", "America/Havana", "2026-03-08 04:30", 1) == ["2026-03-08 10:00"]
    assert fires("0 0 * * 0", "America/Havana", "2026-03-08 04:30", 1) == ["2026-03-08 05:00"]


def test_a_midnight_that_the_clocks_repeat_is_two_moments_of_an_interval_and_one_time() -> None:
    assert fires("0 */12 * * *", "America/Havana", "2026-11-01 03:30", 3) == [
        "2026-11-01 04:00", "2026-11-01 05:00", "2026-11-01 17:00",
    ]  # fmt: skip
    assert fires("0 0,12 * * *", "America/Havana", "2026-11-01 03:30", 2) == ["2026-11-01 04:00", "2026-11-01 17:00"]


def test_a_day_that_a_zone_left_out_ends_nothing() -> None:
    assert fires("0-59 0-23 * * *", "Pacific/Apia", "2011-12-30 09:58", 3) == [
        "2011-12-30 09:59", "2011-12-30 10:00", "2011-12-30 10:01",
    ]  # fmt: skip


def test_the_29th_of_february_fires_in_leap_years() -> None:
    assert fires("0 0 29 2 *", "UTC", "2026-01-01", 2) == ["2028-02-29 00:00", "2032-02-29 00:00"]


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "../etc/passwd", "/etc/localtime", "Europe"])
def test_an_unknown_zone_is_refused(zone: str) -> None:
    with pytest.raises(InvalidInput, match="no time zone"):
        next_fires("0 0 * * *", zone, utc("2026-01-01"), 1)


def test_fires_of_a_bad_cron_are_refused() -> None:
    with pytest.raises(InvalidInput, match="no cron"):
        next_fires("0 0 31 2 *", "UTC", utc("2026-01-01"), 1)


def test_a_good_schedule_passes() -> None:
    check_schedule(Schedule("0 0 * * *", BERLIN, "2026-01-01T00:00:00Z", None))


@pytest.mark.parametrize(
    "schedule",
    [
        Schedule("daily", "UTC"),
        Schedule("0 0 31 2 *", "UTC"),
        Schedule("0 0 * * *", "Berlin"),
        Schedule("0 0 * * *", "UTC", start="2026-01-01"),
        Schedule("0 0 * * *", "UTC", end="soon"),
    ],
)
def test_a_bad_schedule_is_refused(schedule: Schedule) -> None:
    with pytest.raises(InvalidInput):
        check_schedule(schedule)
