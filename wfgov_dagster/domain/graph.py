"""Where each task of the whole estate stands: level and cycle. Columns in, columns out."""

from dataclasses import dataclass

import networkx as nx
import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from wfgov_dagster.domain.columns import Ids, grouped, positions, ranges


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
    count, component = _components(len(tasks), up, down)
    if count == len(tasks):
        return Topology(tasks, _levels(len(tasks), up, down), np.full(len(tasks), -1))
    ends = component[up], component[down]
    between = ends[0] != ends[1]
    level = _levels(count, ends[0][between], ends[1][between])[component]
    smallest = np.full(count, np.iinfo(np.int64).max)
    np.minimum.at(smallest, component, tasks)
    in_cycle = np.bincount(component, minlength=count)[component] > 1
    return Topology(tasks, level, np.where(in_cycle, smallest[component], -1))


def cycles(edges: list[tuple[str, str]]) -> list[list[str]]:
    """One circle for each strongly connected group of one workflow's tasks: codes in walking order, smallest first."""
    graph = nx.DiGraph(sorted(edges))
    groups = sorted(sorted(group) for group in nx.strongly_connected_components(graph) if len(group) > 1)
    return [_circle(graph.subgraph(group), group[0]) for group in groups]


def _circle(group: "nx.DiGraph[str]", first: str) -> list[str]:
    ways = (nx.shortest_path(group, after, first) for after in sorted(group.successors(first)))
    shortest = min(ways, key=lambda way: (len(way), way))
    return [first, *shortest[:-1]]


def _components(count: int, up: Ids, down: Ids) -> tuple[int, Ids]:
    matrix = sparse.coo_matrix((np.ones(len(up), dtype=np.int8), (up, down)), shape=(count, count)).tocsr()
    found, labels = connected_components(matrix, directed=True, connection="strong")
    return int(found), labels.astype(np.int64)


def _levels(count: int, up: Ids, down: Ids) -> Ids:
    """Kahn's algorithm, one whole level at a time. The graph has no cycle."""
    order, starts = grouped(up, count)
    targets = down[order]
    waiting = np.bincount(down, minlength=count)
    level = np.zeros(count, dtype=np.int64)
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
