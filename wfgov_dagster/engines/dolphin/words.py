"""What its codes mean for whoever has to do something about them. The numbers are the same in every family."""

from collections.abc import Mapping
from typing import Final

LONGEST: Final = 300
UNKNOWN_PROJECT: Final = frozenset({10018, 10190})
NOT_THIS_PROJECT: Final = UNKNOWN_PROJECT | {30001, 30002, 30003}
UNKNOWN_DEFINITION: Final = 50003
UNKNOWN_TASK: Final = 50030
UNKNOWN_INSTANCE: Final = 50001
UNKNOWN_SCHEDULE: Final = frozenset({10022, 10203})
SAME_STATE: Final = 10126  # 3.1: a schedule that is online already, or offline
VERSION_GONE: Final = 50022
NOT_IN_THIS_STATE: Final = 50006

_HINTS: Final[Mapping[int, str]] = {
    10017: "the engine's tenant has to exist on the server, and as a user of its operating system",
    10018: "does the project still exist? wfgov engine test",
    10190: "does the project still exist? wfgov engine test",
    10168: "another definition of its project has that name: rename or delete it there",
    10141: "its schedule ends when it begins: change from or until",
    80003: "its schedule ends before it begins: change from or until",
    10024: "the server does not take its cron",
    30001: "the user of its token may not do this: give that user the right, or another token",
    30002: "the user of its token may not use the project: give that user the right, or another token",
    30003: "the user of its token may only read the project: give that user the right, or another token",
    50003: "deploy it first",
    50004: "take it online first",
    50008: "take it offline first",
    50019: "its tasks depend on each other in a circle",
    50020: "the server does not take the parameters of that task: does it know its node type?",
    50053: "deploy another version first",
    1400004: "its description is too long for the server",
    1200009: "does its environment still exist on the server?",
    1402001: "does its worker group still exist on the server?",
}


def hint_for(code: int) -> str:
    return _HINTS.get(code, "look at it on the server; its log has the cause")


def tidy(message: str) -> str:
    """One line of a length that a record can hold."""
    line = " ".join("".join(char if char.isprintable() else " " for char in message).split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
