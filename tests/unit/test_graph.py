"""Levels and cycles of the whole estate are those that networkx finds; a cycle is named the same way every time."""

from random import Random

import networkx as nx
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.lineage_oracle import naive_topology
from tests.support.size import size
from wfgov_dagster.domain.graph import cycles, topology

CODES = st.sampled_from(["a", "b", "c", "d", "é", "中", "Z"])


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[int], list[tuple[int, int]]]:
    """Tasks with gaps between their ids, and edges (upstream, downstream) without self-loops."""
    tasks = sorted(draw(st.sets(st.integers(1, 60), min_size=1, max_size=14)))
    ends = st.sampled_from(tasks)
    edges = draw(st.lists(st.tuples(ends, ends).filter(lambda edge: edge[0] != edge[1]), max_size=24))
    return tasks, sorted(set(edges))


def ranked(tasks: list[int], edges: list[tuple[int, int]]) -> dict[int, tuple[int, int]]:
    columns = (np.array([edge[end] for edge in edges], dtype=np.int64) for end in (0, 1))
    found = topology(np.array(tasks, dtype=np.int64), *columns)
    rows = zip(found.level.tolist(), found.cycle.tolist(), strict=True)
    return dict(zip(found.task.tolist(), rows, strict=True))


@settings(max_examples=size(300, 5000))
@given(graphs())
def test_level_is_the_longest_path_and_a_cycle_its_smallest_task(
    graph: tuple[list[int], list[tuple[int, int]]],
) -> None:
    tasks, edges = graph
    assert ranked(tasks, edges) == naive_topology(tasks, ((down, up) for up, down in edges))


def test_an_estate_without_tasks_has_no_levels() -> None:
    assert ranked([], []) == {}


def test_an_estate_without_edges_is_all_entry() -> None:
    assert ranked([3, 9], []) == {3: (0, -1), 9: (0, -1)}


def test_what_comes_after_a_cycle_is_one_level_below_it() -> None:
    assert ranked([1, 2, 3, 4], [(1, 2), (2, 3), (3, 2), (3, 4)]) == {1: (0, -1), 2: (1, 2), 3: (1, 2), 4: (2, -1)}


def test_two_cycles_in_a_row_are_two_levels() -> None:
    found = ranked([1, 2, 3, 4], [(1, 2), (2, 1), (2, 3), (3, 4), (4, 3)])
    assert found == {1: (0, 1), 2: (0, 1), 3: (1, 3), 4: (1, 3)}


def test_a_large_random_estate_agrees_too() -> None:
    chance = Random(7)
    tasks = sorted(chance.sample(range(10_000), size(1500, 8000)))
    edges = sorted(
        {(up, down) for up, down in zip(*(chance.choices(tasks, k=2000) for _ in "ab"), strict=True) if up != down}
    )
    assert ranked(tasks, edges) == naive_topology(tasks, ((down, up) for up, down in edges))


@given(
    st.lists(st.tuples(CODES, CODES).filter(lambda edge: edge[0] != edge[1]), max_size=20),
    st.randoms(use_true_random=False),
)
def test_every_group_of_a_workflow_is_named_by_a_real_circle(edges: list[tuple[str, str]], chance: Random) -> None:
    named = cycles(edges)
    graph = nx.DiGraph(edges)
    groups = sorted(sorted(group) for group in nx.strongly_connected_components(graph) if len(group) > 1)
    assert [circle[0] for circle in named] == [group[0] for group in groups]
    for circle, group in zip(named, groups, strict=True):
        assert len(set(circle)) == len(circle) <= len(group)
        assert all(graph.has_edge(pre, post) for pre, post in zip(circle, (*circle[1:], circle[0]), strict=True))
    assert cycles(chance.sample(edges, len(edges))) == named


def test_the_shortest_circle_is_named_and_of_two_the_first() -> None:
    edges = [("a", "b"), ("b", "c"), ("c", "a"), ("a", "z"), ("z", "a"), ("a", "y"), ("y", "a")]
    assert cycles(edges) == [["a", "y"]]


def test_without_a_cycle_nothing_is_named() -> None:
    assert cycles([("a", "b"), ("b", "c")]) == []
