"""The canonical document w1. Its golden vectors are frozen: one that fails is other bytes under the same scheme."""

import json
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wfgov_dagster.domain.definition import CrossEdge, Definition, Parameter, Schedule, Settings, Task, make
from wfgov_dagster.domain.snapshot import (
    canonical,
    digest,
    document,
    hashes,
    leaves,
    parse,
    schedule_body,
    settings_body,
    task_body,
)  # fmt: skip
from wfgov_dagster.errors import InvalidInput

GOLDEN = Path(__file__).parent / "golden"
NASTY = "select '你好', \"x\\y\" -- \x00\x01\x08\x0c\x1f\x7f\n\r\t\u2028\u2029 😀 </script> é e\u0301"

EVERYTHING = make(
    Settings(
        code="销售/日报",
        name='日报 "daily"',
        description="每天\n一次",
        timeout=3600,
        failure_strategy="end",
        parameters=(Parameter("日期", "$[yyyy-MM-dd]"), Parameter("a", "\t1", "OUT", "INTEGER")),
        resources=("b.jar", "a.jar"),
        schedule=Schedule("0 2 * * 1-5", "Asia/Shanghai", "2026-01-01T00:00:00Z", None),
        worker_group="gpu",
        tenant="租户",
        environment="prod",
        priority=5,
    ),
    [
        Task("z", "last", text=NASTY, node_type="SHELL"),
        Task(
            "dwd.订单", "订单", "控制字符 \x1f", "stream", "SPARK", 'insert into "t"', "dw",
            (Parameter("p", "", "IN", "VARCHAR"),), ("r2", "r1"), 1, 60, 3, 30, ("FORBIDDEN", "CACHE"),
        ),
        Task("Z", "upper case sorts before lower case"),
    ],
    [("z", "dwd.订单"), ("Z", "dwd.订单"), ("Z", "dwd.订单")],
    [CrossEdge("up/流", "u", "z"), CrossEdge("a", "u", "z")],
)  # fmt: skip
PLAIN = make(
    Settings("daily", "Daily"), [Task("a", "A", text="select 1"), Task("b", "B", text="select 2")], [("a", "b")]
)
EMPTY = make(Settings("empty", ""), [], [])

VECTORS = {"everything": EVERYTHING, "plain": PLAIN, "empty": EMPTY}
HASHES = {
    "everything": (
        "w1:b526960992a0164dc3eeb01ddba7ba857812829a6d1866ca880ef4bb202da61f",
        "w1:46d14e4f96296ab4d080d86226e4a02ee98cb155c76c8ff0b90d7539e96f88cb",
    ),
    "plain": (
        "w1:66fc4d5e4b022a8fea5d04e0eae8b3f1c8110dfe334553a3ce0d65a4867aeb78",
        "w1:7a1dda7d7f4d4e5940f59a44f6f42eb727fd66ebaa6773cda7c36d5cf99d2a38",
    ),
    "empty": (
        "w1:5a535de62fc99cf35183e328dd51ac098fcb249b13e2b4b12ee13fbfaee0d6cb",
        "w1:d2a29d77705e33b71b1d477cc804021bc7e0076537c84a8bbbf983fc73fcc070",
    ),
}


@pytest.mark.parametrize("name", VECTORS)
def test_the_bytes_are_the_frozen_ones(name: str) -> None:
    assert document(VECTORS[name]) == (GOLDEN / f"w1-{name}.json").read_bytes()


@pytest.mark.parametrize("name", VECTORS)
def test_both_hashes_are_the_frozen_ones(name: str) -> None:
    found = hashes(VECTORS[name])
    assert (found.content, found.functional) == HASHES[name]


def test_a_default_window_leaves_no_trace_in_the_bytes() -> None:
    edges = [CrossEdge("w", "u", "a"), CrossEdge("w", "u", "b", "day/last1Days")]
    found = json.loads(document(make(PLAIN.settings, PLAIN.tasks, [], edges)))
    assert found["cross_workflow_edges"] == [["w", "u", "a"], ["w", "u", "b", "day/last1Days"]]


def test_nothing_extra_leaves_no_trace_in_the_bytes() -> None:
    assert b"extra" not in task_body(PLAIN.tasks[0])
    with_it = json.loads(task_body(replace(PLAIN.tasks[0], extra='{"a":{"$task":"b"}}')))
    assert list(with_it)[3] == "extra"
    assert with_it["extra"] == '{"a":{"$task":"b"}}'


def test_the_fields_are_those_that_were_promised() -> None:
    found = json.loads(document(EVERYTHING))
    assert list(found) == ["cross_workflow_edges", "edges", "scheme", "tasks", "workflow"]
    assert list(found["workflow"]) == [
        "code", "description", "environment", "failure_strategy", "name", "parameters", "priority", "resources",
        "schedule", "tenant", "timeout", "worker_group",
    ]  # fmt: skip
    assert list(found["workflow"]["schedule"]) == ["cron", "end", "start", "time_zone"]
    assert list(found["tasks"][0]) == [
        "code", "datasource", "description", "flags", "name", "node_type", "parameters", "priority", "resources",
        "retries", "retry_interval", "text", "timeout", "type",
    ]  # fmt: skip


