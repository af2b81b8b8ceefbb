"""How an instance goes on, and how it ends."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wfgov_dagster.domain.definition import Definition, Edge, Settings, Task, make
from wfgov_dagster.domain.execution import ENDED, Move, Progress, check, file_name
from wfgov_dagster.errors import CycleFound, InvalidInput

DIAMOND = (("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"))


def a_definition(
    codes: Iterable[str], edges: Iterable[Edge] = (), strategy: str = "continue", **priorities: int
) -> Definition:
    tasks = [Task(code, code, priority=priorities.get(code, 3)) for code in codes]
    return make(Settings("w", "w", failure_strategy=strategy), tasks, edges)


def move(definition: Definition, *, stopping: bool = False, **states: str) -> Move:
    all_states = {task.code: "waiting" for task in definition.tasks} | states
    return Progress(definition).move(all_states, stopping=stopping)


def test_tasks_without_upstream_are_ready_first() -> None:
    assert move(a_definition("abcd", DIAMOND)) == Move(("a",), (), None)


def test_a_task_is_ready_when_all_its_upstream_succeeded() -> None:
    diamond = a_definition("abcd", DIAMOND)
    assert move(diamond, a="success").ready == ("b", "c")
    assert move(diamond, a="success", b="success", c="running").ready == ()
    assert move(diamond, a="success", b="success", c="success").ready == ("d",)


def test_ready_tasks_come_by_priority_then_code() -> None:
    assert move(a_definition("abcd", b=5, c=1)).ready == ("b", "a", "d", "c")


@pytest.mark.parametrize("state", ["failed", "skipped", "stopped"])
def test_everything_downstream_of_what_did_not_succeed_is_skipped(state: str) -> None:
    chain = a_definition("abcx", (("a", "b"), ("b", "c")))
    assert move(chain, a=state) == Move(("x",), ("b", "c"), None)


def test_continue_lets_other_branches_go_on() -> None:
    assert move(a_definition("abxy", (("a", "b"), ("x", "y"))), a="failed", x="success").ready == ("y",)


def test_end_starts_nothing_new_but_lets_the_running_end() -> None:
    ends = a_definition("abxyz", (("a", "b"), ("x", "y")), "end")
    assert move(ends, a="failed", x="running") == Move((), ("b", "y", "z"), None)


def test_stopping_skips_all_that_waits() -> None:
    assert move(a_definition("abcd", DIAMOND), stopping=True, a="running") == Move((), ("b", "c", "d"), None)


@pytest.mark.parametrize(
    ("states", "stopping", "final"),
    [
        ({"a": "success", "b": "success"}, False, "success"),
        ({"a": "success", "b": "failed"}, False, "failed"),
        ({"a": "failed", "b": "skipped"}, False, "failed"),
        ({"a": "success", "b": "stopped"}, True, "stopped"),
        ({"a": "skipped", "b": "skipped"}, True, "stopped"),
        ({"a": "success", "b": "success"}, True, "success"),
        ({"a": "success", "b": "running"}, False, None),
    ],
)
def test_the_instance_ends_as_the_table_says(states: dict[str, str], stopping: bool, final: str | None) -> None:
    assert move(a_definition("ab"), stopping=stopping, **states).final == final


@st.composite
def definitions(draw: st.DrawFn) -> Definition:
    codes = [f"t{number}" for number in range(draw(st.integers(1, 8)))]
    pairs = [(a, b) for i, a in enumerate(codes) for b in codes[i + 1 :]]
    edges = draw(st.lists(st.sampled_from(pairs), max_size=12)) if pairs else []
    return a_definition(codes, edges, draw(st.sampled_from(["continue", "end"])))


@given(definitions(), st.randoms(use_true_random=False))
def test_every_instance_ends_and_runs_nothing_before_its_upstream(definition: Definition, random: object) -> None:
    progress = Progress(definition)
    states = {task.code: "waiting" for task in definition.tasks}
    for _ in range(2 * len(states) + 1):
        step = progress.move(states)
        states |= dict.fromkeys(step.skipped, "skipped")
        if step.final is not None:
            break
        for code in step.ready:
            assert all(states[before] == "success" for before, after in definition.edges if after == code)
            states[code] = random.choice(["success", "success", "failed"])  # type: ignore[attr-defined]
    assert step.final == ("success" if set(states.values()) == {"success"} else "failed")
    assert set(states.values()) <= ENDED


def test_a_cycle_is_refused_and_named() -> None:
    with pytest.raises(CycleFound, match=r"a → b → a|b → a → b"):
        check(a_definition("ab", (("a", "b"), ("b", "a"))))


def test_an_edge_to_a_task_that_is_not_there_is_refused() -> None:
    with pytest.raises(InvalidInput, match="ghost"):
        check(a_definition("a", (("ghost", "a"),)))


def test_a_workflow_without_tasks_is_refused() -> None:
    with pytest.raises(InvalidInput, match="without tasks"):
        check(a_definition(""))


@pytest.mark.parametrize("name", ["warehouse", "ods_orders", "a.b-c", "A" * 100])
def test_a_plain_name_is_its_own_file_name(name: str) -> None:
    assert file_name(name) == name


@given(st.text(max_size=300), st.text(max_size=300))
def test_file_names_differ_as_their_texts_do_and_stay_in_their_folder(one: str, other: str) -> None:
    assert (file_name(one) == file_name(other)) == (one == other)
    for name in (file_name(one), file_name(other)):
        assert name.isascii()
        assert not set(name) & {"/", "\\", "\0"}
        assert not name.startswith(".")
        assert 0 < len(name) <= 100


@pytest.mark.parametrize("text", ["..", "../../etc/passwd", "a/b", "订单/日汇总", "", ".hidden", "x" * 255, "\ud800"])
def test_hostile_names_become_harmless(text: str) -> None:
    assert "/" not in file_name(text)
    assert file_name(text) not in {".", "..", ""}


def test_a_name_that_looks_like_a_made_one_is_hashed_too() -> None:
    assert file_name(file_name("../x")) != file_name("../x")
