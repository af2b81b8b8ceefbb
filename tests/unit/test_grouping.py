"""Placing whole levels at once gives what placing task after task in the order (level, task_code) gives."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.lineage_oracle import Unit, naive_placement, naive_topology
from tests.support.size import size
from wfgov_dagster.domain.grouping import CODE_LIMIT, MODES, NOWHERE, Unplaced, Upstream, auto_code, fitted, place

WORKFLOWS = ("auto.x", "auto.y", "w1", "w2", "w3")


@dataclass
class Estate:
    units: list[Unit]
    pairs: list[tuple[int, int]]  # (task, upstream), tasks that are held among the ends
    held: dict[int, str]
    cycle: dict[int, int]


@st.composite
def estates(draw: st.DrawFn) -> Estate:
    tasks = draw(st.lists(st.integers(1, 40), min_size=1, max_size=12, unique=True))
    ends = st.sampled_from(tasks)
    pairs = sorted(draw(st.sets(st.tuples(ends, ends).filter(lambda pair: pair[0] != pair[1]), max_size=22)))
    ranks = naive_topology(tasks, pairs)
    held = draw(st.dictionaries(ends, st.sampled_from(WORKFLOWS)))
    units = [
        Unit(task, draw(st.text("abc", max_size=2)) + f"{task}", *ranks[task],
             draw(st.sampled_from([None, None, "w1", "w2"])), draw(st.sampled_from(["auto.x", "auto.y"])))
        for task in draw(st.permutations(tasks)) if task not in held
    ]  # fmt: skip
    return Estate(units, pairs, held, {task: rank[1] for task, rank in ranks.items()})


def placed(estate: Estate) -> dict[int, tuple[str, str]]:
    def column(values: list[int]) -> np.ndarray:
        return np.array(values, dtype=np.int64)

    def number(workflow: str | None) -> int:
        return NOWHERE if workflow is None else WORKFLOWS.index(workflow)

    units = estate.units
    unplaced = Unplaced(
        column([unit.task for unit in units]), column([unit.level for unit in units]),
        column([unit.cycle for unit in units]), column([number(unit.declared) for unit in units]),
        column([number(unit.auto) for unit in units]),
    )  # fmt: skip
    open_tasks = {unit.task for unit in units}
    pairs = [pair for pair in estate.pairs if pair[0] in open_tasks]
    upstream = Upstream(
        column([task for task, _ in pairs]), column([up for _, up in pairs]),
        column([estate.cycle[up] for _, up in pairs]), column([number(estate.held.get(up)) for _, up in pairs]),
    )  # fmt: skip
    found = place(unplaced, upstream)
    return {
        unit.task: (WORKFLOWS[workflow], str(MODES[mode]))
        for unit, workflow, mode in zip(units, found.workflow.tolist(), found.mode.tolist(), strict=True)
    }


@settings(max_examples=size(250, 5000))
@given(estates())
def test_whole_levels_are_placed_as_task_after_task_would_be(estate: Estate) -> None:
    assert placed(estate) == naive_placement(estate.units, estate.pairs, estate.held, estate.cycle)


def unit(task: int, level: int, declared: str | None = None, auto: str = "auto.x", cycle: int = -1) -> Unit:
    return Unit(task, f"t{task}", level, cycle, declared, auto)


def test_a_declared_task_is_where_it_was_declared_and_others_follow_it() -> None:
    units = [unit(1, 0, "w1"), unit(2, 1, auto="auto.y"), unit(3, 2, auto="auto.y")]
    found = placed(Estate(units, [(2, 1), (3, 2)], {}, {1: -1, 2: -1, 3: -1}))
    assert found == {1: ("w1", "manual_select"), 2: ("w1", "inherit_upstream"), 3: ("w1", "inherit_upstream")}


def test_upstream_tasks_in_two_workflows_lead_to_the_automatic_one() -> None:
    found = placed(Estate([unit(3, 1, auto="auto.y")], [(3, 1), (3, 2)], {1: "w1", 2: "w2"}, {1: -1, 2: -1}))
    assert found == {3: ("auto.y", "auto")}


def test_inside_its_cycle_a_task_does_not_follow() -> None:
    units = [unit(1, 0, auto="auto.x", cycle=1), unit(2, 0, auto="auto.y", cycle=1)]
    found = placed(Estate(units, [(1, 2), (2, 1)], {}, {1: 1, 2: 1}))
    assert found == {1: ("auto.x", "auto"), 2: ("auto.y", "auto")}


def test_a_task_of_a_cycle_follows_what_is_outside_of_it() -> None:
    units = [unit(1, 1, cycle=1), unit(2, 1, cycle=1)]
    found = placed(Estate(units, [(1, 2), (2, 1), (1, 3)], {3: "w3"}, {1: 1, 2: 1, 3: -1}))
    assert found == {1: ("w3", "inherit_upstream"), 2: ("auto.x", "auto")}


def test_an_upstream_task_that_is_nowhere_leads_nowhere() -> None:
    """It is deleted since the dependencies were derived: neither in the batch nor in any workflow."""
    gone = placed(Estate([unit(1, 1)], [(1, 9)], {}, {9: -1}))
    beside = placed(Estate([unit(1, 1)], [(1, 9), (1, 8)], {8: "w3"}, {9: -1, 8: -1}))
    assert (gone, beside) == ({1: ("auto.x", "auto")}, {1: ("w3", "inherit_upstream")})


def test_nothing_to_place_is_nothing_placed() -> None:
    assert placed(Estate([], [], {}, {})) == {}


@pytest.mark.parametrize(
    ("domain", "owner", "code"),
    [
        ("sales", "anna", "auto.sales.anna"),
        ("", "", "auto._._"),
        ("销售", "", "auto.销售._"),
        ("a/b", "x y", "auto.a/b.x y"),
    ],
)
def test_the_automatic_code_is_domain_and_owner(domain: str, owner: str, code: str) -> None:
    assert auto_code(domain, owner) == code


@given(st.text(max_size=300))
def test_a_code_fits_and_one_that_fits_is_kept(code: str) -> None:
    assert len(fitted(code)) <= CODE_LIMIT
    assert (fitted(code) == code) == (len(code) <= CODE_LIMIT)


def test_a_long_code_is_cut_and_tells_itself_apart_by_eight_digits() -> None:
    codes = [f"{'长' * 120}{end}" for end in "ab"]
    assert [len(fitted(code)) for code in codes] == [CODE_LIMIT, CODE_LIMIT]
    assert fitted(codes[0])[:92] == "长" * 91 + "-"
    assert fitted(codes[0]) != fitted(codes[1])
