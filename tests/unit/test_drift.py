"""Three sides compared: each difference has its class, its gravity, its values, and a next step."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.doubles.as_given import AsGiven
from wfgov_dagster.domain.definition import CrossEdge, Definition, Parameter, Schedule, Settings, Task, make
from wfgov_dagster.domain.drift import (
    Confirmed,
    Drift,
    Kind,
    Severity,
    Sight,
    canonical_form,
    compare,
    is_difference,
    unpublished,
)
from wfgov_dagster.domain.drift_words import next_step, told
from wfgov_dagster.domain.publish import Content, VersionRef, content
from wfgov_dagster.domain.snapshot import hashes

NIGHTLY = Schedule("30 2 * * *", "Europe/Berlin")
MORNING = Schedule("0 6 * * *", "UTC")
OWN = "9000"  # the engine's code of it


@dataclass(frozen=True)
class Held:
    definition: Definition
    online: bool = True
    schedule: Schedule | None = NIGHTLY
    schedule_online: bool = True


def a_definition(text: str = "select 1", schedule: Schedule | None = NIGHTLY) -> Definition:
    tasks = [Task("a", "A", text=text), Task("b", "B"), Task("c", "C")]
    return make(Settings("w", "W", schedule=schedule), tasks, [("a", "b")])


def a_content(number: int = 2, definition: Definition | None = None) -> Content:
    whole = definition or a_definition()
    return content(VersionRef(number, number, hashes(whole).content), whole, AsGiven())


BARE = a_content().definition
CONFIRMED = Confirmed(a_content(), online=True, schedule_online=True, engine_workflow_code=OWN)
OFFLINE = replace(CONFIRMED, online=False, schedule_online=False)


def a_sight(there: Held | None = None, /, **fields: object) -> Sight:
    return replace(Sight("w", OWN, there or Held(BARE)), **fields)  # type: ignore[arg-type]


def kinds(found: tuple[Drift, ...]) -> list[Kind]:
    return [one.kind for one in found]


def edited(change: Callable[[Definition], Definition], **fields: object) -> tuple[Drift, ...]:
    return compare("w", CONFIRMED, a_content(), a_sight(Held(change(BARE)), **fields))


def with_task(**fields: object) -> Callable[[Definition], Definition]:
    return lambda one: replace(one, tasks=(replace(one.tasks[0], **fields), *one.tasks[1:]))  # type: ignore[arg-type]


def with_settings(**fields: object) -> Callable[[Definition], Definition]:
    return lambda one: replace(one, settings=replace(one.settings, **fields))  # type: ignore[arg-type]


# --- nothing -------------------------------------------------------------------------------------


@pytest.mark.parametrize("confirmed", [CONFIRMED, OFFLINE])
def test_what_is_as_it_was_confirmed_is_no_drift(confirmed: Confirmed) -> None:
    live = Held(BARE, confirmed.online, NIGHTLY, confirmed.schedule_online)
    assert compare("w", confirmed, a_content(), a_sight(live)) == ()


def test_an_offline_workflow_may_hold_no_schedule_or_an_older_one_of_ours() -> None:
    for schedule in (None, MORNING):
        live = Held(BARE, online=False, schedule=schedule, schedule_online=False)
        assert compare("w", OFFLINE, a_content(), a_sight(live)) == ()


@given(st.permutations(["x", "y", "z"]), st.permutations(["r1", "r2"]))
def test_the_order_in_which_an_engine_gives_things_back_is_no_drift(names: list[str], resources: list[str]) -> None:
    def with_order(order: list[str], files: list[str]) -> Definition:
        return with_task(parameters=tuple(Parameter(name, "1") for name in order), resources=tuple(files))(BARE)

    assert canonical_form(with_order(names, resources)) == canonical_form(with_order(["x", "y", "z"], ["r1", "r2"]))


# --- content -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        (with_task(text="select 2"), ["text of task a"]),
        (with_task(timeout=60, retries=1), ["timeout of task a", "retries of task a"]),
        (with_task(datasource="mart"), ["datasource of task a"]),
        (with_task(parameters=(Parameter("day", "1"),)), ["parameters of task a"]),
        (with_settings(timeout=60), ["timeout"]),
        (with_settings(parameters=(Parameter("day", "1"),)), ["parameters"]),
    ],
)
def test_content_that_was_changed(change: Callable[[Definition], Definition], fields: list[str]) -> None:
    (found,) = edited(change)
    assert (found.kind, found.severity) == (Kind.CONTENT_CHANGED, Severity.ERROR)
    assert [one.field for one in found.differences] == fields


@pytest.mark.parametrize("change", [with_settings(description="theirs"), with_task(name="Theirs", description="x")])
def test_names_and_descriptions_are_a_warning(change: Callable[[Definition], Definition]) -> None:
    (found,) = edited(change)
    assert (found.kind, found.severity) == (Kind.CONTENT_CHANGED, Severity.WARNING)


def test_a_value_of_three_sides() -> None:
    current = a_content(3, a_definition("select 3"))
    found = compare("w", CONFIRMED, current, a_sight(Held(with_task(text="select 2")(BARE))))
    assert kinds(found) == [Kind.CONTENT_CHANGED, Kind.UNPUBLISHED]
    (field,) = found[0].differences
    assert (field.confirmed, field.current, field.engine) == ("select 1", "select 3", "select 2")


def test_a_task_that_was_added_with_its_edge() -> None:
    found = edited(lambda one: make(one.settings, [*one.tasks, Task("d", "D")], [*one.edges, ("c", "d")]))
    assert kinds(found) == [Kind.TASK_ADDED, Kind.EDGE_CHANGED]
    (task,), (edge,) = found[0].differences, found[1].differences
    assert (task.field, task.confirmed, task.engine) == ("task d", None, Task("d", "D"))
    assert (edge.field, edge.confirmed, edge.engine) == ("edge c → d", False, True)


def test_a_task_that_was_removed() -> None:
    (found,) = edited(lambda one: make(one.settings, one.tasks[:2], one.edges))
    assert (found.kind, found.differences[0].field, found.differences[0].engine) == (Kind.TASK_REMOVED, "task c", None)


@pytest.mark.parametrize("edges", [[], [("a", "b"), ("b", "c")], [("b", "a")]])
def test_edges_that_were_changed(edges: list[tuple[str, str]]) -> None:
    (found,) = edited(lambda one: make(one.settings, one.tasks, edges))
    assert (found.kind, found.severity) == (Kind.EDGE_CHANGED, Severity.ERROR)


def test_a_wait_for_another_workflow_is_an_edge() -> None:
    (found,) = edited(lambda one: make(one.settings, one.tasks, one.edges, [CrossEdge("up", "u", "a")]))
    assert (found.kind, found.differences[0].field) == (Kind.EDGE_CHANGED, "a waits for up/u")


# --- schedule and states -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schedule", "fields"),
    [
        (replace(NIGHTLY, cron="0 3 * * *"), ["cron"]),
        (MORNING, ["cron", "time_zone"]),
        (replace(NIGHTLY, end="2030-01-01T00:00:00Z"), ["end"]),
        (None, ["schedule"]),
    ],
)
def test_a_schedule_that_was_changed(schedule: Schedule | None, fields: list[str]) -> None:
    live = Held(BARE, schedule=schedule, schedule_online=schedule is not None)
    (found,) = compare("w", CONFIRMED, a_content(), a_sight(live))
    assert (found.kind, found.severity) == (Kind.SCHEDULE_CHANGED, Severity.ERROR)
    assert [one.field for one in found.differences] == fields


def test_a_schedule_where_none_was() -> None:
    bare = a_content(2, a_definition(schedule=None))
    confirmed = Confirmed(bare, online=True, schedule_online=False, engine_workflow_code=OWN)
    found = compare("w", confirmed, bare, a_sight())
    assert kinds(found) == [Kind.SCHEDULE_CHANGED, Kind.SCHEDULE_STATE_CHANGED]


def test_a_strange_schedule_of_an_offline_workflow() -> None:
    live = Held(BARE, online=False, schedule=MORNING, schedule_online=False)
    assert kinds(compare("w", OFFLINE, a_content(), a_sight(live, strange_schedule=True))) == [Kind.SCHEDULE_CHANGED]


def test_who_is_taken_offline_takes_the_schedule_along() -> None:
    (found,) = compare("w", CONFIRMED, a_content(), a_sight(Held(BARE, online=False, schedule_online=False)))
    assert (found.kind, found.severity) == (Kind.RELEASE_CHANGED, Severity.ERROR)
    assert next_step(found, "w", "e").endswith("--operation online")


def test_what_was_released_there() -> None:
    (found,) = compare("w", OFFLINE, a_content(), a_sight(Held(BARE, schedule_online=False)))
    assert found.kind is Kind.RELEASE_CHANGED
    assert next_step(found, "w", "e").endswith("--operation offline")


@pytest.mark.parametrize("online", [True, False])
def test_a_schedule_that_was_taken_online_or_offline(online: bool) -> None:
    confirmed = replace(CONFIRMED, schedule_online=not online)
    (found,) = compare("w", confirmed, a_content(), a_sight(Held(BARE, schedule_online=online)))
    assert (found.kind, found.severity) == (Kind.SCHEDULE_STATE_CHANGED, Severity.ERROR)


# --- identity ------------------------------------------------------------------------------------


def test_renamed_and_recreated() -> None:
    (renamed,) = compare("w", CONFIRMED, a_content(), a_sight(name="w_old"))
    assert (renamed.kind, renamed.severity) == (Kind.RENAMED, Severity.ERROR)
    assert renamed.differences[0].engine == "w_old"
    (recreated,) = compare("w", CONFIRMED, a_content(), a_sight(engine_workflow_code="9001"))
    assert (recreated.kind, recreated.severity) == (Kind.RECREATED, Severity.WARNING)


def test_renamed_where_the_engine_knows_it_by_a_code_of_its_own() -> None:
    def named(name: str) -> Definition:
        return with_settings(name=name)(BARE)

    confirmed = replace(CONFIRMED, content=replace(CONFIRMED.content, definition=named("w")))
    found = compare("w", confirmed, confirmed.content, a_sight(Held(named("w_old"))))
    assert [(one.kind, one.differences[0].engine) for one in found] == [(Kind.RENAMED, "w_old")]
    assert "pauses" in next_step(found[0], "w", "e")
    assert kinds(edited(with_settings(name="Another name for people"))) == [Kind.CONTENT_CHANGED]


def test_deleted() -> None:
    (found,) = compare("w", CONFIRMED, a_content(), None)
    assert (found.kind, found.severity) == (Kind.DELETED, Severity.ERROR)


def test_never_deployed_is_no_difference() -> None:
    (found,) = compare("w", None, a_content(), None)
    assert (found.kind, is_difference(found)) == (Kind.NEVER_DEPLOYED, False)


def test_of_the_same_name_but_never_ours() -> None:
    (found,) = compare("w", None, a_content(), a_sight(Held(with_task(text="theirs")(BARE))))
    assert (found.kind, found.severity) == (Kind.FOREIGN_DEFINITION, Severity.ERROR)
    assert [one.field for one in found.differences] == ["text of task a"]


def test_of_another_installation() -> None:
    assert kinds(edited(with_task(text="theirs"), strange_marker=True)) == [Kind.FOREIGN_WRITER]
    (found,) = compare("w", None, None, a_sight(strange_marker=True))
    assert found.kind is Kind.FOREIGN_WRITER


# --- our own versions ----------------------------------------------------------------------------


def test_switched_back_to_an_older_one_of_ours() -> None:
    live = Held(with_task(text="select 0")(BARE), online=False)
    found = compare("w", CONFIRMED, a_content(), a_sight(live, held=VersionRef(1, 1, "w1:1")))
    assert kinds(found) == [Kind.RELEASE_CHANGED, Kind.VERSION_SWITCHED]
    assert found[1].version_no == 1
    assert "V1" in told(found[1], "e")


def test_a_newer_one_that_was_never_confirmed_is_our_own_write() -> None:
    held = VersionRef(3, 3, "w1:3")
    (found,) = edited(with_task(text="select 3"), held=held)
    assert (found.kind, found.severity, found.version_no) == (Kind.LATE_WRITE, Severity.WARNING, 3)


def test_an_older_one_that_a_write_without_an_answer_can_have_brought() -> None:
    held = VersionRef(1, 1, "w1:1")
    assert kinds(edited(with_task(text="x"), held=held, late_steps=frozenset({"deploy"}))) == [Kind.LATE_WRITE]
    assert kinds(edited(with_task(text="x"), held=held, late_steps=frozenset({"bring_online"}))) == [
        Kind.VERSION_SWITCHED
    ]


def test_a_state_that_a_write_without_an_answer_can_have_brought() -> None:
    live = Held(BARE, online=False, schedule_online=False)
    for steps, kind in (({"take_offline"}, Kind.LATE_WRITE), ({"put_schedule"}, Kind.RELEASE_CHANGED)):
        found = compare("w", CONFIRMED, a_content(), a_sight(live, late_steps=frozenset(steps)))
        assert kinds(found) == [kind]


def test_what_a_person_changed_is_no_late_write_of_ours() -> None:
    assert kinds(edited(with_task(text="theirs"), late_steps=frozenset({"deploy"}))) == [Kind.CONTENT_CHANGED]


def test_ours_without_a_confirmation() -> None:
    (found,) = compare("w", None, a_content(), a_sight(held=VersionRef(2, 2, "w1:2")))
    assert (found.kind, found.version_no) == (Kind.LATE_WRITE, 2)


def test_the_platform_is_ahead() -> None:
    current = a_content(3, a_definition("select 3", MORNING))
    (found,) = compare("w", CONFIRMED, current, a_sight())
    assert (found.kind, found.severity, found.version_no) == (Kind.UNPUBLISHED, Severity.WARNING, 3)
    assert [one.field for one in found.differences] == ["text of task a", "schedule"]
    assert unpublished(CONFIRMED.content, current) == found


def test_a_version_that_is_the_same_for_the_engine_is_published() -> None:
    assert unpublished(CONFIRMED.content, replace(a_content(3), content_hash="w1:other")) is None


# --- what people read ----------------------------------------------------------------------------

EVERY = {
    *edited(lambda one: make(one.settings, [Task("a", "A", text="x"), Task("d", "D")], [("a", "d")])),
    *edited(with_task(text="x"), strange_marker=True),
    *edited(with_task(text="x"), held=VersionRef(1, 1, "w1:1")),
    *edited(with_task(text="x"), held=VersionRef(3, 3, "w1:3")),
    *compare("w", CONFIRMED, a_content(3, a_definition("x")), a_sight(Held(BARE, schedule=MORNING))),
    *compare("w", CONFIRMED, a_content(), a_sight(Held(BARE, online=False, schedule_online=False))),
    *compare("w", CONFIRMED, a_content(), a_sight(Held(BARE, schedule_online=False), name="x")),
    *compare("w", CONFIRMED, a_content(), a_sight(engine_workflow_code="1")),
    *compare("w", CONFIRMED, a_content(), None),
    *compare("w", None, a_content(), a_sight()),
    *compare("w", None, a_content(), None),
    Drift(Kind.UNMANAGED, Severity.INFO),
}


def test_every_kind_is_told_in_a_line_with_a_next_step() -> None:
    assert {one.kind for one in EVERY} == set(Kind)
    for one in EVERY:
        for line in (told(one, "prod"), next_step(one, "w", "prod")):
            assert line
            assert "\n" not in line
            assert "{" not in line
        assert "prod" in told(one, "prod")


def test_a_line_names_the_fields_and_not_the_values() -> None:
    (found,) = edited(with_task(text="password=hush"))
    assert told(found, "prod") == "somebody changed its content on prod: text of task a"