# --- any definition ------------------------------------------------------------------------------

KEYS = ['"tasks":[', '],"workflow":{', '},{"code":', '"name":', '","name":"', '"flags":', '\\"description":', '"extra"']
WORDS = [NASTY, "a", "é", "\\", *KEYS]
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.sampled_from(WORDS)
CODE = st.sampled_from(["a", "b", "Z", "é", "中", "😀", "a b", '"'])
WHOLE = st.integers(-(2**31), 2**63 - 1)
PARAMETERS = st.lists(st.builds(Parameter, TEXT, TEXT, st.sampled_from(["IN", "OUT"]), TEXT), max_size=2).map(tuple)
TEXTS = st.lists(TEXT, max_size=2).map(tuple)


@st.composite
def tasks(draw: st.DrawFn, code: str) -> Task:
    texts = [draw(TEXT) for _ in range(5)]
    return Task(
        code,
        *texts,
        draw(st.none() | TEXT),
        draw(PARAMETERS),
        draw(TEXTS),
        *(draw(WHOLE) for _ in range(4)),
        draw(TEXTS),
        draw(st.just("") | TEXT),
    )


@st.composite
def definitions(draw: st.DrawFn) -> Definition:
    settings = Settings(
        draw(CODE), draw(TEXT), draw(TEXT), draw(WHOLE), draw(TEXT), draw(PARAMETERS), draw(TEXTS),
        draw(st.none() | st.builds(Schedule, TEXT, TEXT, st.none() | TEXT, st.none() | TEXT)),
        draw(TEXT), draw(TEXT), draw(TEXT), draw(WHOLE),
    )  # fmt: skip
    codes = draw(st.lists(CODE, unique=True, max_size=4))
    edges = draw(st.lists(st.tuples(st.sampled_from(codes), st.sampled_from(codes)), max_size=5)) if codes else []
    windows = st.sampled_from(["", "hour/currentHour"])
    cross = draw(st.lists(st.builds(CrossEdge, TEXT, TEXT, CODE, windows), max_size=2))
    return make(settings, [draw(tasks(code)) for code in codes], edges, cross)


def sorted_once(definition: Definition) -> Definition:
    """The lists whose order is not content, in the order that the document has them."""

    def mend(part: Any) -> Any:
        changes = {"parameters": tuple(sorted(part.parameters)), "resources": tuple(sorted(part.resources))}
        return replace(part, **changes)

    listed = tuple(replace(mend(task), flags=tuple(sorted(task.flags))) for task in definition.tasks)
    return replace(definition, settings=mend(definition.settings), tasks=listed)


@given(definitions())
def test_a_document_is_parsed_to_what_it_was_made_of(definition: Definition) -> None:
    assert parse(document(definition)) == sorted_once(definition)
    assert parse(document(definition).decode()) == sorted_once(definition)


