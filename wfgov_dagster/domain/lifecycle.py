"""The platform state of a workflow (spec A §4.3). It says whether the platform starts instances, nothing of engines."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from wfgov_dagster.errors import IllegalTransition


class Status(StrEnum):
    DRAFT = "draft"  # its definition is no good: a cycle, or no task
    READY = "ready"  # its definition is good
    ONLINE = "online"  # the platform may start instances
    OFFLINE = "offline"  # it may not; definition and versions are kept
    ARCHIVED = "archived"  # history only


class Event(StrEnum):
    ONLINE = "online"
    OFFLINE = "offline"


# Draft and ready are moved by orchestration alone (design rule 7). Saying the same twice changes nothing.
TRANSITIONS: Final[Mapping[tuple[Status, Event], Status]] = {
    (Status.READY, Event.ONLINE): Status.ONLINE,
    (Status.OFFLINE, Event.ONLINE): Status.ONLINE,
    (Status.ONLINE, Event.ONLINE): Status.ONLINE,
    (Status.ONLINE, Event.OFFLINE): Status.OFFLINE,
    (Status.OFFLINE, Event.OFFLINE): Status.OFFLINE,
}


def advance(status: Status, event: Event) -> Status:
    """The state after `event`. Raises IllegalTransition."""
    if (status, event) not in TRANSITIONS:
        raise IllegalTransition(f"{event} is not possible in state {status}")
    return TRANSITIONS[status, event]
