"""An exported version as a file: nothing is lost on the way, and what is no export is no version."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.definitions import definitions
from tests.support.size import size
from tests.unit.test_w1 import PLAIN
from tests.unit.test_w1 import definitions as wild_definitions
from wfgov_dagster.domain import export, snapshot
from wfgov_dagster.domain.definition import CrossEdge, Definition, Parameter, Schedule, Settings, Task, make
from wfgov_dagster.domain.export import Exported, read, value
from wfgov_dagster.errors import Forbidden, InvalidInput
from wfgov_dagster.importers import version_file
from wfgov_dagster.usecases.export_version import check_export, readable

FORMS: list[Callable[[object], str]] = [version_file.as_json, version_file.as_yaml]


def exported(definition: Definition) -> Exported:
    hashes = snapshot.hashes(definition)
    told = ("told", "manual", "ann", "2026-11-27T02:14:00Z")
    return Exported(definition.code, 3, hashes.content, hashes.functional, None, *told, None, True, definition)


def sound(definition: Definition) -> Definition:
    """What of it can be a version."""
    codes = {task.code for task in definition.tasks}
    edges = [edge for edge in definition.edges if edge[0] < edge[1]]
    crossing = [replace(edge, window="") for edge in definition.cross_edges if edge.task in codes]
    tasks = definition.tasks or (Task("only", "only"),)
    return snapshot.parse(snapshot.document(make(definition.settings, tasks, edges, crossing)))


@settings(max_examples=size(15, 1000))
@given(definitions())
def test_a_version_comes_out_of_its_file_as_it_went_in(definition: Definition) -> None:
    one = exported(sound(definition))
    for form in FORMS:
        assert read(version_file.read(form(value(one)).encode(), "file")) == one


@settings(max_examples=size(15, 1000))
@given(wild_definitions())
def test_no_character_is_lost_in_a_file(definition: Definition) -> None:
    found = value(exported(definition))
    for form in FORMS:
        assert version_file.read(form(found).encode(), "file") == found


@settings(max_examples=size(15, 1000))
@given(definitions(), definitions())
def test_another_content_under_the_same_hash_is_refused(one: Definition, other: Definition) -> None:
    before, after = sound(one), sound(other)
    forged = value(exported(before)) | {"document": value(exported(after))["document"]}
    if before == after:
        assert read(forged).definition == after
    else:
        with pytest.raises(InvalidInput, match="not what its hash says"):
            read(forged)


GOOD: dict[str, Any] = value(exported(PLAIN))
DEEP: Any = {"kind": export.KIND}
for _ in range(5000):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (None, "no exported version"),
        ([], "no exported version"),
        ({}, "no exported version"),
        (GOOD["document"], "no exported version"),
        (GOOD | {"kind": "w1"}, "no exported version"),
        (GOOD | {"format": 2}, "format 2, this release reads 1"),
        ({name: one for name, one in GOOD.items() if name != "content_hash"}, "content_hash"),
        (GOOD | {"more": 1}, "more"),
        (GOOD | {"version_no": "3"}, "version_no is no whole number"),
        (GOOD | {"version_no": True}, "version_no is no whole number"),
        (GOOD | {"created_by": None}, "created_by is no text"),
        (GOOD | {"content_hash": "w1:0"}, "not what its hash says"),
        (GOOD | {"functional_hash": "w1:0"}, "not what its hash says"),
        (GOOD | {"document": {**GOOD["document"], "more": 1}}, "not what its hash says"),
        (GOOD | {"document": {**GOOD["document"], "tasks": GOOD["document"]["tasks"][::-1]}}, "not what its hash"),
        (GOOD | {"document": {**GOOD["document"], "scheme": "w2"}}, "scheme 'w2'"),
        (GOOD | {"document": "text"}, "not a w1 document"),
        (GOOD | {"document": 1.5}, "no float"),
        (GOOD | {"document": DEEP}, "nested too deeply"),
        (GOOD | {"workflow_code": "other"}, "its document is of 'daily'"),
    ],
)
def test_what_is_no_export_is_refused_with_what_is_wrong(found: object, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        read(found)


def with_task(**changes: Any) -> Definition:
    return replace(PLAIN, tasks=(replace(PLAIN.tasks[0], **changes), PLAIN.tasks[1]))


@pytest.mark.parametrize(
    ("definition", "told"),
    [
        (with_task(text=5), "task a: text is no text"),
        (with_task(text="a\x00b"), "task a: text is no text \\(without NUL\\)"),
        (with_task(priority=2**31), "task a: priority is no whole number"),
        (with_task(parameters=(Parameter("a", None),)), "task a: parameters is no"),  # type: ignore[arg-type]
        (with_task(type="cron"), "neither batch nor stream"),
        (with_task(name="n" * 256), "name has more than 255 characters"),
        (with_task(extra="{}"), "extra of task a"),
        (with_task(extra='{"a":{"$task":"z"}}'), "names a task that is not in the workflow: z"),
        (replace(PLAIN, tasks=()), "it has no task|that it does not have"),
        (replace(PLAIN, tasks=(PLAIN.tasks[0],) * 2, edges=()), "two tasks have one code"),
        (replace(PLAIN, edges=(("a", "z"),)), "does not have: z"),
        (replace(PLAIN, edges=((["a"], "b"),)), "is no pair of codes"),  # type: ignore[arg-type]
        (replace(PLAIN, cross_edges=(CrossEdge("w", "u", "a", "yesterday"),)), "window 'yesterday' is none"),
        (replace(PLAIN, edges=(("a", "b"), ("b", "a"))), "in a circle"),
        (replace(PLAIN, edges=(("a", "a"),)), "task a waits for itself"),
        (replace(PLAIN, cross_edges=(CrossEdge("w", "u", "z"),)), "does not have: z"),
        (replace(PLAIN, settings=Settings("c" * 101, "n")), "code has more than 100 characters"),
        (replace(PLAIN, settings=Settings("a\nb", "n")), "a code is printable characters"),
        (replace(PLAIN, settings=replace(PLAIN.settings, schedule=Schedule(1, "UTC"))), "schedule is no"),  # type: ignore[arg-type]
    ],
)
def test_a_right_hash_makes_no_version_of_what_can_be_none(definition: Definition, told: str) -> None:
    """Whoever writes a document can write its hash."""
    with pytest.raises(InvalidInput, match=told):
        read(value(exported(definition)))


def test_lists_of_what_has_no_order_are_no_document() -> None:
    forged = GOOD | {"document": {**GOOD["document"], "tasks": [{**GOOD["document"]["tasks"][0], "flags": ["b", 1]}]}}
    with pytest.raises(InvalidInput, match="not what its hash says"):
        read(forged)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\xff", "no UTF-8 at byte 0"),
        (b"{", "no JSON"),
        (b"a: [", "no YAML: .*line"),
        (b"a: &x 1\nb: *x", "anchors or aliases"),
        (b"a: 2026-13-45", "no YAML"),
        (b"- " * 200 + b"1", "nested too deeply"),
        (b"!!python/object/apply:os.getpid []", "no YAML"),
    ],
)
def test_a_file_that_is_none_is_refused(content: bytes, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        version_file.read(content, "file")


# --- secrets ---------------------------------------------------------------------------------------


class Holds:
    def known(self, text: str) -> str:
        return text.replace("t0ken", "***")


SUSPECTS = [
    (with_task(text="select 1\nset password = 'hunter2'"), "task a: text, line 2"),
    (with_task(text="curl http://ann:hush@host/x"), "task a: text"),
    (with_task(parameters=(Parameter("db_password", "hunter2"),)), "task a: parameter db_password"),
    (with_task(extra='{"headers":"Bearer abc123def"}'), "task a: extra"),
    (replace(PLAIN, settings=Settings("daily", "x", "token=abc")), "workflow: description"),
]


@pytest.mark.parametrize(("definition", "place"), SUSPECTS)
def test_what_looks_like_a_secret_does_not_leave(definition: Definition, place: str) -> None:
    one = exported(definition)
    with pytest.raises(InvalidInput, match="it looks as if secrets would leave") as refusal:
        check_export(one, Holds())
    assert place in str(refusal.value)
    assert "hunter2" not in str(refusal.value)
    told = "\n".join(readable(one, Holds()))
    assert not {"hunter2", "hush", "abc123def", "abc"} & set(told.replace("@", " ").replace("=", " ").split())


@pytest.mark.parametrize(
    "definition",
    [
        PLAIN,
        with_task(text="select * from a join b on a.token = b.token"),
        with_task(text="export PASSWORD=${db_password}"),
        with_task(parameters=(Parameter("token", "$[yyyyMMdd]"), Parameter("secret", ""))),
        with_task(text="echo password"),
        with_task(text="-- basic checks first"),
    ],
)
def test_what_only_speaks_of_one_does(definition: Definition) -> None:
    check_export(exported(definition), Holds())


def test_a_secret_of_the_installation_never_leaves() -> None:
    one = exported(with_task(text="echo t0ken"))
    with pytest.raises(Forbidden, match="task a: text") as refusal:
        check_export(one, Holds())
    assert "t0ken" not in str(refusal.value)
    assert not any("t0ken" in line for line in readable(one, Holds()))


# --- the report ------------------------------------------------------------------------------------


@settings(max_examples=size(15, 1000))
@given(definitions(), st.sampled_from(["```\nselect 1\n```", "a | b"]))
def test_the_report_has_everything_that_people_ask_for(definition: Definition, text: str) -> None:
    one = exported(sound(definition))
    first = replace(one.definition.tasks[0], text=text)
    one = replace(one, definition=replace(one.definition, tasks=(first, *one.definition.tasks[1:])))
    told = "\n".join(readable(one, Holds()))
    assert f"\n{text}\n" in told
    for task in one.definition.tasks:
        assert f"\n## Task {task.code}\n" in f"{told}\n"
    for needed in (one.content_hash, one.created_by, one.created_at, f"V{one.version_no}"):
        assert needed in told
    schedule = one.definition.settings.schedule
    assert schedule is None or f"`{schedule.cron}` in {schedule.time_zone}" in told
    assert told.count("\n| ") >= len(one.definition.tasks) + len(one.definition.edges)