@given(definitions())
def test_the_bytes_are_those_of_the_standard_library(definition: Definition) -> None:
    """Whoever has only json can check a hash."""
    whole = document(definition)
    text = json.dumps(json.loads(whole), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    assert text.encode() == whole
    for part in (settings_body(definition.settings), *map(task_body, definition.tasks)):
        assert json.dumps(json.loads(part), sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode() == part
        assert part in whole


@given(definitions(), st.randoms(use_true_random=False))
def test_the_order_of_lists_is_not_content(definition: Definition, chance: Random) -> None:
    def mixed(values: Any) -> Any:
        return tuple(chance.sample(values, len(values)))

    shuffled = make(
        replace(definition.settings, parameters=mixed(definition.settings.parameters),
                resources=mixed(definition.settings.resources)),
        [replace(task, parameters=mixed(task.parameters), resources=mixed(task.resources), flags=mixed(task.flags))
         for task in mixed(definition.tasks)],
        [*mixed(definition.edges), *definition.edges], mixed(definition.cross_edges),
    )  # fmt: skip
    assert document(shuffled) == document(definition)
    assert hashes(shuffled) == hashes(definition)


@given(definitions(), definitions())
def test_different_content_has_different_bytes_and_equal_content_equal(one: Definition, other: Definition) -> None:
    equal = sorted_once(one) == sorted_once(other)
    assert (document(one) == document(other)) == equal
    assert (hashes(one).content == hashes(other).content) == equal


@given(definitions())
def test_parts_that_are_known_already_give_the_same_whole(definition: Definition) -> None:
    bodies = {task.code: task_body(task) for task in definition.tasks}
    assert document(definition, bodies) == document(definition)
    assert hashes(definition, document(definition)) == hashes(definition)


@given(definitions())
def test_a_document_is_cut_into_the_bodies_of_its_tasks(definition: Definition) -> None:
    assert leaves(document(definition)) == [task_body(task) for task in definition.tasks]


@given(definitions())
def test_the_functional_hash_is_that_of_a_document_without_names_and_descriptions(definition: Definition) -> None:
    found = json.loads(document(definition))
    for part in (found["workflow"], *found["tasks"]):
        del part["name"], part["description"]
    assert hashes(definition).functional == digest(canonical(found))


TASK_CHANGES = [
    {"datasource": "x"}, {"description": "x"}, {"flags": ("x",)}, {"name": "x"}, {"node_type": "x"},
    {"parameters": (Parameter("x", "x"),)}, {"priority": 1}, {"resources": ("x",)}, {"retries": 1},
    {"retry_interval": 1}, {"text": "x"}, {"timeout": 1}, {"type": "x"}, {"code": "x"},
    {"extra": '{"a":1}'},
]  # fmt: skip
SETTINGS_CHANGES = [
    {"code": "x"}, {"description": "x"}, {"environment": "x"}, {"failure_strategy": "x"}, {"name": "x"},
    {"parameters": (Parameter("x", "x"),)}, {"priority": 1}, {"resources": ("x",)}, {"tenant": "x"}, {"timeout": 1},
    {"worker_group": "x"}, {"schedule": Schedule("0 0 * * *", "UTC")},
]  # fmt: skip


@pytest.mark.parametrize("change", TASK_CHANGES, ids=lambda change: next(iter(change)))
def test_every_field_of_a_task_is_content(change: dict[str, Any]) -> None:
    before, after = (make(PLAIN.settings, [task], []) for task in (PLAIN.tasks[0], replace(PLAIN.tasks[0], **change)))
    told_only = set(change) <= {"name", "description"}
    assert hashes(before).content != hashes(after).content
    assert (hashes(before).functional == hashes(after).functional) == told_only


@pytest.mark.parametrize("change", SETTINGS_CHANGES, ids=lambda change: next(iter(change)))
def test_every_setting_is_content(change: dict[str, Any]) -> None:
    after = replace(PLAIN, settings=replace(PLAIN.settings, **change))
    told_only = set(change) <= {"name", "description"}
    assert hashes(PLAIN).content != hashes(after).content
    assert (hashes(PLAIN).functional == hashes(after).functional) == told_only


@pytest.mark.parametrize(
    "after",
    [
        replace(PLAIN, edges=()),
        replace(PLAIN, edges=(("b", "a"),)),
        replace(PLAIN, cross_edges=(CrossEdge("w", "u", "a"),)),
        replace(PLAIN, cross_edges=(CrossEdge("w", "u", "a", "day/last1Days"),)),
    ],
)
def test_edges_of_both_kinds_are_content_and_function(after: Definition) -> None:
    assert hashes(PLAIN).content != hashes(after).content
    assert hashes(PLAIN).functional != hashes(after).functional


# --- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize("value", [1.0, {"a": 0.5}, [[float("nan")]], {"a": ({"b": 1e9},)}])
def test_a_float_is_refused(value: object) -> None:
    with pytest.raises(InvalidInput, match="float"):
        canonical(value)


@pytest.mark.parametrize("value", ["\ud800", {"a": ["\udfff"]}, {"\ud800": 1}, "a\udc80b"])
def test_half_a_surrogate_pair_is_refused(value: object) -> None:
    with pytest.raises(InvalidInput):
        canonical(value)


@pytest.mark.parametrize(
    "value", [{1: "a"}, {None: 1}, b"bytes", {1, 2}, object(), 2**64, Path("a"), Schedule("0 0 * * *", "UTC"),
              __import__("datetime").date(2026, 1, 1), __import__("uuid").UUID(int=0), Task("a", "A")],
)  # fmt: skip
def test_whatever_is_not_text_number_truth_or_nothing_is_refused(value: object) -> None:
    with pytest.raises(InvalidInput):
        canonical(value)


def test_a_definition_with_a_float_or_a_broken_text_has_no_hash() -> None:
    for task in (replace(PLAIN.tasks[0], timeout=1.5), replace(PLAIN.tasks[0], text="\ud83d")):
        with pytest.raises(InvalidInput):
            document(make(PLAIN.settings, [task], []))


@pytest.mark.parametrize(
    "whole",
    ["", "{", "[]", "null", "1", '"w1"', "{}", '{"scheme":"w1"}', b"\xff",
     document(PLAIN).replace(b'"w1"', b'"w2"'), document(PLAIN).replace(b'"retries"', b'"tries"'),
     document(PLAIN).replace(b'"edges":[["a","b"]]', b'"edges":[["a"]]'),
     document(PLAIN).replace(b'"edges":[["a","b"]]', b'"edges":[1]'),
     document(PLAIN).replace(b'"cross_workflow_edges":[]', b'"cross_workflow_edges":[["a"]]'),
     document(PLAIN).replace(b'"schedule":null', b'"schedule":{}')],
)  # fmt: skip
def test_what_is_no_such_document_is_refused(whole: str | bytes) -> None:
    with pytest.raises(InvalidInput):
        parse(whole)


def test_a_schedule_alone_has_canonical_bytes() -> None:
    assert schedule_body(None) == b"null"
    assert schedule_body(Schedule("0 2 * * *", "UTC")) == (
        b'{"cron":"0 2 * * *","end":null,"start":null,"time_zone":"UTC"}'
    )


def test_a_digest_names_its_scheme() -> None:
    assert digest(b"") == "w1:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
