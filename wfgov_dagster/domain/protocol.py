"""How a publish goes on when it cannot simply go on: foreign edits, refusals, silence. Pure; `usecases` act on it."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from wfgov_dagster.domain import snapshot
from wfgov_dagster.domain.plan import NAMES as STEPS
from wfgov_dagster.domain.plan import BringOnline, PutSchedule, ScheduleOffline, ScheduleOnline, Step, TakeOffline
from wfgov_dagster.domain.publish import Content, Desired, Found, Live, Operation, Phase, Target, found

DEFINITION: Final = "definition"
SCHEDULE: Final = "schedule"
_FIRES: Final[frozenset[type[Step]]] = frozenset({ScheduleOnline})  # steps after which a schedule may fire
_SILENCES: Final[frozenset[type[Step]]] = frozenset({TakeOffline, BringOnline, PutSchedule, ScheduleOffline})


class Trouble(StrEnum):
    REFUSED = "refused"  # the engine said no to a write
    SILENT = "silent"  # the engine could not be looked at
    FUTILE = "futile"  # it can be looked at, but time or attempts are over and it does not show what is wanted


@dataclass(frozen=True, slots=True)
class Standing:
    """`wrote`: something of it, or of an older one that it superseded, may be on the engine. `used_up`: attempts or
    time of this round are over. `going_back`: what was there before is being brought back. `restores`: it has a target
    of its own."""

    wrote: bool
    used_up: bool
    going_back: bool
    restores: bool


def next_phase(trouble: Trouble, standing: Standing) -> Phase | None:
    """Where a record in trouble goes; None = it tries again.

    An end without success only where the engine is known to show what it showed before; else the way back, and where
    that is closed, `parked`. A restore is a way back itself: it has none of its own.
    """
    patient = not standing.used_up and (standing.going_back or trouble is Trouble.SILENT)
    if patient:
        return None
    if standing.going_back:
        return Phase.PARKED
    if not standing.wrote:
        return Phase.REJECTED if trouble is Trouble.REFUSED else Phase.FAILED
    if trouble is Trouble.SILENT or standing.restores:
        return Phase.PARKED
    return Phase.COMPENSATING


def parts(live: Live) -> dict[str, str]:
    """Digest of each part of what an engine holds that a person may edit there."""
    told = {DEFINITION: snapshot.digest(snapshot.document(live.definition))}
    if live.schedule is not None:
        told[SCHEDULE] = snapshot.digest(snapshot.schedule_body(live.schedule))
    return told


def foreign(live: Live, ours: Iterable[Content], overruled: Collection[str] = ()) -> Mapping[str, str]:
    """The parts that are nobody's content of ours, with their digests; nothing = no foreign edit.

    `ours`: content that was ever sent there, the likeliest first; read as far as needed. Whether it is online is no
    edit: a deploy keeps it as found. A part in `overruled` is one that somebody chose to overwrite.
    """
    strange = {part: digest for part, digest in parts(live).items() if digest not in overruled}
    for one in ours if strange else ():
        strange = {part: digest for part, digest in strange.items() if parts_of(one).get(part) != digest}
        if not strange:
            break
    return strange


def parts_of(content: Content) -> dict[str, str]:
    told = {DEFINITION: snapshot.digest(snapshot.document(content.definition))}
    if content.schedule is not None:
        told[SCHEDULE] = snapshot.digest(snapshot.schedule_body(content.schedule))
    return told


@dataclass(frozen=True, slots=True)
class Late:
    """How it was confirmed, and the names of `steps` of ours without a reply, which may have come after that."""

    online: bool
    schedule_online: bool
    steps: frozenset[str]


def first_found(live: Live | None, unfinished: Found | None, target: Target | None, late: Late | None = None) -> Found:
    """What a record finds before its first write. A restore finds what it brings back: whoever takes over from it in
    its middle shall give that back. What a late write of ours did is nothing that anybody wished: it is not found."""
    if target is None:
        seen = found(live, unfinished)
        return seen if live is None or late is None else _without_late(seen, live, late)
    schedule = None if live is None else live.schedule
    return Found(True, target.online, target.online and target.schedule_online, schedule)


def _without_late(seen: Found, live: Live, late: Late) -> Found:
    wrote = _kinds(late.steps)
    online = late.online if (BringOnline if live.online else TakeOffline) in wrote else seen.online
    fires = late.schedule_online if wrote & (_FIRES if live.schedule_online else _SILENCES) else seen.schedule_online
    return replace(seen, online=online, schedule_online=online and fires)


def explained(live: Live, confirmed: Desired, unknown_steps: Collection[str]) -> bool:
    """Whether a write of ours without a reply can have made `live`, which is no foreign edit, differ from what was
    confirmed. That a person took it online or offline is no late write."""
    content = confirmed.content
    if content is not None and snapshot.document(live.definition) != snapshot.document(content.definition):
        return True
    if content is not None and live.online and live.schedule not in (None, content.schedule):
        return True
    late = _kinds(unknown_steps)
    if live.online != confirmed.online:
        return (BringOnline if live.online else TakeOffline) in late
    if live.schedule_online and not confirmed.schedule_online:
        return bool(late & _FIRES)
    return bool(late & _SILENCES)


def _kinds(names: Collection[str]) -> set[type[Step]]:
    return {kind for kind, name in STEPS.items() if name in names}


def pauses(operation: Operation) -> bool:
    """Whether a foreign edit stops it: taking something offline overwrites nothing."""
    return operation is not Operation.OFFLINE
