"""What a version and the workflows above it were: so "it changed" and "something above it changed" are told apart.

Above = what its cross-workflow edges name, and what is above that. Workflows that wait for each other in a circle are
hashed as one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from wfgov_dagster.domain.snapshot import canonical, digest


@dataclass(frozen=True, slots=True)
class Seen:
    """A workflow's version. `content_hash` empty: it has none yet. `above`: codes of workflows that it waits for."""

    content_hash: str = ""
    above: frozenset[str] = frozenset()


class Changed(StrEnum):
    NOTHING = "nothing"
    ITSELF = "itself"
    ABOVE = "above"
    BOTH = "both"


def above_hashes(seen: Mapping[str, Seen]) -> dict[str, str]:
    """By workflow: of all that is above it, empty = nothing is. Who is in a circle is above itself, as the others of it
    are. `seen` has every workflow that is named."""
    of_group: dict[str, str] = {}
    found: dict[str, str] = {}
    for group in _groups(seen):
        members = sorted((code, seen[code].content_hash) for code in group)
        further = sorted({of_group[up] for code in group for up in seen[code].above if up not in group})
        whole = digest(canonical([members, further]))
        alone = digest(canonical(further)) if further else ""
        found |= dict.fromkeys(group, whole if len(group) > 1 else alone)
        of_group |= dict.fromkeys(group, whole)
    return found


def deep_hash(content_hash: str, above_hash: str) -> str:
    """Of a version and everything above it."""
    return digest(canonical([content_hash, above_hash]))


def changed(before: tuple[str, str | None], after: tuple[str, str | None]) -> Changed | None:
    """Of (content hash, hash of what is above) of two versions. None: of one of them nobody knows what was above."""
    if before[1] is None or after[1] is None:
        return None
    itself, above = before[0] != after[0], before[1] != after[1]
    return {
        (False, False): Changed.NOTHING,
        (True, False): Changed.ITSELF,
        (False, True): Changed.ABOVE,
        (True, True): Changed.BOTH,
    }[itself, above]


def _groups(seen: Mapping[str, Seen]) -> Iterator[frozenset[str]]:
    """What waits for each other in circles, or one workflow alone; each after all that is above it (Tarjan)."""
    at: dict[str, int] = {}
    lowest: dict[str, int] = {}
    waiting: dict[str, None] = {}  # in the order in which they were met
    nothing: tuple[str, ...] = ()
    for root in seen:
        path: list[tuple[str, Iterator[str]]] = [] if root in at else [(root, iter(nothing))]
        while path:
            code, rest = path[-1]
            if code not in at:
                at[code] = lowest[code] = len(at)
                waiting[code] = None
                rest = iter(seen[code].above)
                path[-1] = (code, rest)
            up = next(rest, None)
            if up is not None and up not in at:
                path.append((up, iter(nothing)))
            elif up is not None:
                lowest[code] = min(lowest[code], at[up]) if up in waiting else lowest[code]
            else:
                path.pop()
                if path:
                    lowest[path[-1][0]] = min(lowest[path[-1][0]], lowest[code])
                if lowest[code] == at[code]:
                    yield _taken(waiting, code)


def _taken(waiting: dict[str, None], first: str) -> frozenset[str]:
    """`first` and all that was met after it."""
    group = [waiting.popitem()[0]]
    while group[-1] != first:
        group.append(waiting.popitem()[0])
    return frozenset(group)
