"""What an engine holds, what we last confirmed there, and the current version: three sides, compared field by field.

Layout, markers and the engine's own version numbers are no content. A finding says what it is, how grave, and each
field with its three values; `drift_words` tells people.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from wfgov_dagster.domain import snapshot
from wfgov_dagster.domain.definition import Definition
from wfgov_dagster.domain.diff import Diff, FieldChange, diff
from wfgov_dagster.domain.protocol import explained
from wfgov_dagster.domain.publish import Content, Desired, Live, VersionRef


class Kind(StrEnum):
    CONTENT_CHANGED = "content_changed"
    TASK_ADDED = "task_added"
    TASK_REMOVED = "task_removed"
    EDGE_CHANGED = "edge_changed"
    SCHEDULE_CHANGED = "schedule_changed"
    RELEASE_CHANGED = "release_changed"  # online or offline
    SCHEDULE_STATE_CHANGED = "schedule_state_changed"
    RENAMED = "renamed"
    DELETED = "deleted"
    RECREATED = "recreated"  # the same name, but another workflow for the engine
    VERSION_SWITCHED = "version_switched"  # back to an older version of ours
    LATE_WRITE = "late_write"  # our own write, of which nobody knew whether it was applied
    FOREIGN_WRITER = "foreign_writer"  # the marker is not one of ours: another installation writes there
    FOREIGN_DEFINITION = "foreign_definition"  # of the workflow's name, never deployed by us
    UNMANAGED = "unmanaged"  # on the engine, no workflow of ours
    UNPUBLISHED = "unpublished"  # the platform is ahead
    NEVER_DEPLOYED = "never_deployed"


class Severity(StrEnum):
    ERROR = "error"  # something runs otherwise than was confirmed, or not at all
    WARNING = "warning"  # it differs, and what runs is right
    INFO = "info"  # no difference


@dataclass(frozen=True, slots=True)
class Difference:
    """`field` as people name it: text of task a, edge a → b, online. None = it is not there."""

    field: str
    confirmed: Any
    current: Any
    engine: Any


@dataclass(frozen=True, slots=True)
class Drift:
    """`version_no`: which version of ours the engine holds, where it is another one."""

    kind: Kind
    severity: Severity
    differences: tuple[Difference, ...] = ()
    version_no: int | None = None


@dataclass(frozen=True, slots=True)
class Confirmed:
    """`content` as the engine shows it. `engine_workflow_code`: the engine's own code of it."""

    content: Content
    online: bool
    schedule_online: bool
    engine_workflow_code: str


@dataclass(frozen=True, slots=True)
class Sight:
    """What was seen on the engine. `name`: there; `held`: the version of ours with that content, among all ever sent;
    `strange_schedule`: none that we ever sent; `strange_marker`: of no version of ours. `late_steps`: names of our
    writes without an answer."""

    name: str
    engine_workflow_code: str
    live: Live
    held: VersionRef | None = None
    strange_schedule: bool = False
    strange_marker: bool = False
    late_steps: frozenset[str] = frozenset()


def compare(code: str, confirmed: Confirmed | None, current: Content | None, sight: Sight | None) -> tuple[Drift, ...]:
    """In the order of kinds; () = the engine holds what was confirmed, and that is the current version.

    All definitions as the engine shows them, in canonical form. `sight` None: the engine does not hold it.
    """
    if confirmed is None:
        return (_never_confirmed(current, sight),)
    ahead = _unpublished(confirmed, current, sight)
    if sight is None:
        gone = Difference("workflow", code, None if current is None else code, None)
        return (Drift(Kind.DELETED, Severity.ERROR, (gone,)), *ahead)
    found = [*_identity(code, confirmed, sight), *_differences(confirmed, current, sight), *ahead]
    return tuple(sorted(found, key=lambda one: list(Kind).index(one.kind)))


def unpublished(confirmed: Content, current: Content) -> Drift | None:
    """How the current version differs from what was confirmed. None: it is the same for the engine."""
    three = _Three(confirmed, current, confirmed)
    fields = _changes(three, confirmed, current)
    if not fields:
        return None
    return Drift(Kind.UNPUBLISHED, Severity.WARNING, tuple(fields), current.version_no)


def canonical_form(definition: Definition) -> Definition:
    """Parameters, resources and flags in one order: whoever gives them back in another changed nothing."""
    return snapshot.parse(snapshot.document(definition))


def is_difference(drift: Drift) -> bool:
    return drift.severity is not Severity.INFO


# --- parts ---------------------------------------------------------------------------------------

_TOLD_ONLY: Final = frozenset({"name", "description"})


