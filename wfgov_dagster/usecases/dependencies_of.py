"""Everything a task depends on, and everything that depends on it."""

from collections.abc import Sequence
from dataclasses import dataclass

from wfgov_dagster.errors import InvalidInput, NotFound
from wfgov_dagster.ports.queries import Direction, Evidence, Queries, QueryStore


@dataclass(frozen=True, slots=True)
class Reached:
    """`distance` in tasks, views not counted; `evidence` of the last hop, among equals from the first task by code."""

    task_code: str
    distance: int
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class TaskDependencies:
    """Sorted by distance, then code. None: was not asked for."""

    task_code: str
    upstream: Sequence[Reached] | None
    downstream: Sequence[Reached] | None


@dataclass(frozen=True, slots=True)
class Reach:
    """`depth`: greatest distance, None = any."""

    up: bool = True
    down: bool = True
    depth: int | None = None


def dependencies_of(store: QueryStore, task_code: str, reach: Reach) -> TaskDependencies:
    """Raises NotFound for an unknown or deleted task."""
    if reach.depth is not None and reach.depth < 1:
        raise InvalidInput(f"depth is {reach.depth}", where="depth", hint="1 or more")
    with store.read() as work:
        if not work.queries.knows_task(task_code):
            raise NotFound(f"no task {task_code!r}", where="data_task", hint="import it: wfgov import csv | sql")
        return TaskDependencies(
            task_code,
            _walk(work.queries, task_code, "upstream", reach.depth) if reach.up else None,
            _walk(work.queries, task_code, "downstream", reach.depth) if reach.down else None,
        )


def _walk(queries: Queries, start: str, direction: Direction, depth: int | None) -> Sequence[Reached]:
    """Breadth first, so that the first distance is the shortest, and cycles end."""
    seen, frontier = {start}, {start}
    found: list[Reached] = []
    distance = 0
    while frontier and (depth is None or distance < depth):
        distance += 1
        fresh: dict[str, Reached] = {}
        for hop in queries.hops(frontier, direction):
            if hop.far not in seen:
                fresh.setdefault(hop.far, Reached(hop.far, distance, hop.evidence))
        found += fresh.values()
        frontier = set(fresh)
        seen |= frontier
    return found
