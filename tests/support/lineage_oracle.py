"""What dependencies, levels and placement have to be, written naively: sets, lists, one task at a time."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import networkx as nx

Pair = tuple[int, int]
Evidence = tuple[str, int | None, int | None, tuple[int, ...] | None]  # kind, table read, table written, chain


@dataclass(frozen=True)
class Facts:
    """reads and writes (task, table), views (view, source), declared (task, upstream); `names` of described tables."""

    reads: frozenset[Pair]
    writes: frozenset[Pair]
    views: frozenset[Pair]
    declared: frozenset[Pair]
    names: Mapping[int, str] = field(default_factory=dict)

    def name(self, table: int) -> tuple[bytes, int]:
        """Ties are broken by name in byte order, then by id; a table that nobody described is `#<id>`."""
        return self.names.get(table, f"#{table}").encode(), table


def naive_dependencies(facts: Facts) -> dict[Pair, Evidence]:
    """(task, upstream) → its evidence."""
    found: dict[Pair, Evidence] = {}
    tasks = {task for task, _ in facts.reads}
    for task in tasks:
        best: dict[int, tuple[int, ...]] = {}
        for table in {table for reader, table in facts.reads if reader == task}:
            for reached, chain in shortest_chains(facts, table).items():
                for upstream in {writer for writer, written in facts.writes if written == reached and writer != task}:
                    if upstream not in best or _rank(facts, chain) < _rank(facts, best[upstream]):
                        best[upstream] = chain
        for upstream, chain in best.items():
            kind = "direct" if len(chain) == 1 else "view"
            found[task, upstream] = (kind, chain[0], chain[-1], None if len(chain) == 1 else chain)
    for task, upstream in facts.declared:
        if task != upstream and (task, upstream) not in found:
            found[task, upstream] = ("declared", None, None, None)
    return found


def shortest_chains(facts: Facts, start: int) -> dict[int, tuple[int, ...]]:
    """Table → the best of its shortest chains of views from `start`: every one is listed, none is pruned early."""
    chains: dict[int, tuple[int, ...]] = {start: (start,)}
    frontier: list[tuple[int, ...]] = [(start,)]
    while frontier:
        longer = [
            (*chain, source) for chain in frontier for view, source in facts.views if view == chain[-1]
        ]  # all walks of one length
        new: dict[int, tuple[int, ...]] = {}
        for chain in longer:
            if chain[-1] not in chains and (chain[-1] not in new or _rank(facts, chain) < _rank(facts, new[chain[-1]])):
                new[chain[-1]] = chain
        chains |= new
        frontier = list(new.values())
    return chains


def _rank(facts: Facts, chain: tuple[int, ...]) -> tuple[int, list[tuple[bytes, int]]]:
    return len(chain), [facts.name(table) for table in chain]


def naive_topology(tasks: Iterable[int], pairs: Iterable[Pair]) -> dict[int, tuple[int, int]]:
    """Task → (level, cycle): longest path in the condensation; smallest task of its cycle or -1."""
    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_nodes_from(tasks)
    graph.add_edges_from((upstream, task) for task, upstream in pairs)
    condensed = nx.condensation(graph)
    level: dict[int, int] = {}
    for node in nx.topological_sort(condensed):
        level[node] = 1 + max((level[before] for before in condensed.predecessors(node)), default=-1)
    return {
        task: (level[node], min(members) if len(members) > 1 else -1)
        for node, members in condensed.nodes(data="members")
        for task in members
    }


@dataclass(frozen=True)
class Unit:
    """A task to place; `declared` and `auto` are workflows, `declared` None if nobody said."""

    task: int
    code: str
    level: int
    cycle: int
    declared: str | None
    auto: str


def naive_placement(
    units: Sequence[Unit], pairs: Iterable[Pair], held: Mapping[int, str], cycle: Mapping[int, int]
) -> dict[int, tuple[str, str]]:
    """Task → (workflow, mode), one after the other in the order (level, task_code)."""
    where: dict[int, str] = dict(held) | {unit.task: unit.declared for unit in units if unit.declared is not None}
    upstream: dict[int, set[int]] = {}
    for task, up in pairs:
        upstream.setdefault(task, set()).add(up)
    placed: dict[int, tuple[str, str]] = {}
    for unit in sorted(units, key=lambda one: (one.level, one.code)):
        outside = {up for up in upstream.get(unit.task, ()) if unit.cycle == -1 or cycle[up] != unit.cycle}
        workflows = {where[up] for up in outside if up in where}
        if unit.declared is not None:
            placed[unit.task] = unit.declared, "manual_select"
        elif len(workflows) == 1:
            placed[unit.task] = workflows.pop(), "inherit_upstream"
        else:
            placed[unit.task] = unit.auto, "auto"
        where[unit.task] = placed[unit.task][0]
    return placed
