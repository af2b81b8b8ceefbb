"""Deep hashes: itself and something above are told apart, circles are one."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from random import Random

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wfgov_dagster.domain.deep import Changed, Seen, above_hashes, changed, deep_hash

CODES = [f"w{at}" for at in range(7)]
Estate = Mapping[str, Seen]


@st.composite
def estates(draw: st.DrawFn) -> Estate:
    """Any graph: circles, and workflows that wait for themselves, included."""
    above = st.frozensets(st.sampled_from(CODES), max_size=3)
    return {code: Seen(draw(st.sampled_from(["", "w1:a", "w1:b"])), draw(above)) for code in CODES}


def deep(estate: Estate) -> dict[str, str]:
    return {code: deep_hash(estate[code].content_hash, one) for code, one in above_hashes(estate).items()}


def graph(estate: Estate) -> "nx.DiGraph[str]":
    """From what is above to what waits for it."""
    found: nx.DiGraph[str] = nx.DiGraph((up, code) for code, one in estate.items() for up in one.above)
    found.add_nodes_from(estate)
    return found


@given(estates(), st.sampled_from(CODES))
def test_a_change_reaches_what_is_below_and_nothing_else(estate: Estate, code: str) -> None:
    """In a circle that is also the changed one itself: it waits for others that wait for it."""
    after = {**estate, code: replace(estate[code], content_hash="w1:other")}
    below = {code} | nx.descendants(graph(estate), code)
    before, now = deep(estate), deep(after)
    assert {one for one in CODES if before[one] != now[one]} == below
    circles = {one for group in nx.strongly_connected_components(graph(estate)) for one in group if len(group) > 1}
    itself = Changed.BOTH if code in circles else Changed.ITSELF
    told = {one: changed((estate[one].content_hash, above_hashes(estate)[one]),
                         (after[one].content_hash, above_hashes(after)[one])) for one in CODES}  # fmt: skip
    assert told == {one: itself if one == code else Changed.ABOVE if one in below else Changed.NOTHING for one in CODES}


@given(estates(), st.randoms(use_true_random=False))
def test_the_order_of_input_is_no_content(estate: Estate, chance: Random) -> None:
    mixed = {code: estate[code] for code in chance.sample(CODES, len(CODES))}
    assert above_hashes(mixed) == above_hashes(estate)


@given(estates())
def test_nothing_above_is_empty_and_everything_above_is_not(estate: Estate) -> None:
    for code, one in above_hashes(estate).items():
        assert (one == "") == (estate[code].above <= {code})


@given(estates())
def test_the_members_of_a_circle_change_together(estate: Estate) -> None:
    for circle in nx.strongly_connected_components(graph(estate)):
        for code in circle:
            before, now = deep(estate), deep({**estate, code: replace(estate[code], content_hash="w1:other")})
            assert all(before[one] != now[one] for one in circle)


def test_where_the_same_contents_stand_is_content() -> None:
    """Two workflows above that have changed their contents with each other are not the same two."""
    one = {"a": Seen("w1:1"), "b": Seen("w1:2"), "c": Seen("w1:3", frozenset("ab"))}
    other = {**one, "a": Seen("w1:2"), "b": Seen("w1:1")}
    assert above_hashes(one)["c"] != above_hashes(other)["c"]


def test_a_chain_of_ten_thousand_needs_no_stack() -> None:
    codes = [f"{at:05}" for at in range(10_000)]
    chain = {code: Seen("w1:a", frozenset([up])) for up, code in pairwise(codes)}
    chain |= {codes[0]: Seen("w1:a")}
    circle = {**chain, codes[0]: Seen("w1:a", frozenset([codes[-1]]))}
    assert (len(set(above_hashes(chain).values())), len(set(above_hashes(circle).values()))) == (len(codes), 1)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (("c", "a"), ("c", "a"), Changed.NOTHING),
        (("c", "a"), ("d", "a"), Changed.ITSELF),
        (("c", "a"), ("c", ""), Changed.ABOVE),
        (("c", "a"), ("d", "b"), Changed.BOTH),
        (("c", None), ("d", "b"), None),
        (("c", "a"), ("c", None), None),
    ],
)
def test_what_changed_is_told(before: tuple[str, str | None], after: tuple[str, str | None], told: object) -> None:
    assert changed(before, after) == told
