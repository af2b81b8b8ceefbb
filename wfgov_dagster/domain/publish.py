"""What each operation of a publish wants the engine to show (design rule 8). How to get there is plan.py's."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Protocol

from wfgov_dagster.domain.definition import Definition, Schedule
from wfgov_dagster.errors import Conflict, IllegalTransition


class Operation(StrEnum):
    DEPLOY = "deploy"
    ONLINE = "online"
    OFFLINE = "offline"


class Phase(StrEnum):
    """Where a publish record is; from `confirmed` on they are ends."""

    INTENT = "intent"  # written down, the engine not touched
    RUNNING = "running"
    SETTLING = "settling"  # the engine shows what is wanted, but a write without a reply could still come late
    COMPENSATING = "compensating"  # it cannot be had; what was there before is brought back
    PAUSED = "paused"  # somebody changed it on the engine, and a person has to choose
    PARKED = "parked"  # nobody knows what the engine holds, and attempts or time are used up
    CONFIRMED = "confirmed"
    REJECTED = "rejected"  # the engine said no
    SUPERSEDED = "superseded"  # something newer is wanted
    FAILED = "failed"
    ABORTED = "aborted"  # a person ended it


WAITING: Final = frozenset({Phase.PAUSED, Phase.PARKED})  # open, but nobody drives it


class PublishStatus(StrEnum):
    """How the newest publish of a workflow stands, on whichever engine."""

    NEVER = "never"
    PUBLISHING = "publishing"
    PUBLISHED = "published"
    FAILED = "failed"


class PublishEvent(StrEnum):
    BEGIN = "begin"
    CONFIRM = "confirm"
    FAIL = "fail"


# Two engines may be published to at a time: whichever ends last is the newest word, so an end may follow an end.
PUBLISH_TRANSITIONS: Final[Mapping[tuple[PublishStatus, PublishEvent], PublishStatus]] = {
    **{(status, PublishEvent.BEGIN): PublishStatus.PUBLISHING for status in PublishStatus},
    (PublishStatus.PUBLISHING, PublishEvent.CONFIRM): PublishStatus.PUBLISHED,
    (PublishStatus.PUBLISHING, PublishEvent.FAIL): PublishStatus.FAILED,
    (PublishStatus.PUBLISHED, PublishEvent.CONFIRM): PublishStatus.PUBLISHED,
    (PublishStatus.PUBLISHED, PublishEvent.FAIL): PublishStatus.FAILED,
    (PublishStatus.FAILED, PublishEvent.CONFIRM): PublishStatus.PUBLISHED,
    (PublishStatus.FAILED, PublishEvent.FAIL): PublishStatus.FAILED,
}


class Live(Protocol):
    """What an engine was seen to hold of a workflow. `definition` comes without its schedule."""

    @property
    def definition(self) -> Definition: ...
    @property
    def online(self) -> bool: ...
    @property
    def schedule(self) -> Schedule | None: ...
    @property
    def schedule_online(self) -> bool: ...


class Shows(Protocol):
    """What an engine makes of what it is given: it shows it so, or shows less."""

    def shown(self, definition: Definition) -> Definition: ...
    def shown_schedule(self, schedule: Schedule) -> Schedule: ...


@dataclass(frozen=True, slots=True)
class VersionRef:
    id: int
    version_no: int
    content_hash: str


@dataclass(frozen=True, slots=True)
class Choice:
    """The versions that an operation may be about. `held`: last seen on (else last sent to) this engine."""

    workflow_code: str
    current: VersionRef | None
    last_published: VersionRef | None
    held: VersionRef | None


@dataclass(frozen=True, slots=True)
class Content:
    """A frozen version as one engine shows it, the schedule taken out of the definition: engines keep it apart."""

    version_no: int
    content_hash: str
    definition: Definition
    schedule: Schedule | None


@dataclass(frozen=True, slots=True)
class Found:
    """What the engine showed before the first write. A deploy gives the release and schedule state back."""

    present: bool
    online: bool = False
    schedule_online: bool = False
    schedule: Schedule | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """What a restore brings back, whatever its operation would want. `version_id` None: the content stays as it is.
    `publishes`: once it is there, this version is the workflow's last published one."""

    version_id: int | None
    online: bool
    schedule_online: bool
    publishes: bool = True


