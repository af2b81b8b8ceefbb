"""Where each task of the whole estate stands: level and cycle. Columns in, columns out.

scipy and networkx are imported where a cycle is known to be: loading them takes longer than a small derivation.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from wfgov_dagster.domain.columns import Ids, grouped, positions, ranges

if TYPE_CHECKING:
    import networkx as nx


_NEVER: Final = -1  # level of a task that waits for itself


@dataclass(frozen=True, slots=True)
class Topology:
    """By task: `level` = longest path from a task without upstream, each cycle counted as one; `cycle` = the
    smallest task id of its cycle, -1 = in none."""

    task: Ids
    level: Ids
    cycle: Ids


def topology(tasks: Ids, upstream: Ids, downstream: Ids) -> Topology:
    """`tasks` sorted; the edges' ends are among them."""
    up, down = positions(tasks, upstream), positions(tasks, downstream)
    level = _levels(len(tasks), up, down)
    if not (level == _NEVER).any():
        return Topology(tasks, level, np.full(len(tasks), -1))
    count, component = _components(len(tasks), up, down)
    ends = component[up], component[down]
    between = ends[0] != ends[1]
    level = _levels(count, ends[0][between], ends[1][between])[component]
    smallest = np.full(count, np.iinfo(np.int64).max)
    np.minimum.at(smallest, component, tasks)
    in_cycle = np.bincount(component, minlength=count)[component] > 1
    return Topology(tasks, level, np.where(in_cycle, smallest[component], -1))


def cycles(edges: list[tuple[str, str]]) -> list[list[str]]:
    """One circle for each strongly connected group of one workflow's tasks: codes in walking order, smallest first."""
    import networkx as nx

    graph = nx.DiGraph(sorted(edges))
    groups = sorted(sorted(group) for group in nx.strongly_connected_components(graph) if len(group) > 1)
    return [_circle(graph.subgraph(group), group[0]) for group in groups]


def _circle(group: "nx.DiGraph[str]", first: str) -> list[str]:
    import networkx as nx

    ways = (nx.shortest_path(group, after, first) for after in sorted(group.successors(first)))
    shortest = min(ways, key=lambda way: (len(way), way))
    return [first, *shortest[:-1]]


def _components(count: int, up: Ids, down: Ids) -> tuple[int, Ids]:
    from scipy import sparse
    from scipy.sparse.csgraph import connected_components

    matrix = sparse.coo_matrix((np.ones(len(up), dtype=np.int8), (up, down)), shape=(count, count)).tocsr()
    found, labels = connected_components(matrix, directed=True, connection="strong")
    return int(found), labels.astype(np.int64)


def _levels(count: int, up: Ids, down: Ids) -> Ids:
    """Kahn's algorithm, one whole level at a time. What is in a cycle, or behind one, gets _NEVER."""
    order, starts = grouped(up, count)
    targets = down[order]
    waiting = np.bincount(down, minlength=count)
    level = np.full(count, _NEVER)
    frontier = np.flatnonzero(waiting == 0)
    depth = 0
    while frontier.size:
        level[frontier] = depth
        reached = targets[ranges(starts[frontier], starts[frontier + 1])]
        nodes, times = np.unique(reached, return_counts=True)
        waiting[nodes] -= times
        frontier = nodes[waiting[nodes] == 0]
        depth += 1
    return level
