"""A change set: many workflows published as one, wave after wave; and the way back when it cannot be had whole."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Protocol

from wfgov_dagster.domain.publish import Found

FLOW: Final = "change_set"  # name of the flow that drives it, and what that is about


class SetState(StrEnum):
    RUNNING = "running"
    RESTORING = "restoring"  # it has ended, and another set brings its members back
    SUCCESS = "success"  # every member
    FAILED = "failed"  # at least one member failed; the others are as their own states say
    CANCELED = "canceled"
    RESTORED = "restored"  # every member is as it was before
    RESTORE_FAILED = "restore_failed"


UNDER_WAY: Final = frozenset({SetState.RUNNING, SetState.RESTORING})


class MemberState(StrEnum):
    WAITING = "waiting"  # not begun
    OPEN = "open"  # has a publish record that is driven
    SUCCESS = "success"
    FAILED = "failed"
    SKIPPED = "skipped"


class OnFailure(StrEnum):
    """What becomes of the other members when one fails, or when the set is canceled."""

    STOP = "stop"  # its wave is finished, later waves are skipped, what was published stays
    RESTORE = "restore"  # nothing more is begun, and all are brought back to what they were
    GO_ON = "go_on"  # for a set that restores: as many as can be had


class Standing(Protocol):
    """A member, as far as the others are concerned. Waves count from 1."""

    @property
    def wave(self) -> int: ...
    @property
    def state(self) -> MemberState: ...


def last_wave(members: Collection[Standing], on_failure: OnFailure, *, canceled: bool) -> int | None:
    """The last wave of which members may still be begun, 0 = of none; None = of every one.

    A wave is tried as a whole, so that the result does not depend on how many are published side by side.
    """
    failed = [one.wave for one in members if one.state is MemberState.FAILED]
    if canceled or (failed and on_failure is OnFailure.RESTORE):
        return 0
    return min(failed) if failed and on_failure is OnFailure.STOP else None


def current_wave(members: Collection[Standing]) -> int | None:
    """None = every member has ended."""
    moving = {MemberState.WAITING, MemberState.OPEN}
    return min((one.wave for one in members if one.state in moving), default=None)


def end_of(members: Collection[Standing], *, canceled: bool) -> SetState:
    """How a set ended whose members have."""
    if all(one.state is MemberState.SUCCESS for one in members):
        return SetState.SUCCESS
    return SetState.CANCELED if canceled else SetState.FAILED


@dataclass(frozen=True, slots=True)
class Former:
    """What was confirmed on the engine. `version_no` None: its content stays, whatever it is. `publishes`: the version
    was the workflow's last published one."""

    version_no: int | None
    online: bool
    schedule_online: bool
    publishes: bool


def way_back(before: Former | None, found: Found) -> Former:
    """What brings a member back: the version that was confirmed, released as it was found before the first write.

    A workflow that was not on the engine stays there, offline: deleting would take versions and instances with it.
    """
    if before is None or not found.present:
        return Former(version_no=None, online=False, schedule_online=False, publishes=False)
    return replace(before, online=found.online, schedule_online=found.schedule_online)
