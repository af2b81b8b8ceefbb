"""What a node type needs beside the fields of a task, and its symbols."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wfgov_dagster.domain.definition import Settings, Task, make
from wfgov_dagster.domain.diff import FieldChange, diff, summary
from wfgov_dagster.domain.extra import differences, pack, problems, replaced, symbols, unpack
from wfgov_dagster.errors import InvalidInput

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=4) | st.sampled_from(["$task", "$code", "a", "b"])
LEAF = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | TEXT | st.floats(allow_nan=False, width=32)
VALUES = st.dictionaries(
    TEXT,
    st.recursive(
        LEAF.filter(lambda leaf: leaf not in (float("inf"), float("-inf"))),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
        max_leaves=6,
    ),
    max_size=3,
)


@given(VALUES)
def test_what_was_packed_is_unpacked(values: dict[str, Any]) -> None:
    assert unpack(pack(values)) == values
    assert pack(unpack(pack(values))) == pack(values)


@pytest.mark.parametrize("text", ["{}", "[]", "1", '{"a": 1}', '{"b":1,"a":2}', "{", "null", '{"a":1}\n'])
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        unpack(text)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**64, b"", "\ud800"])
def test_what_json_does_not_hold_is_refused(value: object) -> None:
    with pytest.raises(InvalidInput):
        pack({"a": [value]})


@given(VALUES, VALUES)
def test_a_difference_is_told_exactly_where_the_texts_differ(one: dict[str, Any], other: dict[str, Any]) -> None:
    before, after = pack(one), pack(other)
    assert bool(differences(before, after)) == (before != after)
    assert [(path, b, a) for path, a, b in differences(after, before)] == differences(before, after)


def test_a_diff_tells_the_fields_inside() -> None:
    before = Task("c", "C", extra=pack({"dependence": {"relation": "AND", "wait": 1}, "gone": None}))
    after = replace(before, extra=pack({"dependence": {"relation": "OR", "wait": 1}, "next": {"$task": "a"}}))
    found = diff(*(make(Settings("w", "W"), [task], []) for task in (before, after)))
    assert found.tasks_changed[0].fields == (
        FieldChange("extra.dependence.relation", "AND", "OR"),
        FieldChange("extra.gone", None, None),
        FieldChange("extra.next", None, {"$task": "a"}),
    )
    assert summary(found, {}) == "~task c: extra.dependence.relation, extra.gone, extra.next"


SYMBOLS = {
    "x": [{"$task": "b"}, {"$workflow": "w"}],
    "y": {"$workflow": "w", "$task": "t"},
    "z": {"deep": [{"$code": 7}, {"$task": 1, "more": 2}]},
}


def test_symbols_are_found_and_replaced_wherever_they_stand() -> None:
    assert list(symbols(SYMBOLS)) == [
        {"$task": "b"}, {"$workflow": "w"}, {"$workflow": "w", "$task": "t"}, {"$code": 7},
    ]  # fmt: skip
    assert replaced(SYMBOLS, len) == {
        "x": [1, 1], "y": 2, "z": {"deep": [1, {"$task": 1, "more": 2}]},
    }  # fmt: skip


def test_a_symbol_of_a_task_that_is_not_there_is_named() -> None:
    tasks = [
        Task("a", "A", extra=pack({"next": [{"$task": "b"}, {"$task": "zz"}, {"$workflow": "w", "$task": "q"}]})),
        Task("b", "B", extra="{ }"),
        Task("c", "C"),
    ]
    assert problems(make(Settings("w", "W"), tasks, [])) == [
        "task a names a task that is not in the workflow: zz",
        "extra of task b: no canonical JSON object",
    ]
