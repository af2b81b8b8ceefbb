"""Five-field cron to Quartz's seven fields and back, and the instants of a schedule to its clocks.

Quartz counts weekdays from 1 = Sunday, cron from 0 = Sunday (7 as well), and Quartz wants a `?` in one of the two day
fields: a day of the month *and* a day of the week it cannot say. The server takes start and end for what the clocks of
the schedule's own zone show, in whole seconds, and knows no open end.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from wfgov_dagster.domain.cron import check_schedule
from wfgov_dagster.domain.definition import Schedule
from wfgov_dagster.errors import InvalidInput

FIRST: Final = "1971-01-01 00:00:00"  # stands for an open start
LAST: Final = "2199-12-31 23:59:59"  # and for an open end
_CLOCK: Final = "%Y-%m-%d %H:%M:%S"
_INSTANT: Final = "%Y-%m-%dT%H:%M:%SZ"
_WEEKDAYS: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


def to_quartz(cron: str) -> str:
    """Raises InvalidInput for what Quartz cannot say."""
    minute, hour, day, month, weekday = cron.split()
    if weekday == "*":
        return f"0 {minute} {hour} {day} {month} ? *"
    if day == "*":
        return f"0 {minute} {hour} ? {month} {_weekdays(weekday, 1)} *"
    hint = "two workflows, or days of only one kind"
    raise InvalidInput(f"{cron!r} has days of the month and of the week: DolphinScheduler has no such cron", hint=hint)


def from_quartz(text: str) -> str:
    """Five fields, or the text itself where they cannot say the same."""
    fields = text.split()
    if len(fields) not in {6, 7} or fields[0] not in {"0", "00"} or fields[6:] not in ([], ["*"]):
        return text
    minute, hour, day, month, weekday = ("*" if field == "?" else field for field in fields[1:6])
    if weekday == "*":
        return f"{minute} {hour} {day} {month} *"
    try:
        return f"{minute} {hour} {day} {month} {_weekdays(weekday, -1)}"
    except InvalidInput:
        return text


def shown(schedule: Schedule) -> Schedule:
    """The schedule as it is read back; one that the server cannot hold stays as it is, `to_row` refuses it."""
    try:
        return from_row(to_row(schedule))
    except InvalidInput:
        return schedule


def to_row(schedule: Schedule) -> dict[str, str]:
    """What the form field `schedule` holds. Raises InvalidInput."""
    check_schedule(schedule)
    return {
        "startTime": _clock(schedule.start, schedule.time_zone, FIRST),
        "endTime": _clock(schedule.end, schedule.time_zone, LAST),
        "crontab": to_quartz(" ".join(schedule.cron.split())),
        "timezoneId": schedule.time_zone,
    }


def from_row(row: Mapping[str, Any]) -> Schedule:
    """Of a schedule's row: times as its server writes them."""
    zone = str(row["timezoneId"])
    start, end = row.get("startTime"), row.get("endTime")
    return Schedule(from_quartz(str(row["crontab"])), zone, _instant(start, zone), _instant(end, zone))


def _weekdays(field: str, by: int) -> str:
    """Each number of a list of weekdays moved by one. `by` 1: to Quartz, -1: back."""
    return ",".join(_weekday(one, by) for one in field.split(","))


def _weekday(part: str, by: int) -> str:
    found = re.fullmatch(r"(\*|\d|[A-Za-z]{3})(?:-(\d|[A-Za-z]{3}))?(?:/(\d+))?(#[1-5]|L)?", part)
    if found is None:
        raise InvalidInput(f"{part!r} is no day of the week")
    first, last, step, rest = found.groups()
    if first == "*":
        if step is None or by < 0:
            raise InvalidInput(f"{part!r} is no day of the week")
        return f"1/{step}"
    if by < 0 and first == "1" and last is None and step is not None:
        return f"*/{step}"
    span = _number(first, by)
    if last is not None:
        end = _number(last, by)
        span += f"-{'7' if by < 0 and end == '0' else end}"  # a range of cron's ends on a Sunday that is 7
    return span + ("" if step is None else f"/{step}") + (rest or "")


def _number(day: str, by: int) -> str:
    if not day.isdigit():
        if day.upper() not in _WEEKDAYS:
            raise InvalidInput(f"{day!r} is no day of the week")
        return str(_WEEKDAYS.index(day.upper()) + (1 if by > 0 else 0))
    number = int(day) % 7 + 1 if by > 0 else int(day) - 1
    if not 0 <= number <= 7:
        raise InvalidInput(f"{day!r} is no day of the week")
    return str(number)


def _clock(instant: str | None, zone: str, open_: str) -> str:
    if instant is None:
        return open_
    return datetime.fromisoformat(instant).astimezone(ZoneInfo(zone)).strftime(_CLOCK)


def _instant(clock: object, zone: str) -> str | None:
    """None also for what no clock shows: then it is no schedule of ours anyway."""
    if clock in {FIRST, LAST, None}:
        return None
    try:
        local = datetime.strptime(str(clock), _CLOCK).replace(tzinfo=ZoneInfo(zone))
    except (ValueError, ZoneInfoNotFoundError):
        return str(clock)
    return local.astimezone(UTC).strftime(_INSTANT)
