"""What one step of the derivation leaves for the next: keys and reasons."""

from collections.abc import Iterable
from typing import Final

DEFINITIONS: Final = "workflow_definitions"  # step 2
VERSIONS: Final = "workflow_versions"  # step 3

TASK_CHANGE: Final = "task_change"
LINEAGE_UPDATE: Final = "lineage_update"  # wins where several led to the same thing
MANUAL: Final = "manual"  # a person's word; comes next

ALL: Final = "all"
_TASK: Final = "task:"
_WORKFLOW: Final = "workflow:"


def task_key(task: int) -> str:
    return f"{_TASK}{task}"


def workflow_key(code: str) -> str:
    return f"{_WORKFLOW}{code}"


def task_of(key: str) -> int | None:
    return int(key.removeprefix(_TASK)) if key.startswith(_TASK) else None


def workflow_of(key: str) -> str | None:
    return key.removeprefix(_WORKFLOW) if key.startswith(_WORKFLOW) else None


def stronger(reasons: Iterable[str]) -> str:
    found = set(reasons)
    return next((one for one in (LINEAGE_UPDATE, MANUAL) if one in found), TASK_CHANGE)
