"""What a cron fires at, found the plain way: every day, every hour, every minute that its fields name."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

ZONES = (
    "Europe/Berlin", "America/New_York", "Asia/Shanghai", "UTC", "Asia/Kolkata", "Australia/Lord_Howe",
    "Australia/Sydney", "America/Santiago", "Europe/London", "America/St_Johns", "Pacific/Chatham", "Asia/Tehran",
    "America/Los_Angeles", "Africa/Casablanca", "Asia/Jerusalem", "Pacific/Auckland", "America/Sao_Paulo", "Asia/Tokyo",
    "Europe/Dublin", "America/Asuncion",
)  # fmt: skip


@dataclass(frozen=True)
class Spec:
    """`days` and `weekdays` (Sunday 0): None = any. `evenly`: its minute or hour begins with a star."""

    text: str
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...] | None
    weekdays: tuple[int, ...] | None
    evenly: bool

    def on(self, day: date) -> bool:
        by_day = self.days is None or day.day in self.days
        by_weekday = self.weekdays is None or day.isoweekday() % 7 in self.weekdays
        either = self.days is not None and self.weekdays is not None  # as cron has it: one of the two is enough
        return (by_day or by_weekday) if either else (by_day and by_weekday)


def _some(low: int, high: int, most: int) -> st.SearchStrategy[tuple[int, ...]]:
    return st.lists(st.integers(low, high), min_size=1, max_size=most, unique=True).map(
        lambda found: tuple(sorted(found))
    )


@st.composite
def specs(draw: st.DrawFn) -> Spec:
    step, hourly = draw(st.sampled_from([(0, 0), (0, 0), (20, 0), (30, 0), (0, 1), (0, 2), (0, 6), (30, 6)]))
    minutes = tuple(range(0, 60, step)) if step else draw(_some(0, 59, 1 if hourly else 2))
    hours = tuple(range(0, 24, hourly)) if hourly else draw(_some(0, 23, 3) | _some(0, 4, 4))
    days = draw(st.none() | st.none() | _some(1, 31, 3))
    weekdays = draw(st.none() | st.none() | _some(0, 6, 3))
    fields = [
        f"*/{step}" if step else _listed(minutes),
        ("*" if hourly == 1 else f"*/{hourly}") if hourly else _listed(hours),
        "*" if days is None else _listed(days),
        "*",
        "*" if weekdays is None else _listed(weekdays),
    ]
    return Spec(" ".join(fields), minutes, hours, days, weekdays, bool(step or hourly))


def _listed(numbers: tuple[int, ...]) -> str:
    return ",".join(map(str, numbers))


def fires(spec: Spec, zone: str, after: datetime, until: datetime) -> list[datetime]:
    """After `after`, not after `until`; ascending, none twice."""
    tz, found = ZoneInfo(zone), set()
    day = after.astimezone(tz).date() - timedelta(days=1)
    while day <= until.astimezone(tz).date() + timedelta(days=1):
        if spec.on(day):
            for hour in spec.hours:
                for minute in spec.minutes:
                    found |= _moments(datetime.combine(day, time(hour, minute)), tz, evenly=spec.evenly)
        day += timedelta(days=1)
    return sorted(one for one in found if after < one <= until)


def _moments(local: datetime, tz: ZoneInfo, *, evenly: bool) -> set[datetime]:
    """A time that the clocks skip: when they go on, `evenly` never. One that they repeat: once, `evenly` twice."""
    first = local.replace(tzinfo=tz, fold=0).astimezone(UTC)
    exists = first.astimezone(tz).replace(tzinfo=None) == local
    if evenly:
        return {first, local.replace(tzinfo=tz, fold=1).astimezone(UTC)} if exists else set()
    while not exists:
        local += timedelta(minutes=1)
        first = local.replace(tzinfo=tz, fold=0).astimezone(UTC)
        exists = first.astimezone(tz).replace(tzinfo=None) == local
    return {first}
