"""The least steps from what an engine holds to what we want, as data: what a dry run shows is what is executed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, assert_never

from wfgov_dagster.domain import snapshot
from wfgov_dagster.domain.definition import Schedule
from wfgov_dagster.domain.publish import Content, Desired, Live
from wfgov_dagster.errors import NotFound


@dataclass(frozen=True, slots=True)
class TakeOffline:
    workflow_code: str


@dataclass(frozen=True, slots=True)
class Deploy:
    workflow_code: str
    content: Content


@dataclass(frozen=True, slots=True)
class BringOnline:
    workflow_code: str


@dataclass(frozen=True, slots=True)
class PutSchedule:
    """None removes it."""

    workflow_code: str
    schedule: Schedule | None


@dataclass(frozen=True, slots=True)
class ScheduleOnline:
    workflow_code: str


@dataclass(frozen=True, slots=True)
class ScheduleOffline:
    workflow_code: str


Step = TakeOffline | Deploy | BringOnline | PutSchedule | ScheduleOnline | ScheduleOffline

NAMES: Final[Mapping[type[Step], str]] = {
    TakeOffline: "take_offline",
    Deploy: "deploy",
    BringOnline: "bring_online",
    PutSchedule: "put_schedule",
    ScheduleOnline: "schedule_online",
    ScheduleOffline: "schedule_offline",
}


def plan(desired: Desired, live: Live | None) -> tuple[Step, ...]:
    """In the order to take; () if the engine shows what is desired. The marker is not compared.

    Raises NotFound when nothing is to be sent and the engine holds nothing.
    """
    code = desired.workflow_code
    if live is None and desired.content is None:
        raise NotFound(
            "the engine does not hold it",
            where=f"workflow {code}",
            hint=f"deploy it first: wfgov publish {code} --operation deploy",
        )
    content = desired.content if _differs(desired, live) else None
    stays_online = live is not None and live.online and desired.online and content is None
    steps: list[Step] = []
    if live is not None and live.online and not stays_online:
        steps.append(TakeOffline(code))
    if content is not None:
        steps.append(Deploy(code, content))
    if desired.online and not stays_online:
        steps.append(BringOnline(code))
    return (*steps, *_schedule(desired, live, fires=_fires_after(live, stays_online=stays_online)))


def describe(step: Step) -> str:
    """One line for people."""
    code = step.workflow_code
    match step:
        case TakeOffline():
            return f"take {code} offline"
        case Deploy():
            return f"send V{step.content.version_no} of {code} ({step.content.content_hash[:15]})"
        case BringOnline():
            return f"bring {code} online"
        case PutSchedule():
            return _told(code, step.schedule)
        case ScheduleOnline():
            return f"bring the schedule of {code} online"
        case ScheduleOffline():
            return f"take the schedule of {code} offline"
        case _:
            assert_never(step)


def row(step: Step) -> dict[str, object]:
    """The step as JSON: whom it is about, what is sent, and its line for people."""
    found: dict[str, object] = {"step": NAMES[type(step)], "workflow_code": step.workflow_code, "text": describe(step)}
    if isinstance(step, Deploy):
        found |= {"version_no": step.content.version_no, "content_hash": step.content.content_hash}
    if isinstance(step, PutSchedule):
        found["schedule"] = schedule_row(step.schedule)
    return found


def rows(steps: Sequence[Step]) -> list[dict[str, object]]:
    return [{"no": no, **row(step)} for no, step in enumerate(steps, 1)]


def desired_row(desired: Desired) -> dict[str, object]:
    """What is wanted as JSON, the document by its hash."""
    content = desired.content
    return {
        "version_no": None if content is None else content.version_no,
        "content_hash": None if content is None else content.content_hash,
        "online": desired.online,
        "schedule": schedule_row(desired.schedule),
        "schedule_online": desired.schedule_online,
    }


def request_digest(step: Step) -> str:
    """The same for the same request, so that a step that has to be taken again is known again."""
    return snapshot.digest(snapshot.canonical(row(step)))


def schedule_row(schedule: Schedule | None) -> dict[str, str | None] | None:
    if schedule is None:
        return None
    return {"cron": schedule.cron, "time_zone": schedule.time_zone, "start": schedule.start, "end": schedule.end}


def _told(code: str, schedule: Schedule | None) -> str:
    if schedule is None:
        return f"remove the schedule of {code}"
    return f"set the schedule of {code} to {schedule.cron} ({schedule.time_zone})"


def _differs(desired: Desired, live: Live | None) -> bool:
    if desired.content is None:
        return False
    return live is None or snapshot.document(live.definition) != snapshot.document(desired.content.definition)


def _fires_after(live: Live | None, *, stays_online: bool) -> bool:
    """Whether the schedule is online once the steps before it are done: it goes offline with its workflow."""
    return live is not None and live.schedule_online and (stays_online or not live.online)


def _schedule(desired: Desired, live: Live | None, *, fires: bool) -> tuple[Step, ...]:
    """An engine refuses to change the schedule of an offline workflow, so there it is not compared."""
    code = desired.workflow_code
    held = None if live is None else live.schedule
    if not desired.online:
        return (ScheduleOffline(code),) if fires and not desired.schedule_online else ()
    steps: list[Step] = []
    if desired.content is not None and desired.schedule != held:
        steps.append(PutSchedule(code, desired.schedule))
        fires, held = False, desired.schedule
    if desired.schedule_online and not fires and held is not None:
        steps.append(ScheduleOnline(code))
    if fires and not desired.schedule_online:
        steps.append(ScheduleOffline(code))
    return tuple(steps)
