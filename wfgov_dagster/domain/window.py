"""Which run of the writer a reader in another workflow waits for, by both crons.

An engine looks for a run of the writer within a window around the reader's scheduled time. Of the table below the first
window holds in which, for each of the reader's next fires, the writer's nearest fire lies; by the reader's clocks.

| window | the writer's nearest fire is | only where the writer fires |
|---|---|---|
| hour/currentHour, hour/last1Hour | in the same hour, in the one before | more than once a day |
| day/today, day/last1Days | on the same day, on the day before | |
| week/thisWeek, week/lastWeek | in the same week from Monday, in the one before | less than daily |
| month/thisMonth, month/lastMonth | in the same month, in the one before | less than weekly |

The smallest window that holds is the one whose run cannot be an older one. A run of another day, week or month says
nothing where there is one a day, week or month, and an hour says too little where one run a day may come late.
Without two crons, or where no window holds for all fires, it is day/today.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import islice, pairwise
from typing import Final

from wfgov_dagster.domain.cron import check_schedule, fires, next_fires, time_zone
from wfgov_dagster.domain.definition import Schedule
from wfgov_dagster.errors import InvalidInput

DEFAULT: Final = "day/today"
_FROM: Final = datetime(2024, 1, 1, tzinfo=UTC)  # any time: windows do not depend on when one looks
_FIRES: Final = 24
_DAY: Final = timedelta(days=1)
_BACK: Final = tuple(timedelta(hours=hours) for hours in (1, 24, 7 * 24, 31 * 24, 366 * 24))

Distance = Callable[[datetime, datetime], int]


@dataclass(frozen=True, slots=True)
class Window:
    """`text`: `<cycle>/<date value>` as DolphinScheduler names them. `reason`: for people."""

    text: str
    reason: str


def _hours(reader: datetime, writer: datetime) -> int:
    return round((_hour(reader) - _hour(writer)) / timedelta(hours=1))


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0, tzinfo=None)


def _weeks(reader: datetime, writer: datetime) -> int:
    return (_monday(reader) - _monday(writer)).days // 7


def _monday(moment: datetime) -> date:
    return moment.date() - timedelta(days=moment.weekday())


def _months(reader: datetime, writer: datetime) -> int:
    return (reader.year - writer.year) * 12 + reader.month - writer.month


_TABLE: Final[Mapping[str, tuple[Distance, int, str]]] = {
    "hour/currentHour": (_hours, 0, "the writer fires in the hour in which the reader does"),
    "hour/last1Hour": (_hours, 1, "the writer fires in the hour before the reader"),
    "day/today": (lambda reader, writer: (reader.date() - writer.date()).days, 0, "both fire on the same day"),
    "day/last1Days": (
        lambda reader, writer: (reader.date() - writer.date()).days,
        1,
        "the writer's nearest fire is on the day before the reader's",
    ),
    "week/thisWeek": (_weeks, 0, "both fire in the same week"),
    "week/lastWeek": (_weeks, 1, "the writer's nearest fire is in the week before the reader's"),
    "month/thisMonth": (_months, 0, "both fire in the same month"),
    "month/lastMonth": (_months, 1, "the writer's nearest fire is in the month before the reader's"),
}
WINDOWS: Final = frozenset(_TABLE)


_FITS: Final[Mapping[str, Callable[[timedelta], bool]]] = {
    "hour": lambda gap: gap < 0.9 * _DAY,  # clocks that go on make a day of 23 hours
    "day": lambda _: True,
    "week": lambda gap: gap > 1.5 * _DAY,
    "month": lambda gap: gap > 8 * _DAY,
}


@lru_cache(maxsize=4096)
def choose(reader: Schedule | None, writer: Schedule | None) -> Window:
    """Both as their workflows have them."""
    lacking = " and ".join(
        name for name, one in (("the reader", reader), ("the writer", writer)) if one is None or not _is_good(one)
    )
    if reader is None or writer is None or lacking:
        return Window(DEFAULT, f"{lacking} has no schedule: a run of the same day")
    zone = time_zone(reader.time_zone)
    pairs = [
        (fire.astimezone(zone), _nearest(writer, fire).astimezone(zone))
        for fire in next_fires(reader.cron, reader.time_zone, _FROM, _FIRES)
    ]
    gap = _gap(writer)
    for text, (distance, wanted, reason) in _TABLE.items():
        if _FITS[text.partition("/")[0]](gap) and all(distance(*pair) == wanted for pair in pairs):
            return Window(text, reason)
    return Window(DEFAULT, "no window fits every fire of the reader: a run of its own day")


def stored(window: Window) -> str:
    """As a definition keeps it: "" for the default, so that most edges say nothing."""
    return "" if window.text == DEFAULT else window.text


def parts(text: str) -> tuple[str, str]:
    """Cycle and date value of a stored one."""
    cycle, _, value = (text or DEFAULT).partition("/")
    return cycle, value


def _is_good(schedule: Schedule) -> bool:
    try:
        check_schedule(schedule)
    except InvalidInput:
        return False
    return True


def _gap(schedule: Schedule) -> timedelta:
    """The least time between two of its next fires."""
    found = next_fires(schedule.cron, schedule.time_zone, _FROM, _FIRES)
    return min((later - earlier for earlier, later in pairwise(found)), default=366 * _DAY)


def _nearest(schedule: Schedule, moment: datetime) -> datetime:
    """The one before, if it is as near as the one after, or at the same time."""
    just_before = moment - timedelta(microseconds=1)
    after = next(fires(schedule.cron, schedule.time_zone, just_before))
    for back in _BACK:
        before = None
        for fire in islice(fires(schedule.cron, schedule.time_zone, moment - back - _DAY), 100_000):
            if fire > moment:
                break
            before = fire
        if before is not None:
            return before if moment - before <= after - moment else after
    return after
