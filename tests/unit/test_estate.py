"""Definitions of many workflows from columns are those of one workflow at a time."""

import json
import shlex
from dataclasses import replace
from random import Random

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wfgov_dagster.domain import estate
from wfgov_dagster.domain.definition import (
    CrossEdge,
    Parameter,
    Schedule,
    Settings,
    Task,
    entry_tasks,
    exit_tasks,
    make,
)
from wfgov_dagster.domain.estate import Defined, Estate, Stated, define, task_bodies
from wfgov_dagster.domain.extra import pack
from wfgov_dagster.domain.snapshot import digest, document, parse, task_body, task_spec

ROW = {
    "workflow": pl.Int64, "task": pl.Int64, "code": pl.String, "name": pl.String, "description": pl.String,
    "type": pl.String, "node_type": pl.String, "text": pl.String, "datasource": pl.String, "priority": pl.Int64,
    "timeout": pl.Int64, "retries": pl.Int64, "retry_interval": pl.Int64, "cron": pl.String, "cycle": pl.Int64,
    "spec": pl.String,
}  # fmt: skip
NASTY = "select '你好', \"x\\y\" -- \x00\x01\x08\x0c\x1f\x7f\n\r\t\u2028\u2029 😀 </script>/\ufeff"
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from([NASTY, "", "null", "[]", "1.5"])
WHOLE = st.integers(-(2**63), 2**63 - 1)
CODES = ["a", "b", "Z", "é", "中 文", "😀", "it's", "$(x)\n"]


@st.composite
def specs(draw: st.DrawFn) -> str:
    extra = {"p": draw(TEXT), "q": {"$task": draw(st.sampled_from(CODES))}}
    parameters = tuple(Parameter(name, draw(TEXT)) for name in draw(st.sets(TEXT, max_size=2)))
    flags, resources = tuple(draw(st.lists(TEXT, max_size=2))), tuple(draw(st.lists(TEXT, max_size=2)))
    text = pack(extra) if draw(st.booleans()) else ""
    return task_spec(Task("", "", parameters=parameters, resources=resources, flags=flags, extra=text))


@st.composite
def members(draw: st.DrawFn) -> list[dict[str, object]]:
    codes = draw(st.lists(st.sampled_from(CODES), unique=True, max_size=6))
    return [
        {
            "workflow": draw(st.integers(1, 3)), "task": at, "code": code,
            "name": draw(TEXT), "description": draw(TEXT),
            "type": draw(st.sampled_from(["batch", "stream"])), "node_type": draw(st.sampled_from(["", "SQL"]) | TEXT),
            "text": draw(TEXT), "datasource": draw(TEXT), "priority": draw(WHOLE), "timeout": draw(WHOLE),
            "retries": draw(WHOLE), "retry_interval": draw(WHOLE), "cron": draw(st.sampled_from(["", "0 1 * * *"])),
            "cycle": -1,
            "spec": draw(st.just("") | specs()),
        }
        for at, code in enumerate(codes, start=1)
    ]  # fmt: skip


def frame(rows: list[dict[str, object]]) -> pl.DataFrame:
    return pl.DataFrame([tuple(row[name] for name in ROW) for row in rows], schema=ROW, orient="row")


def task(row: dict[str, object]) -> Task:
    """A member as a Task, by hand."""
    spec = str(row["spec"])
    bare = not row["text"] and not spec
    made = Task(
        code=str(row["code"]), name=str(row["name"]), description=str(row["description"]), type=str(row["type"]),
        node_type="SHELL" if bare else str(row["node_type"]) or "SHELL",
        text=f"echo {shlex.quote(str(row['code']))}" if bare else str(row["text"]),
        datasource=str(row["datasource"]) or None, priority=int(row["priority"]), timeout=int(row["timeout"]),
        retries=int(row["retries"]), retry_interval=int(row["retry_interval"]),
    )  # type: ignore[call-overload] # fmt: skip
    if not spec:
        return made
    said = json.loads(spec)
    return replace(
        made, node_type=str(row["node_type"]), parameters=tuple(Parameter(**one) for one in said["parameters"]),
        resources=tuple(said["resources"]), flags=tuple(said["flags"]), extra=said.get("extra", ""),
    )  # fmt: skip


@given(members())
def test_bodies_of_columns_are_bodies_of_tasks(rows: list[dict[str, object]]) -> None:
    assert task_bodies(frame(rows)) == [task_body(task(row)) for row in rows]


def test_every_single_character_is_written_as_in_a_single_task() -> None:
    texts = [chr(point) for point in (*range(0x300), 0x2028, 0x2029, 0xFEFF, 0xFFFF, 0x10FFFF)]
    plain = {name: "x" if kind == pl.String else 0 for name, kind in ROW.items()} | {"spec": ""}
    rows = [plain | {"code": f"c{at}{text}", "text": text, "task": at} for at, text in enumerate(texts)]
    assert task_bodies(frame(rows)) == [task_body(task(row)) for row in rows]


