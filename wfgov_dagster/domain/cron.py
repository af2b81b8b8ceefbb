"""Schedules: five-field cron, the words that become cron by a written table, and when a cron fires next."""

from collections import deque
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from wfgov_dagster.domain.definition import Schedule
from wfgov_dagster.errors import InvalidInput

# An interval is in here only if it divides its hour or day evenly: cron cannot say every 5 hours, or every 7 minutes.
WORDS: Final = {
    "hourly": "0 * * * *",
    "daily": "0 0 * * *",
    "weekly": "0 0 * * 0",
    "monthly": "0 0 1 * *",
    "yearly": "0 0 1 1 *",
    "5m": "*/5 * * * *",
    "10m": "*/10 * * * *",
    "15m": "*/15 * * * *",
    "20m": "*/20 * * * *",
    "30m": "*/30 * * * *",
    "1h": "0 * * * *",
    "2h": "0 */2 * * *",
    "3h": "0 */3 * * *",
    "4h": "0 */4 * * *",
    "6h": "0 */6 * * *",
    "8h": "0 */8 * * *",
    "12h": "0 */12 * * *",
    "24h": "0 0 * * *",
}
_LONGEST = 100
_LONGEST_REPEAT = timedelta(hours=3)  # clocks are never set back by more
_ANY_TIME = datetime(2024, 1, 1, tzinfo=UTC)  # whether a cron ever fires does not depend on where one starts


@lru_cache(maxsize=4096)
def to_cron(text: str) -> str | None:
    """The cron that `text` says: itself, stripped, or by the table. None where cron cannot say it (`once`, `5h` …)."""
    said = text.strip()
    if said.lower() in WORDS:
        return WORDS[said.lower()]
    return said if _fires(said) else None


def fires(cron: str, zone: str, after: datetime) -> Iterator[datetime]:
    """All fires after `after` by the clocks of the IANA zone `zone`, as aware UTC, ascending; without an end for most.

    A time that the clocks skip in spring fires when they go on, one that they repeat in autumn fires once; a cron of
    every so many minutes or hours goes on evenly through both. Raises InvalidInput for a bad cron or zone.
    """
    if not _fires(cron):
        raise _no_cron(cron)
    moments = _moments_evenly if any(field.startswith("*") for field in cron.split()[:2]) else _moments_once
    last = after
    for fire in moments(_local_times(cron, after.astimezone(time_zone(zone)))):
        if fire > last:  # the enumeration begins a little early, and two local times may be one moment
            yield fire
            last = fire


def _local_times(cron: str, after: datetime) -> Iterator[datetime]:
    """What the clocks show when it is due, whether they ever show it or not: CronSim's own way through their changes
    leaves out 6:00 where they go on by half an hour, and fires at a midnight that they skip."""
    begin = after.replace(tzinfo=UTC) - _LONGEST_REPEAT
    return (local.replace(tzinfo=after.tzinfo) for local in CronSim(cron, begin))


def _moments_once(times: Iterator[datetime]) -> Iterator[datetime]:
    shown = None
    for local in times:
        shown = local if shown is None else max(local, shown)  # the end of a gap is looked for once
        while not _exists(shown):
            shown += timedelta(minutes=1)
        yield shown.astimezone(UTC)


def _moments_evenly(times: Iterator[datetime]) -> Iterator[datetime]:
    """A repeated time is two moments; the second ones wait until all the first ones are told."""
    second: deque[datetime] = deque()
    for local in filter(_exists, times):
        fire, again = local.astimezone(UTC), local.replace(fold=1).astimezone(UTC)
        while second and second[0] < fire:
            yield second.popleft()
        yield fire
        if again > fire:
            second.append(again)
    yield from second


def _exists(local: datetime) -> bool:
    return local.astimezone(UTC).astimezone(local.tzinfo) == local


def next_fires(cron: str, zone: str, after: datetime, count: int) -> Sequence[datetime]:
    """The next `count` of `fires`."""
    return list(islice(fires(cron, zone, after), count))


def fires_of(schedule: Schedule, after: datetime) -> Iterator[datetime]:
    """`fires` within the bounds of the schedule; a fire at its very start or end counts."""
    start, end = _bound(schedule.start), _bound(schedule.end)
    since = after if start is None else max(after, start - timedelta(seconds=1))
    for fire in fires(schedule.cron, schedule.time_zone, since):
        if end is not None and fire > end:
            return
        if start is None or fire >= start:
            yield fire


def check_schedule(schedule: Schedule) -> None:
    """Raises InvalidInput for a cron that is none, a zone that IANA does not know, or bounds that are no instants."""
    if not _fires(schedule.cron):
        raise _no_cron(schedule.cron)
    time_zone(schedule.time_zone)
    for bound in (schedule.start, schedule.end):
        try:
            aware = bound is None or datetime.fromisoformat(bound).tzinfo is not None
        except ValueError:
            aware = False
        if not aware:
            raise InvalidInput(f"{bound!r} is no instant", hint="ISO 8601 in UTC, for example: 2026-01-31T00:00:00Z")


def time_zone(name: str) -> ZoneInfo:
    """Raises InvalidInput for what IANA does not know."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise InvalidInput(f"{name!r} is no time zone", hint="an IANA name, for example: Europe/Berlin") from exc


def _bound(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _no_cron(text: str) -> InvalidInput:
    return InvalidInput(f"{text!r} is no cron that ever fires", hint="five fields, for example: 30 2 * * 1-5")


def _fires(cron: str) -> bool:
    """True for five readable fields that some day fit: 31 February never does."""
    if len(cron) > _LONGEST or not cron.isascii() or not cron.isprintable() or len(cron.split()) != 5:
        return False
    try:
        return next(CronSim(cron, _ANY_TIME), None) is not None
    except (CronSimError, AssertionError):
        return False
