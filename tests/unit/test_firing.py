"""Of all times that have come due the latest fires; over years, in many zones, none is lost and none fires twice."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.support import cron_oracle
from tests.support.cron_oracle import ZONES, Spec, specs
from tests.support.size import size
from wfgov_dagster.domain.cron import fires_of
from wfgov_dagster.domain.definition import Schedule
from wfgov_dagster.domain.firing import COUNTED, Firing, firing, first_fire

DAYS = size(100, 3653)
EXAMPLES = settings(max_examples=size(3, 20), phases=[Phase.generate])  # of each zone; shrinking one takes for ever
BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
moments = st.integers(0, 60 * 24 * 365).map(lambda minutes: BEGIN + timedelta(minutes=minutes, seconds=17))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def ticks(seed: int, begin: datetime, end: datetime) -> list[datetime]:
    """A daemon that looks every so often, and is off for hours or weeks now and then."""
    chance, now, found = random.Random(seed), begin, []
    while now < end:
        longest = chance.choice([3, 30, 600, 3_600, 90_000, 2_000_000])
        for _ in range(chance.randrange(1, 60)):
            now += timedelta(seconds=chance.uniform(1, longest))
            found.append(now)
    return [tick for tick in found if tick < end]


@pytest.mark.parametrize("zone", ZONES)
@EXAMPLES
@given(spec=specs(), armed_at=moments)
def test_it_fires_when_the_plain_reading_of_its_fields_says_so(zone: str, spec: Spec, armed_at: datetime) -> None:
    end = armed_at + timedelta(days=DAYS)
    wanted = cron_oracle.fires(spec, zone, armed_at, end)
    found = []
    for fire in fires_of(Schedule(spec.text, zone), armed_at):
        if fire > end:
            break
        found.append(fire)
    assert found == wanted


@pytest.mark.parametrize("zone", ZONES)
@EXAMPLES
@given(spec=specs(), armed_at=moments, seed=st.integers())
def test_whenever_somebody_looks_the_latest_due_time_fires_and_the_others_are_counted(
    zone: str, spec: Spec, armed_at: datetime, seed: int
) -> None:
    end = armed_at + timedelta(days=DAYS)
    schedule, all_fires = Schedule(spec.text, zone), cron_oracle.fires(spec, zone, armed_at, end + timedelta(days=100))
    upcoming, passed = first_fire(schedule, armed_at), 0
    for now in ticks(seed, armed_at, end):
        due = 0
        while passed + due < len(all_fires) and all_fires[passed + due] <= now:
            due += 1
        if upcoming is None or upcoming > now:  # as the store's query: not looked at before it is due
            assert due == 0
            continue
        passed += due
        assert firing(schedule, upcoming, now) == Firing(all_fires[passed - 1], due - 1, all_fires[passed])
        upcoming = all_fires[passed]


@pytest.mark.parametrize(
    ("cron", "latest", "upcoming"),
    [
        ("* * * * *", "2026-10-25 01:10", "2026-10-25 01:11"),
        ("*/5 * * * 1-5", "2026-10-23 21:55", "2026-10-25 23:00"),
        ("0-59 3 * * *", "2026-10-24 01:59", "2026-10-25 02:00"),
    ],
)
def test_after_too_many_to_count_the_latest_is_found_all_the_same(cron: str, latest: str, upcoming: str) -> None:
    schedule = Schedule(cron, "Europe/Berlin")
    found = firing(schedule, next(fires_of(schedule, utc("2000-01-01"))), utc("2026-10-25 01:10:30"))
    assert found == Firing(utc(latest), COUNTED, utc(upcoming))


def test_after_too_many_to_count_and_a_long_silence_the_last_of_them_is_found() -> None:
    schedule = Schedule("* * * 2 *", "UTC", end="2001-03-01T00:00:00Z")
    found = firing(schedule, utc("2001-02-01 00:00"), utc("2026-10-25 01:10"))
    assert found == Firing(utc("2001-02-28 23:59"), COUNTED, None)


def test_what_is_not_due_does_not_fire() -> None:
    first = utc("2026-05-01 11:00")
    assert firing(Schedule("0 * * * *", "UTC"), first, utc("2026-05-01 10:59:59")) == Firing(None, 0, first)


def test_within_its_bounds_it_fires_at_both_ends() -> None:
    schedule = Schedule("0 * * * *", "UTC", "2026-05-01T12:00:00Z", "2026-05-01T13:00:00Z")
    assert list(fires_of(schedule, utc("2020-01-01"))) == [utc("2026-05-01 12:00"), utc("2026-05-01 13:00")]
    assert first_fire(schedule, utc("2026-05-01 12:00")) == utc("2026-05-01 13:00")
    assert first_fire(schedule, utc("2026-05-01 13:00")) is None


def test_a_start_between_two_fires_leaves_out_the_one_before_it() -> None:
    schedule = Schedule("0 * * * *", "UTC", "2026-05-01T12:00:00.5Z")
    assert first_fire(schedule, utc("2026-01-01")) == utc("2026-05-01 13:00")