@dataclass(frozen=True, slots=True)
class _Three:
    """The three sides of every difference."""

    confirmed: Content | None
    current: Content | None
    engine: Content

    def difference(self, field: str, of: Callable[[Content], Any]) -> Difference:
        return Difference(
            field, *(None if one is None else of(one) for one in (self.confirmed, self.current, self.engine))
        )


def _never_confirmed(current: Content | None, sight: Sight | None) -> Drift:
    if sight is None:
        return Drift(Kind.NEVER_DEPLOYED, Severity.INFO)
    if sight.held is not None:
        return Drift(Kind.LATE_WRITE, Severity.WARNING, (), sight.held.version_no)
    held = _held(sight.live)
    fields = _changes(_Three(None, current, held), current, held)
    kind = Kind.FOREIGN_WRITER if sight.strange_marker else Kind.FOREIGN_DEFINITION
    return Drift(kind, Severity.ERROR, tuple(fields))


def _unpublished(confirmed: Confirmed, current: Content | None, sight: Sight | None) -> list[Drift]:
    if current is None or current.content_hash == confirmed.content.content_hash:
        return []
    if sight is not None and sight.live.definition == current.definition and sight.live.schedule == current.schedule:
        return []  # unconfirmed, but there: told as what it is
    found = unpublished(confirmed.content, current)
    return [] if found is None else [found]


def _identity(code: str, confirmed: Confirmed, sight: Sight) -> Iterator[Drift]:
    if sight.name != code:
        yield Drift(Kind.RENAMED, Severity.ERROR, (Difference("name on the engine", code, code, sight.name),))
    if sight.engine_workflow_code != confirmed.engine_workflow_code:
        own = confirmed.engine_workflow_code
        field = Difference("code on the engine", own, own, sight.engine_workflow_code)
        yield Drift(Kind.RECREATED, Severity.WARNING, (field,))


def _differences(confirmed: Confirmed, current: Content | None, sight: Sight) -> Iterable[Drift]:
    three = _Three(confirmed.content, current, _held(sight.live))
    states = _states(confirmed, current, sight)
    edited = diff(confirmed.content.definition, sight.live.definition)
    schedule = _schedule(confirmed, three, sight)
    every = (*_content(three, edited), *schedule, *states)
    if every and _is_late(confirmed, sight, edited=bool(edited)):
        number = sight.held.version_no if edited and sight.held is not None else None
        return [Drift(Kind.LATE_WRITE, Severity.WARNING, every, number)]
    found = list(_content_drifts(three, edited, sight)) if edited else []
    if schedule:
        found.append(Drift(Kind.SCHEDULE_CHANGED, Severity.ERROR, schedule))
    kinds = {"online": Kind.RELEASE_CHANGED, "schedule online": Kind.SCHEDULE_STATE_CHANGED}
    return [*found, *(Drift(kinds[one.field], Severity.ERROR, (one,)) for one in states)]


def _is_late(confirmed: Confirmed, sight: Sight, *, edited: bool) -> bool:
    """Whether what is there is a write of ours: one that was never confirmed, or one that nobody had an answer to."""
    if edited and sight.held is None:
        return False
    if edited and sight.held is not None and sight.held.version_no > confirmed.content.version_no:
        return True
    if not sight.late_steps or sight.strange_schedule or (edited and "deploy" not in sight.late_steps):
        return False
    content = confirmed.content
    desired = Desired("", content, confirmed.online, confirmed.schedule_online)
    return explained(sight.live, desired, sight.late_steps)


def _content_drifts(three: _Three, edited: Diff, sight: Sight) -> Iterator[Drift]:
    if sight.held is not None:
        yield Drift(Kind.VERSION_SWITCHED, Severity.ERROR, _content(three, edited), sight.held.version_no)
    elif sight.strange_marker:
        yield Drift(Kind.FOREIGN_WRITER, Severity.ERROR, _content(three, edited))
    else:
        renamed = [one for one in edited.settings if _is_name(one, sight)]
        if renamed:
            yield Drift(Kind.RENAMED, Severity.ERROR, _settings(three, replace(edited, settings=tuple(renamed))))
        edited = replace(edited, settings=tuple(one for one in edited.settings if one not in renamed))
        fields = (*_settings(three, edited), *_tasks(three, edited))
        if fields:
            grave = _says_more(edited)
            yield Drift(Kind.CONTENT_CHANGED, Severity.ERROR if grave else Severity.WARNING, fields)
        for kind, some in (
            (Kind.TASK_ADDED, _whole_tasks(three, edited.tasks_added)),
            (Kind.TASK_REMOVED, _whole_tasks(three, edited.tasks_removed)),
            (Kind.EDGE_CHANGED, _edges(three, edited)),
        ):
            if some:
                yield Drift(kind, Severity.ERROR, some)


