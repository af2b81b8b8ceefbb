"""Waves of a change set, against networkx."""

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wfgov_dagster.domain.waves import waves

CODES = [f"w{no:02}" for no in range(12)]
EDGES = st.sets(st.tuples(st.sampled_from(CODES), st.sampled_from(CODES)), max_size=30)


@given(members=st.sets(st.sampled_from(CODES)), edges=EDGES)
def test_a_wave_is_a_topological_generation_of_what_is_left_when_circles_are_one(
    members: set[str], edges: set[tuple[str, str]]
) -> None:
    graph = nx.DiGraph()
    graph.add_nodes_from(members)
    graph.add_edges_from((up, down) for up, down in edges if up != down and {up, down} <= members)
    contracted = nx.condensation(graph)
    inside = nx.get_node_attributes(contracted, "members")
    expected = [
        tuple(sorted(code for circle in generation for code in inside[circle]))
        for generation in nx.topological_generations(contracted)
    ]
    assert waves(members, edges) == tuple(expected)
    assert waves(members, edges, downstream_first=True) == tuple(reversed(expected))


@given(edges=EDGES)
def test_a_circle_is_never_torn_apart(edges: set[tuple[str, str]]) -> None:
    found = waves(CODES, [*edges, ("w00", "w01"), ("w01", "w02"), ("w02", "w00")])
    assert [{"w00", "w01", "w02"} <= set(wave) for wave in found].count(True) == 1


@pytest.mark.parametrize(
    ("edges", "expected"),
    [
        ([], (("a", "b", "c"),)),
        ([("a", "b"), ("b", "c")], (("a",), ("b",), ("c",))),
        ([("a", "b"), ("b", "a"), ("b", "c")], (("a", "b"), ("c",))),
        ([("a", "x"), ("x", "b"), ("c", "a")], (("b", "c"), ("a",))),
        ([("a", "a")], (("a", "b", "c"),)),
    ],
)
def test_waves_of_three(edges: list[tuple[str, str]], expected: tuple[tuple[str, ...], ...]) -> None:
    assert waves(["c", "a", "b"], edges) == expected


def test_no_members_are_no_wave() -> None:
    assert waves([], [("a", "b")]) == ()
