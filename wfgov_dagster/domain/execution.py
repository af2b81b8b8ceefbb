"""How one instance goes on: which tasks start now, which never will, and how it ends."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Final

from wfgov_dagster.domain.definition import Definition
from wfgov_dagster.errors import CycleFound, InvalidInput

ENDED: Final = frozenset({"success", "failed", "skipped", "stopped"})  # a task instance leaves none of these
BLOCKING: Final = frozenset({"failed", "skipped", "stopped"})  # nothing downstream of these starts
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_HASHED_NAME = re.compile(r".*-[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Move:
    """What to do next: `ready` tasks by priority, then code; tasks to mark skipped; `final` once all have ended."""

    ready: tuple[str, ...]
    skipped: tuple[str, ...]
    final: str | None


class Progress:
    """The rules for one definition. `states` of its methods: task code → state of its task instance."""

    def __init__(self, definition: Definition) -> None:
        check(definition)
        self._ends_early = definition.settings.failure_strategy == "end"
        self._order = tuple(sorted(definition.tasks, key=lambda task: (-task.priority, task.code)))
        self._upstream: dict[str, set[str]] = {task.code: set() for task in definition.tasks}
        self._downstream: defaultdict[str, set[str]] = defaultdict(set)
        for before, after in definition.edges:
            self._upstream[after].add(before)
            self._downstream[before].add(after)

    def move(self, states: Mapping[str, str], *, stopping: bool = False) -> Move:
        """`stopping`: nothing new starts, whatever the strategy. Tasks that run are left to end by themselves."""
        waiting = {code for code, state in states.items() if state == "waiting"}
        failed = any(state == "failed" for state in states.values())
        skipped = waiting if stopping or (self._ends_early and failed) else self._blocked(states, waiting)
        ready = tuple(
            task.code
            for task in self._order
            if task.code in waiting - skipped and all(states[code] == "success" for code in self._upstream[task.code])
        )
        after = {**states, **dict.fromkeys(skipped, "skipped")}
        return Move(ready, tuple(sorted(skipped)), _final(after.values(), stopping=stopping))

    def _blocked(self, states: Mapping[str, str], waiting: set[str]) -> set[str]:
        found: set[str] = set()
        open_ones = [code for code, state in states.items() if state in BLOCKING]
        while open_ones:
            reached = (self._downstream[open_ones.pop()] & waiting) - found
            found |= reached
            open_ones += reached
        return found


def _final(states: Collection[str], *, stopping: bool) -> str | None:
    """Success only if every task succeeded, even after a stop was asked for: it came too late then."""
    if not ENDED.issuperset(states):
        return None
    if all(state == "success" for state in states):
        return "success"
    return "stopped" if stopping else "failed"


def check(definition: Definition) -> None:
    """Raises InvalidInput for a definition that nothing could run: no task, an edge to nowhere, a cycle."""
    if not definition.tasks:
        raise InvalidInput("a workflow without tasks cannot run", where=f"workflow {definition.code}")
    codes = {task.code for task in definition.tasks}
    strangers = sorted({code for edge in definition.edges for code in edge} - codes)
    if strangers:
        raise InvalidInput(f"edges name tasks it does not have: {strangers}", where=f"workflow {definition.code}")
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for before, after in definition.edges:
        sorter.add(after, before)
    try:
        sorter.prepare()
    except CycleError as exc:
        raise CycleFound(f"tasks form a cycle: {' → '.join(exc.args[1])}", where=f"workflow {definition.code}") from exc


def file_name(text: str) -> str:
    """A name for a file or folder made of any text. Different texts have different names; none leads out of a folder.

    Plain names stay as they are; others keep their readable part and get a hash.
    """
    if _PLAIN_NAME.fullmatch(text) and not _HASHED_NAME.fullmatch(text):
        return text
    readable = re.sub(r"[^A-Za-z0-9_]+", "_", text)[:40]
    return f"{readable}-{hashlib.sha256(text.encode(errors='surrogatepass')).hexdigest()[:16]}"