@dataclass(frozen=True, slots=True)
class Desired:
    """What the engine shall show. `content` None = whatever it holds, schedule included. A schedule counts only while
    online."""

    workflow_code: str
    content: Content | None
    online: bool
    schedule_online: bool

    @property
    def schedule(self) -> Schedule | None:
        return None if self.content is None else self.content.schedule


def status_after(status: PublishStatus, event: PublishEvent) -> PublishStatus:
    """The publish status after `event`. Raises IllegalTransition: nothing ends that never began."""
    try:
        return PUBLISH_TRANSITIONS[status, event]
    except KeyError:
        raise IllegalTransition(f"{event} is not possible in publish status {status}") from None


def bare(definition: Definition) -> Definition:
    """Without its schedule."""
    return replace(definition, settings=replace(definition.settings, schedule=None))


def content(version: VersionRef, definition: Definition, engine: Shows) -> Content:
    schedule = definition.settings.schedule
    shown = None if schedule is None else engine.shown_schedule(schedule)
    return Content(version.version_no, version.content_hash, engine.shown(definition), shown)


def found(live: Live | None, before: Found | None = None) -> Found:
    """`before`: what a publish that wrote and did not come to its end had found.

    It may have taken the workflow offline on its way, which nobody wished: what was online then counts as found
    online, else a deploy that broke off would leave the workflow offline for good.
    """
    if live is None:
        return Found(present=False)
    was = before or Found(present=True)
    return Found(True, live.online or was.online, live.schedule_online or was.schedule_online, live.schedule)


def wanted(operation: Operation, workflow_code: str, sent: Content | None, seen: Found) -> Desired:
    """`sent`: None for offline only. `seen`: what was found before the first write."""
    if operation is Operation.DEPLOY:
        scheduled = sent is not None and sent.schedule is not None
        return Desired(workflow_code, sent, seen.online, seen.schedule_online and scheduled)
    if operation is Operation.ONLINE:
        return Desired(workflow_code, sent, online=True, schedule_online=sent is not None and sent.schedule is not None)
    return Desired(workflow_code, None, online=False, schedule_online=False)


def restored(workflow_code: str, sent: Content | None, target: Target) -> Desired:
    """`sent`: content of the target's version."""
    scheduled = sent is None or sent.schedule is not None
    return Desired(workflow_code, sent, target.online, target.online and target.schedule_online and scheduled)


def before(workflow_code: str, confirmed: Content | None, seen: Found) -> Desired:
    """What there was before the first write: the last confirmed version, released as it was found.

    Where nothing was, what came stays, offline: deleting would take versions and instances with it.
    """
    if not seen.present:
        return Desired(workflow_code, None, online=False, schedule_online=False)
    scheduled = confirmed is None or confirmed.schedule is not None
    return Desired(workflow_code, confirmed, seen.online, seen.schedule_online and scheduled)


def version_for(operation: Operation, choice: Choice, asked: int | None) -> VersionRef:
    """The version that the operation is about. `asked` is a guard, not a choice.

    Raises Conflict when there is none, or when it is not the one that was asked for.
    """
    where = f"workflow {choice.workflow_code}"
    chosen = {
        Operation.DEPLOY: choice.current,
        Operation.ONLINE: choice.last_published,
        Operation.OFFLINE: choice.held,
    }[operation]
    if chosen is None and operation is Operation.DEPLOY:
        hint = f"see why: wfgov workflow show {choice.workflow_code}; then: wfgov orchestrate"
        raise Conflict("it has no version that could be deployed", where=where, hint=hint)
    if chosen is None:
        raise Conflict(
            f"it was never deployed, so it cannot go {operation}",
            where=where,
            hint=f"wfgov publish {choice.workflow_code} --operation deploy",
        )
    if asked is not None and asked != chosen.version_no:
        raise Conflict(
            f"{operation} is about V{chosen.version_no}, not about V{asked}",
            where=where,
            hint="--version only guards: leave it out, or say the version that the operation is about",
        )
    return chosen