def _is_name(change: FieldChange, sight: Sight) -> bool:
    """An engine that knows a workflow by its own code has our code for a name, and finds it under any other."""
    return change.field == "name" and change.before == sight.name


def _says_more(edited: Diff) -> bool:
    """Whether more than names and descriptions differs."""
    changed: list[FieldChange] = [*edited.settings, *(field for task in edited.tasks_changed for field in task.fields)]
    return any(one.field not in _TOLD_ONLY for one in changed)


def _changes(three: _Three, before: Content | None, after: Content) -> list[Difference]:
    found = diff(None if before is None else before.definition, after.definition)
    schedules = None if before is None else before.schedule
    schedule = [three.difference("schedule", lambda one: one.schedule)] if schedules != after.schedule else []
    return [*_content(three, found), *schedule]


def _content(three: _Three, found: Diff) -> tuple[Difference, ...]:
    return (
        *_settings(three, found),
        *_tasks(three, found),
        *_whole_tasks(three, (*found.tasks_added, *found.tasks_removed)),
        *_edges(three, found),
    )


def _settings(three: _Three, found: Diff) -> tuple[Difference, ...]:
    def setting(name: str) -> Callable[[Content], Any]:
        return lambda one: getattr(one.definition.settings, name)

    return tuple(three.difference(one.field, setting(one.field)) for one in found.settings)


def _tasks(three: _Three, found: Diff) -> tuple[Difference, ...]:
    def value(code: str, name: str) -> Callable[[Content], Any]:
        return lambda one: getattr(one.definition.by_code().get(code), name, None)

    return tuple(
        three.difference(f"{field.field} of task {task.code}", value(task.code, field.field))
        for task in found.tasks_changed
        for field in task.fields
    )


def _whole_tasks(three: _Three, codes: Collection[str]) -> tuple[Difference, ...]:
    def whole(code: str) -> Callable[[Content], Any]:
        return lambda one: one.definition.by_code().get(code)

    return tuple(three.difference(f"task {code}", whole(code)) for code in sorted(codes))


def _edges(three: _Three, found: Diff) -> tuple[Difference, ...]:
    def has(edge: object, kind: str) -> Callable[[Content], Any]:
        return lambda one: edge in getattr(one.definition, kind)

    inner = (three.difference(f"edge {pre} → {post}", has((pre, post), "edges"))
             for pre, post in sorted((*found.edges_added, *found.edges_removed)))  # fmt: skip
    cross = (three.difference(f"{one.task} waits for {one.upstream_workflow}/{one.upstream_task}",
                              has(one, "cross_edges"))
             for one in sorted((*found.cross_added, *found.cross_removed)))  # fmt: skip
    return (*inner, *cross)


def _schedule(confirmed: Confirmed, three: _Three, sight: Sight) -> tuple[Difference, ...]:
    """A publish leaves the schedule of an offline workflow as it is: there it only has to be one that we ever sent.
    One that was taken offline may have lost it for that reason alone."""
    held, own = sight.live.schedule, confirmed.content.schedule
    if held == own or (not sight.live.online and held is None):
        return ()
    if not confirmed.online and not sight.strange_schedule:
        return ()
    if held is None or own is None:
        return (three.difference("schedule", lambda one: one.schedule),)

    def part(name: str) -> Callable[[Content], Any]:
        return lambda one: getattr(one.schedule, name, None)

    names = [name for name in ("cron", "time_zone", "start", "end") if getattr(held, name) != getattr(own, name)]
    return tuple(three.difference(name, part(name)) for name in names)


def _states(confirmed: Confirmed, current: Content | None, sight: Sight) -> tuple[Difference, ...]:
    """Who is taken offline, or loses the schedule, loses its state along: that is told once."""
    live = sight.live
    found = []
    if live.online != confirmed.online:
        found.append(Difference("online", confirmed.online, None if current is None else confirmed.online, live.online))
    lost = (confirmed.online and not live.online) or live.schedule is None
    lost_along = lost and not live.schedule_online
    if live.schedule_online != confirmed.schedule_online and not lost_along:
        was = confirmed.schedule_online
        found.append(Difference("schedule online", was, None if current is None else was, live.schedule_online))
    return tuple(found)


def _held(live: Live) -> Content:
    return Content(0, "", live.definition, live.schedule)
