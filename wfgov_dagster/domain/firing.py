"""Which time of a schedule fires now: of all that have come due since it was looked at, the latest only."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Final

from wfgov_dagster.domain.cron import fires_of
from wfgov_dagster.domain.definition import Schedule

COUNTED: Final = 1_000  # counting more takes longer than the number is worth


@dataclass(frozen=True, slots=True)
class Firing:
    """`scheduled_at`: what fires, None = nothing has come due. `skipped`: due times before it; `COUNTED` = so many or
    more. `upcoming`: what is due next, None = nothing ever."""

    scheduled_at: datetime | None
    skipped: int
    upcoming: datetime | None


def first_fire(schedule: Schedule, armed_at: datetime) -> datetime | None:
    """The first time that may fire when the schedule goes online at `armed_at`: never one that was before."""
    return next(fires_of(schedule, armed_at), None)


def firing(schedule: Schedule, first: datetime, now: datetime) -> Firing:
    """`first`: the first time that may fire. Raises InvalidInput for a bad cron or zone."""
    latest, passed = None, 0
    for fire in fires_of(schedule, _just_before(first)):
        if fire > now:
            return Firing(latest, max(0, passed - 1), fire)
        if passed > COUNTED:
            return Firing(_latest(schedule, fire, now), COUNTED, next(fires_of(schedule, now), None))
        latest, passed = fire, passed + 1
    return Firing(latest, max(0, passed - 1), None)


def _latest(schedule: Schedule, known: datetime, now: datetime) -> datetime:
    """The last fire that is not after `now`, looked for in ever longer spans: `known` is one, perhaps of long ago."""
    span = timedelta(hours=1)
    while now - span > known:
        found = list(takewhile(lambda fire: fire <= now, fires_of(schedule, now - span)))
        if found:
            return found[-1]
        span *= 2
    return list(takewhile(lambda fire: fire <= now, fires_of(schedule, _just_before(known))))[-1]


def _just_before(fire: datetime) -> datetime:
    return fire - timedelta(seconds=1)
