"""What the double does, as a table: a real server can be asked the same one day. It keeps the engines' contract."""

import inspect
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.contract.engine_contract import MORNING, NIGHTLY, EngineContract, a_definition, a_marker, seen
from tests.doubles.dolphin_manners import PERSON, DolphinManners
from wfgov_dagster.errors import EngineRejected

Call = Callable[[DolphinManners], None]
_ONE, _OTHER = a_definition(), a_definition(text="echo other")
ALONE = [
    name
    for name, test in vars(EngineContract).items()
    if name.startswith("test_") and list(inspect.signature(test).parameters) == ["self", "engine"]
]


def holding(*, online: bool = False, scheduled: bool = False, fires: bool = False) -> DolphinManners:
    engine = DolphinManners()
    engine.deploy(_ONE, a_marker(_ONE))
    if online or scheduled:
        engine.online("daily")
    if scheduled:
        engine.put_schedule("daily", NIGHTLY)
    if fires:
        engine.schedule_online("daily")
    if scheduled and not online:
        engine.offline("daily")
    return engine


@pytest.mark.parametrize("name", ALONE)
def test_it_keeps_the_contract_as_far_as_nothing_has_to_run(name: str) -> None:
    getattr(EngineContract(), name)(DolphinManners())


def test_most_of_the_contract_is_asked_of_it() -> None:
    assert len(ALONE) >= 25


# state before (online, scheduled, fires), call, code of the refusal or None, state after (online, cron, fires)
TABLE: list[tuple[tuple[bool, bool, bool], str, Call, str | None, tuple[bool, str | None, bool]]] = [
    ((True, True, True), "deploy", lambda one: one.deploy(_OTHER, a_marker(_OTHER, 2)), "50008",
     (True, NIGHTLY.cron, True)),
    ((False, True, False), "deploy", lambda one: one.deploy(_OTHER, a_marker(_OTHER, 2)), None,
     (False, NIGHTLY.cron, False)),
    ((True, True, True), "offline", lambda one: one.offline("daily"), None, (False, NIGHTLY.cron, False)),
    ((False, True, False), "online", lambda one: one.online("daily"), None, (True, NIGHTLY.cron, False)),
    ((True, True, True), "online again", lambda one: one.online("daily"), None, (True, NIGHTLY.cron, True)),
    ((False, False, False), "schedule while offline", lambda one: one.put_schedule("daily", MORNING), "50004",
     (False, None, False)),
    ((True, True, True), "another schedule", lambda one: one.put_schedule("daily", MORNING), None,
     (True, MORNING.cron, False)),
    ((False, True, False), "fire while offline", lambda one: one.schedule_online("daily"), "50004",
     (False, NIGHTLY.cron, False)),
    ((True, False, False), "fire without a schedule", lambda one: one.schedule_online("daily"), "50004",
     (True, None, False)),
    ((True, True, True), "fire no more", lambda one: one.schedule_offline("daily"), None, (True, NIGHTLY.cron, False)),
    ((True, False, False), "an unknown one", lambda one: one.offline("nobody"), "50003", (True, None, False)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("before", "name", "call", "refused", "after"), TABLE, ids=[f"{row[1]} {row[0]}" for row in TABLE]
)
def test_what_it_does(
    before: tuple[bool, bool, bool], name: str, call: Call, refused: str | None, after: tuple[bool, str | None, bool]
) -> None:
    engine = holding(online=before[0], scheduled=before[1], fires=before[2])
    if refused is None:
        call(engine)
    else:
        with pytest.raises(EngineRejected, match=refused):
            call(engine)
    found = seen(engine)
    assert (found.online, found.schedule and found.schedule.cron, found.schedule_online) == after
    assert (engine.history[-1].refused is None) == (refused is None)


def test_the_last_writer_wins_whoever_looked_first() -> None:
    engine = holding()
    engine.deploy(_OTHER, a_marker(_OTHER, 3))
    engine.deploy(_ONE, a_marker(_ONE, 2))
    assert seen(engine).definition == _ONE
    assert [one.version for one in engine.versions("daily")] == [3, 2, 1]


def test_the_same_content_again_makes_no_version_but_takes_the_marker() -> None:
    engine = holding()
    engine.deploy(_ONE, a_marker(_ONE, 7))
    assert [one.version for one in engine.versions("daily")] == [1]
    assert seen(engine).marker == a_marker(_ONE, 7)


def test_people_edit_it_and_leave_our_marker_where_it_was() -> None:
    engine = holding(online=True, scheduled=True, fires=True)
    engine.edit(replace(_OTHER, settings=replace(_OTHER.settings, schedule=NIGHTLY)))
    found = seen(engine)
    assert (found.definition, found.marker) == (_OTHER, a_marker(_ONE))
    assert (found.online, found.schedule, found.schedule_online) == (True, NIGHTLY, False)
    engine.unmark("daily")
    engine.reschedule("daily", MORNING, online=True)
    engine.turn("daily", online=False)
    found = seen(engine)
    assert (found.marker, found.online, found.schedule, found.schedule_online) == (None, False, MORNING, False)
    assert {entry.who for entry in engine.history[-4:]} == {PERSON}


def test_it_remembers_what_was_asked_when_and_what_it_held_then() -> None:
    times = iter(range(100))
    engine = DolphinManners(lambda: float(next(times)))
    engine.who = "seat 1"
    engine.deploy(_ONE, a_marker(_ONE))
    engine.online("daily")
    told = [(entry.who, entry.call, entry.version, entry.after and entry.after.online) for entry in engine.history]
    assert told == [("seat 1", "deploy V1", 1, False), ("seat 1", "online", None, True)]
    assert engine.history[0].at < engine.history[1].at
