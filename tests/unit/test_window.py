"""Which run of the writer a reader waits for."""

import pytest

from wfgov_dagster.domain.definition import Schedule
from wfgov_dagster.domain.window import choose, parts, stored

CASES = [
    # reader, writer, window
    (None, None, "day/today"),
    ("0 2 * * *", None, "day/today"),
    (None, "0 2 * * *", "day/today"),
    ("0 2 * * *", "0 1 * * *", "day/today"),
    ("0 1 * * *", "0 2 * * *", "day/today"),  # it comes after: the reader waits an hour
    ("30 0 * * *", "30 23 * * *", "day/last1Days"),  # of the last evening, not of the next
    ("10 * * * *", "0 * * * *", "hour/currentHour"),
    ("*/5 * * * *", "* * * * *", "hour/currentHour"),
    ("0 * * * *", "50 * * * *", "hour/last1Hour"),
    ("30 2 * * *", "0 * * * *", "hour/currentHour"),  # a daily reader takes the run of its hour
    ("0 * * * *", "0 12 * * *", "day/today"),  # an hourly reader, a daily writer: no window holds, so of its day
    ("0 3 * * 3", "0 1 * * 1", "week/thisWeek"),
    ("0 3 * * 1", "0 1 * * 6", "week/lastWeek"),
    ("0 3 5 * *", "0 3 1 * *", "month/thisMonth"),
    ("0 3 1 * *", "0 3 28 * *", "month/lastMonth"),
    ("0 2 * * *", "0 2 * * 1-5", "day/today"),
    ("not a cron", "0 1 * * *", "day/today"),
]


@pytest.mark.parametrize(("reader", "writer", "window"), CASES)
def test_the_window_is_that_of_the_table(reader: str | None, writer: str | None, window: str) -> None:
    both = (None if cron is None else Schedule(cron, "UTC") for cron in (reader, writer))
    found = choose(*both)
    assert found.text == window
    assert found.reason


def test_a_day_is_one_of_the_readers_clocks() -> None:
    """01:00 in Shanghai is 17:00 UTC of the day before."""
    reader, writer = Schedule("0 2 * * *", "Asia/Shanghai"), Schedule("0 17 * * *", "UTC")
    assert choose(reader, writer).text == "day/today"
    assert choose(Schedule("0 18 * * *", "UTC"), writer).text == "day/today"
    assert choose(Schedule("0 1 * * *", "UTC"), Schedule("0 23 * * *", "Asia/Shanghai")).text == "day/last1Days"


def test_the_default_is_kept_as_nothing() -> None:
    assert stored(choose(None, None)) == ""
    assert parts("") == ("day", "today")
    hourly = choose(Schedule("5 * * * *", "UTC"), Schedule("0 * * * *", "UTC"))
    assert parts(stored(hourly)) == ("hour", "currentHour")