def defined(
    rows: list[dict[str, object]], edges: list[tuple[int, int, int]], cross: dict[int, list[CrossEdge]] | None = None,
    stated: dict[int, Stated] | None = None,
) -> dict[int, Defined]:  # fmt: skip
    schema = dict.fromkeys(("workflow", "pre", "post"), pl.Int64)
    settings = stated or {at: Stated(Settings(f"w{at}", f"W{at}"), True, "", "UTC") for at in (1, 2, 3)}
    columns = Estate(frame(rows), pl.DataFrame(edges, schema=schema, orient="row"), settings, cross or {})
    return {one.workflow: one for one in define(columns)}


@given(members(), st.randoms(use_true_random=False))
def test_whole_definitions_are_those_of_one_workflow_at_a_time(rows: list[dict[str, object]], chance: Random) -> None:
    pairs = [(one, other) for at, one in enumerate(rows) for other in rows[at + 1 :]]
    inside = [(one, other) for one, other in pairs if one["workflow"] == other["workflow"] and chance.random() < 0.5]
    edges = [(int(str(one["workflow"])), int(str(one["task"])), int(str(other["task"]))) for one, other in inside]
    cross = {1: [CrossEdge("b", "u", "a"), CrossEdge("a", "u", "a")]}
    code = {row["task"]: str(row["code"]) for row in rows}
    found = defined(rows, edges, cross)
    for workflow in (1, 2, 3):
        expected = make(
            Settings(f"w{workflow}", f"W{workflow}"),
            [task(row) for row in rows if row["workflow"] == workflow],
            [(code[pre], code[post]) for at, pre, post in edges if at == workflow],
            cross.get(workflow, []),
        )
        assert found[workflow].document == document(expected)
        assert found[workflow].content_hash == digest(document(expected))
        assert (found[workflow].entry_tasks, found[workflow].exit_tasks) == (
            entry_tasks(expected),
            exit_tasks(expected),
        )
        assert found[workflow].circles == ()
        assert found[workflow].empty == (not expected.tasks)


def member(number: int, cron: str = "", cycle: int = -1) -> dict[str, object]:
    plain = {name: "x" if kind == pl.String else 0 for name, kind in ROW.items()} | {"spec": ""}
    return plain | {"workflow": 1, "task": number, "code": f"t{number}", "cron": cron, "cycle": cycle}


def test_definitions_do_not_depend_on_how_many_bodies_are_made_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [member(at) | {"workflow": 1 + at % 2, "text": f"select {at}"} for at in range(7)]
    whole = defined(rows, [(1, 0, 2), (2, 1, 5)])

    monkeypatch.setattr(estate, "_SLICE", 2)

    assert defined(rows, [(1, 0, 2), (2, 1, 5)]) == whole


def schedule(crons: list[str], stated: Stated | None = None) -> tuple[Schedule | None, str | None]:
    settings = stated or Stated(Settings("w", "W"), False, "", "Asia/Shanghai")
    one = defined([member(at, cron) for at, cron in enumerate(crons)], [], stated={1: settings})[1]
    return parse(one.document).settings.schedule, one.schedule_finding


def test_tasks_that_share_a_cron_give_it_to_their_workflow() -> None:
    assert schedule(["daily", "daily"]) == (Schedule("0 0 * * *", "Asia/Shanghai"), None)


def test_tasks_without_cron_give_no_schedule_and_no_finding() -> None:
    assert schedule(["", ""]) == (None, None)


def test_tasks_that_differ_give_no_schedule_and_are_listed() -> None:
    assert schedule(["0 1 * * *", ""]) == (None, "its tasks ask for different schedules: t0: 0 1 * * *; t1: none")


def test_what_cron_cannot_say_is_a_finding() -> None:
    assert schedule(["once"]) == (None, "cron cannot say 'once'")


def test_a_declared_schedule_stands_whatever_the_tasks_ask_for() -> None:
    declared = Stated(Settings("w", "W"), True, "0 5 * * *", "UTC")
    assert schedule(["0 1 * * *", ""], declared) == (Schedule("0 5 * * *", "UTC"), None)
    assert schedule(["0 1 * * *"], Stated(Settings("w", "W"), True, "", "UTC")) == (None, None)


def test_a_circle_is_named_and_its_edges_stay_in_the_definition() -> None:
    one = defined([member(1, cycle=1), member(2, cycle=1), member(3)], [(1, 1, 2), (1, 2, 1), (1, 2, 3)])[1]
    assert one.circles == (("t1", "t2"),)
    assert parse(one.document).edges == (("t1", "t2"), ("t2", "t1"), ("t2", "t3"))
    assert (one.entry_tasks, one.exit_tasks, one.empty) == ((), ("t3",), False)


def test_a_circle_through_another_workflow_is_none_in_here() -> None:
    assert defined([member(1, cycle=1), member(2, cycle=1)], [(1, 1, 2)])[1].circles == ()


def test_an_edge_whose_task_is_gone_is_left_out() -> None:
    one = defined([member(1), member(2)], [(1, 1, 2), (1, 2, 9), (1, 9, 1)])[1]
    assert parse(one.document).edges == (("t1", "t2"),)
