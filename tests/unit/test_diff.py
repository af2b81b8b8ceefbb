"""What differs between two definitions, and the one line that says it."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wfgov_dagster.domain.definition import CrossEdge, Definition, Parameter, Schedule, Settings, Task, make
from wfgov_dagster.domain.diff import SUMMARY_LIMIT, Diff, FieldChange, TaskChange, diff, summary

CODES = st.sampled_from(["a", "b", "c", "é", "中"])


def workflow(
    tasks: str = "ab", edges: tuple[str, ...] = ("ab",), cross: tuple[CrossEdge, ...] = (), **changes: object
) -> Definition:
    made = [Task(code, code.upper()) for code in tasks]
    return make(replace(Settings("w", "W"), **changes), made, [(one[0], one[1]) for one in edges], cross)


@st.composite
def definitions(draw: st.DrawFn) -> Definition:
    codes = draw(st.lists(CODES, unique=True))
    ends = st.tuples(CODES, CODES).filter(lambda edge: set(edge) <= set(codes))
    edges = draw(st.lists(ends, max_size=5)) if codes else []
    made = [Task(code, draw(st.sampled_from("xy")), timeout=draw(st.integers(0, 1))) for code in codes]
    cross = draw(st.lists(st.builds(CrossEdge, CODES, CODES, CODES), max_size=2))
    return make(Settings("w", draw(st.sampled_from("xy"))), made, edges, cross)


@given(definitions())
def test_nothing_differs_from_itself(definition: Definition) -> None:
    found = diff(definition, definition)
    assert not found
    assert (summary(found, {}), found.touched()) == ("", set())


@given(definitions(), definitions())
def test_what_a_diff_says_turns_the_one_into_the_other(before: Definition, after: Definition) -> None:
    found = diff(before, after)
    assert bool(found) == (before != after)
    tasks = {code: task for code, task in before.by_code().items() if code not in found.tasks_removed}
    for change in found.tasks_changed:
        assert all(getattr(tasks[change.code], field.field) == field.before for field in change.fields)
        tasks[change.code] = replace(tasks[change.code], **{field.field: field.after for field in change.fields})
    tasks |= {code: after.by_code()[code] for code in found.tasks_added}
    edges = (set(before.edges) - set(found.edges_removed)) | set(found.edges_added)
    cross = (set(before.cross_edges) - set(found.cross_removed)) | set(found.cross_added)
    changed = replace(before.settings, **{field.field: field.after for field in found.settings})
    assert make(changed, tasks.values(), edges, cross) == after
    assert not set(found.edges_added) & set(before.edges)
    assert not set(found.tasks_added) & set(before.by_code())


@given(definitions(), definitions())
def test_there_and_back_are_mirror_images(one: Definition, other: Definition) -> None:
    there, back = diff(one, other), diff(other, one)
    assert (there.tasks_added, there.edges_added, there.cross_added) == (
        back.tasks_removed, back.edges_removed, back.cross_removed,
    )  # fmt: skip
    assert [change.code for change in there.tasks_changed] == [change.code for change in back.tasks_changed]


def test_the_first_version_comes_from_nothing_and_the_end_goes_there() -> None:
    assert diff(None, workflow()) == Diff((), ("a", "b"), (), (), (("a", "b"),), (), (), ())
    assert diff(workflow(), None) == Diff((), (), ("a", "b"), (), (), (("a", "b"),), (), ())
    assert not diff(None, None)


def test_a_changed_field_has_both_values() -> None:
    after = replace(workflow(), tasks=(Task("a", "A", timeout=5), Task("b", "B")))
    assert diff(workflow(), after).tasks_changed == (TaskChange("a", (FieldChange("timeout", 0, 5),)),)


def test_touched_are_the_tasks_that_came_changed_or_have_an_edge_that_did() -> None:
    before = workflow("abcdx", ("ab", "cd"))
    after = workflow("abcdn", ("ab",))
    after = replace(after, tasks=tuple(replace(one, text="x") if one.code == "b" else one for one in after.tasks))
    assert diff(before, after).touched() == {"b", "c", "d", "n"}


def test_a_summary_names_what_moves_the_dag_first_and_why() -> None:
    before = workflow("abcx", ("bc", "ax"), (CrossEdge("v", "u", "a"),))
    after = workflow("abcn", ("ab", "bn"), (CrossEdge("v", "o", "a"),), schedule=Schedule("0 0 * * *", "UTC"))
    after = replace(
        after, tasks=tuple(replace(one, text="x", name="y") if one.code == "c" else one for one in after.tasks)
    )
    assert summary(diff(before, after), {("a", "b"): "reads db.t"}) == (
        "+edge a → b (reads db.t); +edge b → n; -edge a → x; -edge b → c; +task n; -task x; ~task c: name, text; "
        "+waits a for v/o; -waits a for v/u; "
        "~schedule: none → 0 0 * * * UTC"
    )


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({"timeout": 0}, {"timeout": 60}, "~timeout: 0 → 60"),
        ({}, {"resources": ("a.jar", "b.jar")}, "~resources: none → a.jar, b.jar"),
        ({"parameters": (Parameter("day", "1"),)}, {}, "~parameters: day=1 → none"),
        (
            {"schedule": Schedule("0 1 * * *", "UTC", "2026-01-01T00:00:00Z")},
            {"schedule": Schedule("0 2 * * *", "UTC", None, "2027-01-01T00:00:00Z")},
            "~schedule: 0 1 * * * UTC from 2026-01-01T00:00:00Z → 0 2 * * * UTC until 2027-01-01T00:00:00Z",
        ),
        ({"description": ""}, {"description": "长" * 99}, f"~description:  → {'长' * 59}…"),
    ],
)
def test_a_setting_is_told_in_words(before: dict[str, object], after: dict[str, object], told: str) -> None:
    assert summary(diff(workflow(**before), workflow(**after)), {}) == told  # type: ignore[arg-type]


def test_a_summary_that_is_too_long_ends_with_a_count() -> None:
    found = (
        diff(None, workflow("", ())),
        diff(None, make(Settings("w", "W"), [Task(f"task{at:03}", "") for at in range(300)], [])),
    )
    assert summary(found[0], {}) == ""
    text = summary(found[1], {})
    kept = text.count("+task")
    assert text.endswith(f"; … and {300 - kept} more")
    assert SUMMARY_LIMIT - 40 < len(text) <= SUMMARY_LIMIT


@settings(max_examples=200)
@given(st.integers(1, 6), st.integers(1, 300), st.integers(60, 400))
def test_a_summary_never_exceeds_its_limit_and_counts_right(count: int, length: int, limit: int) -> None:
    tasks = [Task(f"{at}{'长' * length}", "") for at in range(count)]
    text = summary(diff(None, make(Settings("w", "W"), tasks, [])), {}, limit)
    assert len(text) <= limit
    whole = "; ".join(f"+task {task.code}" for task in tasks)
    if len(whole) <= limit:
        assert text == whole
    else:
        left = text.rpartition("… and ")[2].removesuffix(" more") if "… and " in text else "0"
        assert int(left) + max(1, text.count("+task")) == count
        assert "…" in text


@pytest.mark.parametrize("length", [SUMMARY_LIMIT - 6, SUMMARY_LIMIT - 5, 5000])
def test_one_change_alone_that_is_too_long_is_cut_and_nothing_is_counted(length: int) -> None:
    text = summary(diff(None, make(Settings("w", "W"), [Task("长" * length, "")], [])), {})
    assert len(text) <= SUMMARY_LIMIT
    assert text.startswith("+task 长")
    assert text.endswith("长" if length == SUMMARY_LIMIT - 6 else "…")
    assert "and 0 more" not in text
