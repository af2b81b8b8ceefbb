"""What spec D asks of flows, behaviour by behaviour, on both databases."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa

from tests.integration.flow_support import ACTOR, CALL, POLL, House
from wfgov_dagster.domain.flow import Again, Biz, FlowState, Turn
from wfgov_dagster.errors import (
    Conflict,
    EngineUnreachable,
    FlowCancelFailed,
    FlowCreateFailed,
    FlowDefineNotFound,
    FlowDetailFailed,
    FlowError,
    FlowNodePollingTimeOut,
    FlowQueryFailed,
    FlowStartFailed,
    FlowStopFailed,
    IllegalTransition,
    InvalidInput,
    NotFound,
    OutcomeUnknown,
    WfgovError,
)
from wfgov_dagster.ports.flows import FlowFilter
from wfgov_dagster.store.db import Database
from wfgov_dagster.store.schema.flow import flow
from wfgov_dagster.usecases.flows import (
    Ended,
    Registry,
    advance_flow,
    cancel_flow,
    create_flow,
    detail,
    drive_flow,
    due,
    init_context,
    list_flows,
    resume_flow,
    start_flow,
    stop_flow,
)

UNREACHABLE = EngineUnreachable("connection refused", where="engine e")


@pytest.fixture(scope="module")
def shared(new_database: Callable[[], str]) -> Iterator[House]:
    database = Database(new_database())
    yield House(database)
    database.dispose()


@pytest.fixture
def house(shared: House) -> House:
    shared.clear()
    return shared


# --- register, create ----------------------------------------------------------------------------


def test_a_definition_is_found_by_its_name_the_newest_version_first(house: House) -> None:
    old, new = house.define(house.node("a")), house.define(house.node("a"), house.node("b"), version=2)
    assert house.registry.get("f") is new
    assert house.registry.get("f", 1) is old


@pytest.mark.parametrize("names", [[], ["a", "a"]])
def test_a_definition_that_makes_no_sense_is_refused(house: House, names: list[str]) -> None:
    with pytest.raises(InvalidInput, match="flow nodes of different names"):
        house.define(*(house.node(name) for name in names))


def test_a_version_is_registered_once(house: House) -> None:
    house.define(house.node("a"))
    with pytest.raises(InvalidInput, match="registered already"):
        house.define(house.node("b"))


def test_a_created_flow_waits_for_its_start(house: House) -> None:
    house.define(house.node("a"), house.node("b", POLL))
    manager = house.manager()
    flow_id = create_flow(manager, ACTOR, Biz("42", "cluster"), "f", {"size": 3})
    found = house.detail(flow_id).flow
    assert (found.state, found.biz_id, found.biz_type, found.created_by) == ("Initializing", "42", "cluster", ACTOR)
    assert (found.context, found.definition_version, found.next_due_at) == ({"size": 3}, 1, None)
    assert [(one.node_name, one.kind) for one in house.detail(flow_id).nodes] == [("a", CALL), ("b", POLL)]
    assert advance_flow(manager, flow_id) == Ended(flow_id, FlowState.INITIALIZING)
    assert (due(manager), house.world.turns) == ([], [])


def test_an_unknown_name_is_not_created_and_the_refusal_is_on_record(house: House) -> None:
    with pytest.raises(FlowDefineNotFound) as refused:
        create_flow(house.manager(), ACTOR, Biz("1", "t"), "nobody")
    assert "nobody" in refused.value.where
    assert list_flows(house.manager()).total == 0
    assert house.audit() == [("create_flow", "refused")]


@pytest.mark.parametrize("biz", [Biz("", "t"), Biz("1", " "), Biz("x" * 256, "t"), Biz("1", "t" * 101), Biz("\0", "t")])
def test_a_flow_is_about_something_that_has_a_name(house: House, biz: Biz) -> None:
    house.define(house.node("a"))
    with pytest.raises(InvalidInput):
        create_flow(house.manager(), ACTOR, biz, "f")


# --- context -------------------------------------------------------------------------------------


def test_flow_nodes_see_the_context_and_the_results_before_them(house: House) -> None:
    house.define(house.node("a"), house.node("b"))
    house.world.says["a"] = [{"rows": 3}]
    manager = house.manager()
    flow_id = create_flow(manager, ACTOR, Biz("7", "thing"), "f", {"size": 1})
    version = init_context(manager, ACTOR, flow_id, ("name", ["数据", None, 1.5]), 0)
    assert init_context(manager, ACTOR, flow_id, ("size", 2), version) == 2
    start_flow(manager, ACTOR, flow_id)
    house.drive(flow_id)
    first, second = house.world.turns
    assert first.context == second.context == {"size": 2, "name": ["数据", None, 1.5]}
    assert (first.results, second.results) == ({}, {"a": {"rows": 3}})
    assert (second.biz_id, second.biz_type, second.actor, second.attempt) == ("7", "thing", ACTOR, 1)


def test_a_context_that_somebody_changed_meanwhile_is_not_overwritten(house: House) -> None:
    house.define(house.node("a"))
    manager = house.manager()
    flow_id = create_flow(manager, ACTOR, Biz("7", "thing"), "f")
    init_context(manager, ACTOR, flow_id, ("key", "theirs"), 0)
    with pytest.raises(Conflict, match="at version 1, not 0"):
        init_context(manager, ACTOR, flow_id, ("key", "mine"), 0)
    assert house.detail(flow_id).flow.context == {"key": "theirs"}


def test_the_context_is_frozen_by_the_start(house: House) -> None:
    house.define(house.node("a"))
    flow_id = house.begin()
    with pytest.raises(IllegalTransition, match="frozen, it is Processing"):
        init_context(house.manager(), ACTOR, flow_id, ("key", 1), 0)
    assert house.audit(flow_id)[-1] == ("init_context_flow", "refused")


@pytest.mark.parametrize("value", [{1, 2}, float("nan"), 2**63, "\ud800", {1: 2}, datetime(2026, 1, 1), [[object()]]])  # noqa: DTZ001
def test_only_json_is_context(house: House, value: Any) -> None:
    house.define(house.node("a"))
    manager = house.manager()
    flow_id = create_flow(manager, ACTOR, Biz("7", "thing"), "f")
    with pytest.raises(InvalidInput, match="JSON"):
        init_context(manager, ACTOR, flow_id, ("key", value), 0)
    with pytest.raises(InvalidInput, match="JSON"):
        create_flow(manager, ACTOR, Biz("8", "thing"), "f", {"key": value})


# --- start, run ----------------------------------------------------------------------------------


def test_a_start_only_makes_it_due(house: House) -> None:
    house.define(house.node("a"))
    flow_id = house.begin()
    assert (house.state(flow_id), house.world.turns, due(house.manager())) == ("Processing", [], [flow_id])


def test_flow_nodes_run_in_order_and_then_it_is_finished(house: House) -> None:
    house.define(house.node("a"), house.node("b"), house.node("c"))
    flow_id, end = house.run()
    assert end == Ended(flow_id, FlowState.FINISHED)
    assert house.world.acted(flow_id) == ["a", "b", "c"]
    assert house.attempts(flow_id) == [(name, 1, "do", "ok") for name in "abc"]
    found = house.detail(flow_id)
    assert [one.result for one in found.nodes] == [{"node": name} for name in "abc"]
    told = (found.flow, *found.nodes, *found.attempts)
    assert None not in {moment for one in told for moment in (one.started_at, one.ended_at)}
    assert (due(house.manager()), house.sleeps) == ([], [])


def test_starting_twice_starts_once(house: House) -> None:
    house.define(house.node("a"))
    flow_id = house.begin()
    start_flow(house.manager(), ACTOR, flow_id)
    house.drive(flow_id)
    assert house.world.calls(flow_id) == {"a": 1}
    with pytest.raises(FlowStartFailed) as refused:
        start_flow(house.manager(), ACTOR, flow_id)
    assert "Finished" in refused.value.hint


def test_a_key_is_fixed_for_life_and_nobody_elses(house: House) -> None:
    house.define(house.node("a"), house.node("b"))
    house.world.says["a"] = [UNREACHABLE, UNREACHABLE, None]
    (one, _), _ = house.run(), house.run()
    keys = {(turn.flow_id, turn.node, turn.key) for turn in house.world.turns}
    assert len(keys) == len({key for _, _, key in keys}) == 4
    assert house.world.calls(one) == {"a": 3, "b": 1}


# --- polls ---------------------------------------------------------------------------------------


def test_a_poll_looks_until_it_is_there_in_its_interval_or_the_one_it_says(house: House) -> None:
    house.define(house.node("a", POLL, interval_seconds=3.0))
    house.world.says["a"] = [lambda turn: turn.not_yet(), Again(0.5), {"there": True}]
    flow_id, _ = house.run()
    assert [round(seconds, 1) for seconds in house.sleeps] == [3.0, 0.5]
    (attempt,) = house.detail(flow_id).attempts
    assert (attempt.looks, attempt.outcome) == (3, "ok")


def test_a_wait_longer_than_the_patience_gives_the_flow_back(house: House) -> None:
    house.define(house.node("a", POLL))
    house.world.says["a"] = [Again(1.9), Again(2.1)]
    flow_id, sleeps = house.begin(), []

    def sleep(seconds: float) -> None:
        sleeps.append(seconds)
        house.make_due(flow_id)

    end = drive_flow(house.manager(), flow_id, sleep)
    assert end == Again(2.1)
    assert sleeps == [1.9]
    found = house.detail(flow_id).flow
    assert (found.holder, found.state, due(house.manager())) == (None, "Processing", [])
    assert found.next_due_at is not None
    assert 0 < (found.next_due_at - found.read_at).total_seconds() <= 2.1


def test_nobody_looks_before_it_is_due(house: House) -> None:
    house.define(house.node("a", POLL))
    house.world.says["a"] = [Again(60.0)]
    flow_id = house.begin()
    advance_flow(house.manager(), flow_id)
    assert isinstance(advance_flow(house.manager(), flow_id), Again)
    assert house.world.calls(flow_id) == {"a": 1}


def test_what_is_not_there_within_the_deadline_is_a_time_out(house: House) -> None:
    house.define(house.node("a", POLL, interval_seconds=30.0, deadline_seconds=20.0), house.node("b"))
    house.world.says["a"] = [Again(30.0)]
    flow_id, manager = house.begin(), house.manager()
    said = advance_flow(manager, flow_id)
    assert isinstance(said, Again)
    assert 19.0 < said.after_seconds <= 20.0, "it is asked once more at its deadline"
    house.pass_deadlines(flow_id)
    end = advance_flow(manager, flow_id)
    assert isinstance(end, Ended)
    assert (end.state, end.error_code) == ("Error", "WORKFLOW_NODE_POLLING_TIME_OUT")
    assert str(end.message).startswith("WORKFLOW_NODE_POLLING_TIME_OUT: workflow node polling time out — flow node a")
    assert (house.nodes(flow_id), house.world.calls(flow_id)) == (["failed", "waiting"], {"a": 2})


def test_what_is_there_at_the_last_moment_counts(house: House) -> None:
    house.define(house.node("a", POLL, deadline_seconds=20.0))
    house.world.says["a"] = [Again(1.0), {"there": True}]
    flow_id, manager = house.begin(), house.manager()
    advance_flow(manager, flow_id)
    house.pass_deadlines(flow_id)
    assert advance_flow(manager, flow_id) == Ended(flow_id, FlowState.FINISHED)


def test_a_resume_waits_for_another_deadline(house: House) -> None:
    house.define(house.node("a", POLL, deadline_seconds=20.0))
    house.world.says["a"] = [Again(1.0), Again(1.0), Again(1.0), {"there": True}]
    flow_id, manager = house.begin(), house.manager()
    advance_flow(manager, flow_id)
    house.pass_deadlines(flow_id)
    advance_flow(manager, flow_id)
    resume_flow(manager, ACTOR, flow_id)
    assert house.drive(flow_id) == Ended(flow_id, FlowState.FINISHED)
    assert house.attempts(flow_id) == [("a", 1, "do", "failed"), ("a", 2, "do", "ok")]


def test_a_call_that_says_again_is_a_fault_of_its_definition(house: House) -> None:
    house.define(house.node("a"))
    house.world.says["a"] = [Again(1.0)]
    _, end = house.run()
    assert isinstance(end, Ended)
    assert "has to be a poll" in str(end.message)


# --- errors --------------------------------------------------------------------------------------


def test_a_retryable_error_is_another_attempt_ever_later(house: House) -> None:
    house.define(house.node("a", attempts=5))
    house.world.says["a"] = [UNREACHABLE, OutcomeUnknown("cut off"), UNREACHABLE, {"ok": True}]
    flow_id, end = house.run()
    assert end == Ended(flow_id, FlowState.FINISHED)
    assert [round(seconds) for seconds in house.sleeps] == [1, 2, 4]
    assert [turn.attempt for turn in house.world.turns] == [1, 2, 3, 4]
    assert [one.error_code for one in house.detail(flow_id).attempts] == [
        "engine_unreachable", "engine_unknown", "engine_unreachable", None,
    ]  # fmt: skip
    assert house.detail(flow_id).nodes[0].error is None


def test_attempts_are_used_up_and_the_last_error_is_the_flows(house: House) -> None:
    house.define(house.node("a", attempts=3), house.node("b"))
    house.world.says["a"] = [UNREACHABLE]
    flow_id, end = house.run()
    message = "engine_unreachable: connection refused — engine e"
    assert end == Ended(flow_id, FlowState.ERROR, "engine_unreachable", message)
    assert house.world.calls(flow_id) == {"a": 3}
    assert [one.state for one in house.detail(flow_id).nodes] == ["failed", "waiting"]
    assert due(house.manager()) == []


def test_no_attempt_begins_after_the_deadline_of_a_call(house: House) -> None:
    house.define(house.node("a", attempts=100, deadline_seconds=20.0))
    house.world.says["a"] = [UNREACHABLE]
    flow_id, manager = house.begin(), house.manager()
    advance_flow(manager, flow_id)
    house.pass_deadlines(flow_id)
    end = advance_flow(manager, flow_id)
    assert isinstance(end, Ended)
    assert (end.state, end.error_code) == ("Error", "engine_unreachable")


def test_another_error_of_ours_is_the_end_of_the_flow_node(house: House) -> None:
    house.define(house.node("a"))
    house.world.says["a"] = [Conflict("somebody moved first")]
    flow_id, end = house.run()
    assert end == Ended(flow_id, FlowState.ERROR, "conflict", "conflict: somebody moved first")
    assert house.world.calls(flow_id) == {"a": 1}


def test_a_fault_of_the_program_ends_the_flow_node_and_shows_no_secret(house: House) -> None:
    house.define(house.node("a"))
    house.world.says["a"] = [KeyError("postgresql://me:hush@host/db token=hush Authorization: Bearer hush.hush")]
    flow_id, end = house.run()
    assert isinstance(end, Ended)
    assert (end.state, end.error_code, house.world.calls(flow_id)) == ("Error", "internal", {"a": 1})
    assert str(end.message).startswith("KeyError: ")
    assert "hush" not in str(house.detail(flow_id))


def test_a_result_that_is_no_json_ends_the_flow_node(house: House) -> None:
    house.define(house.node("a"))
    house.world.says["a"] = [{"at": object()}]
    _, end = house.run()
    assert isinstance(end, Ended)
    assert (end.state, end.error_code) == ("Error", "invalid")
    assert "result of flow node a.at" in str(end.message)


def test_the_time_of_the_whole_flow_is_limited_too(house: House) -> None:
    house.define(house.node("a", POLL), house.node("b"), deadline_seconds=20.0)
    house.world.says["a"] = [Again(1000.0)]
    flow_id, manager = house.begin(), house.manager()
    said = advance_flow(manager, flow_id)
    assert isinstance(said, Again)
    assert said.after_seconds <= 20.0
    house.pass_deadlines(flow_id)
    end = advance_flow(manager, flow_id)
    assert isinstance(end, Ended)
    assert (end.state, end.error_code) == ("Error", "WORKFLOW_TIME_OUT")
    assert house.attempts(flow_id) == [("a", 1, "do", "failed")]


# --- stop, resume --------------------------------------------------------------------------------


def test_a_stop_lets_the_current_flow_node_end_and_no_other_begin(house: House) -> None:
    house.define(house.node("a"), house.node("b"))
    flow_id = house.begin()
    house.world.says["a"] = [lambda turn: stop_flow(house.manager(), "bob", turn.flow_id)]
    assert house.drive(flow_id) == Ended(flow_id, FlowState.STOPPED)
    assert (house.nodes(flow_id), due(house.manager())) == (["done", "waiting"], [])
    resume_flow(house.manager(), ACTOR, flow_id)
    assert house.drive(flow_id) == Ended(flow_id, FlowState.FINISHED)
    assert house.world.calls(flow_id) == {"a": 1, "b": 1}


def test_what_fails_after_a_stop_is_recorded_and_tried_again_when_it_is_resumed(house: House) -> None:
    house.define(house.node("a"))

    def stopped(turn: Turn) -> object:
        stop_flow(house.manager(), ACTOR, turn.flow_id)
        raise Conflict("no")

    house.world.says["a"] = [stopped, {"ok": True}]
    flow_id, end = house.run()
    assert end == Ended(flow_id, FlowState.STOPPED)
    assert house.nodes(flow_id) == ["failed"]
    resume_flow(house.manager(), ACTOR, flow_id)
    assert house.drive(flow_id) == Ended(flow_id, FlowState.FINISHED)
    assert house.attempts(flow_id) == [("a", 1, "do", "failed"), ("a", 2, "do", "ok")]


def test_a_poll_that_was_stopped_goes_on_looking_when_it_is_resumed(house: House) -> None:
    house.define(house.node("a", POLL))
    house.world.says["a"] = [Again(60.0), {"there": True}]
    flow_id, manager = house.begin(), house.manager()
    advance_flow(manager, flow_id)
    stop_flow(manager, ACTOR, flow_id)
    stop_flow(manager, ACTOR, flow_id)
    assert advance_flow(manager, flow_id) == Ended(flow_id, FlowState.STOPPED)
    resume_flow(manager, ACTOR, flow_id)
    assert house.drive(flow_id) == Ended(flow_id, FlowState.FINISHED)
    assert house.attempts(flow_id) == [("a", 1, "do", "ok")]


def test_a_flow_in_error_goes_on_at_the_same_flow_node_and_keeps_its_attempts(house: House) -> None:
    house.define(house.node("a"), house.node("b", attempts=2))
    house.world.says["b"] = [UNREACHABLE, UNREACHABLE, UNREACHABLE, {"ok": True}]
    flow_id, _ = house.run()
    assert house.state(flow_id) == "Error"
    resume_flow(house.manager(), ACTOR, flow_id)
    assert house.drive(flow_id) == Ended(flow_id, FlowState.FINISHED)
    assert house.attempts(flow_id) == [
        ("a", 1, "do", "ok"), ("b", 1, "do", "failed"), ("b", 2, "do", "failed"), ("b", 3, "do", "failed"),
        ("b", 4, "do", "ok"),
    ]  # fmt: skip
    assert len({turn.key for turn in house.world.turns if turn.node == "b"}) == 1
    assert house.detail(flow_id).flow.error is None


@pytest.mark.parametrize("state", [FlowState.INITIALIZING, FlowState.FINISHED])
def test_only_what_was_stopped_or_failed_can_be_resumed(house: House, state: FlowState) -> None:
    house.define(house.node("a"))
    flow_id = create_flow(house.manager(), ACTOR, Biz("7", "thing"), "f")
    if state is FlowState.FINISHED:
        flow_id, _ = house.run()
    with pytest.raises(IllegalTransition, match=f"resume is not possible in state {state}"):
        resume_flow(house.manager(), ACTOR, flow_id)


# --- cancel --------------------------------------------------------------------------------------


def test_a_cancel_undoes_what_was_begun_the_last_first_and_keeps_its_reason(house: House) -> None:
    house.define(
        house.node("a", undo=True), house.node("b"), house.node("c", undo=True), house.node("d", POLL, undo=True),
        house.node("e", undo=True),
    )  # fmt: skip
    house.world.says["d"] = [Again(60.0)]
    flow_id = house.begin()
    drive_flow(house.manager(), flow_id, house.sleeps.append)
    cancel_flow(house.manager(), "bob", flow_id, "wrong cluster")
    cancel_flow(house.manager(), "eve", flow_id, "another reason")
    assert (house.state(flow_id), due(house.manager())) == ("Canceling", [flow_id])
    assert house.drive(flow_id) == Ended(flow_id, FlowState.CANCELED)
    assert house.world.acted(flow_id) == ["a", "b", "c", "undo d", "undo c", "undo a"]
    assert house.nodes(flow_id) == ["undone", "done", "undone", "undone", "waiting"]
    assert house.detail(flow_id).flow.cancel_reason == "wrong cluster"
    assert len({turn.key for turn in house.world.turns}) == 7, "what undoes has keys of its own"


def test_a_cancel_before_the_start_ends_it_at_once(house: House) -> None:
    house.define(house.node("a", undo=True))
    manager = house.manager()
    flow_id = create_flow(manager, ACTOR, Biz("7", "thing"), "f")
    cancel_flow(manager, ACTOR, flow_id, "not needed")
    assert (house.state(flow_id), house.world.turns, due(manager)) == ("Canceled", [], [])


def test_a_cancel_while_a_flow_node_is_at_work_undoes_that_one_too(house: House) -> None:
    house.define(house.node("a", undo=True), house.node("b", undo=True))
    flow_id = house.begin()
    house.world.says["b"] = [lambda turn: cancel_flow(house.manager(), ACTOR, turn.flow_id, "changed my mind")]
    assert house.drive(flow_id) == Ended(flow_id, FlowState.CANCELED)
    assert house.world.acted(flow_id) == ["a", "b", "undo b", "undo a"]


@pytest.mark.parametrize("said", [Conflict("no"), UNREACHABLE, Again(60.0)], ids=["no", "silence", "not_yet"])
def test_a_cancel_is_not_held_up_by_what_a_flow_node_says_meanwhile(house: House, said: object) -> None:
    house.define(house.node("a", POLL, undo=True))

    def cancelled(turn: Turn) -> object:
        cancel_flow(house.manager(), ACTOR, turn.flow_id, "changed my mind")
        return said

    house.world.says["a"] = [cancelled]
    flow_id, end = house.run()
    assert end == Ended(flow_id, FlowState.CANCELED)
    assert house.sleeps == []


def test_a_stopped_or_failed_flow_can_be_cancelled(house: House) -> None:
    house.define(house.node("a", undo=True), house.node("b", undo=True))
    house.world.says["b"] = [Conflict("no")]
    flow_id, _ = house.run()
    cancel_flow(house.manager(), ACTOR, flow_id, "it will not work")
    assert house.drive(flow_id) == Ended(flow_id, FlowState.CANCELED)
    assert house.world.acted(flow_id) == ["a", "undo b", "undo a"], "who failed may have done half of its work"


def test_what_cannot_be_undone_is_an_error_and_a_resume_undoes_further(house: House) -> None:
    house.define(house.node("a", undo=True), house.node("b", undo=True))
    flow_id, _ = house.begin(), None
    house.world.says["b"] = [lambda turn: cancel_flow(house.manager(), ACTOR, turn.flow_id, "stop it")]
    house.world.says["undo b"] = [UNREACHABLE, Conflict("no"), Again(1.0), {"undone": True}]
    end = house.drive(flow_id)
    assert end == Ended(flow_id, FlowState.ERROR, "conflict", "conflict: no")
    assert house.nodes(flow_id) == ["done", "done"]
    resume_flow(house.manager(), ACTOR, flow_id)
    assert house.state(flow_id) == "Canceling"
    assert house.drive(flow_id) == Ended(flow_id, FlowState.CANCELED)
    assert house.world.acted(flow_id) == ["a", "b", "undo b", "undo a"]


@pytest.mark.parametrize("reason", ["", "  ", "x" * 1001])
def test_a_cancel_needs_a_reason(house: House, reason: str) -> None:
    house.define(house.node("a"))
    flow_id = house.begin()
    with pytest.raises(InvalidInput, match="reason"):
        cancel_flow(house.manager(), ACTOR, flow_id, reason)
    assert house.state(flow_id) == "Processing"


# --- list, detail, counts ------------------------------------------------------------------------


def test_flows_are_listed_in_pages_the_newest_first_and_filtered(house: House) -> None:
    house.define(house.node("a"))
    ids = [house.begin(biz=Biz(str(at % 2), "odd" if at % 2 else "even")) for at in range(5)]
    house.drive(ids[0])
    manager = house.manager()
    page = list_flows(manager, page=2, size=2)
    assert ([one.id for one in page.flows], page.total) == ([ids[2], ids[1]], 5)
    for wanted, expected in (
        (FlowFilter(biz_id="1"), [ids[3], ids[1]]),
        (FlowFilter(biz_type="even"), [ids[4], ids[2], ids[0]]),
        (FlowFilter(state=FlowState.FINISHED), [ids[0]]),
        (FlowFilter("0", "even", FlowState.PROCESSING), [ids[4], ids[2]]),
        (FlowFilter("0", "odd"), []),
    ):
        found = list_flows(manager, wanted)
        assert ([one.id for one in found.flows], found.total) == (expected, len(expected))


@pytest.mark.parametrize(("page", "size"), [(0, 10), (1, 0), (1, 1001)])
def test_a_page_that_makes_no_sense_is_refused(house: House, page: int, size: int) -> None:
    with pytest.raises(InvalidInput):
        list_flows(house.manager(), page=page, size=size)


def test_calls_and_their_time_are_counted_refusals_too(house: House) -> None:
    house.define(house.node("a"))
    flow_id, manager = house.begin(), house.manager()
    stop_flow(manager, ACTOR, flow_id)
    list_flows(manager)
    detail(manager, flow_id)
    with pytest.raises(NotFound):
        detail(manager, 0)
    counted = house.meter.read()
    assert {name: (one.calls, one.failures) for name, one in counted.items()} == {
        "flow_create": (1, 0), "flow_start": (1, 0), "flow_stop": (1, 0), "flow_query": (1, 0), "flow_detail": (2, 1),
    }  # fmt: skip
    assert all(0 < one.longest_seconds <= one.seconds for one in counted.values())


def test_every_change_has_an_audit_entry(house: House) -> None:
    house.define(house.node("a"))
    manager = house.manager()
    flow_id = create_flow(manager, ACTOR, Biz("7", "thing"), "f")
    init_context(manager, ACTOR, flow_id, ("k", 1), 0)
    start_flow(manager, ACTOR, flow_id)
    stop_flow(manager, ACTOR, flow_id)
    resume_flow(manager, ACTOR, flow_id)
    cancel_flow(manager, ACTOR, flow_id, "enough")
    with pytest.raises(FlowStopFailed):
        stop_flow(manager, ACTOR, flow_id)
    verbs = ("create", "init_context", "start", "stop", "resume", "cancel")
    assert house.audit(flow_id) == [*((f"{verb}_flow", "done") for verb in verbs), ("stop_flow", "refused")]


# --- codes, texts, statuses ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "code", "text", "status"),
    [
        (FlowCreateFailed, "WORKFLOW_CREATE_FAILED", "workflow create failed", 500),
        (FlowQueryFailed, "WORKFLOW_QUERY_FAILED", "workflow query failed", 500),
        (FlowDetailFailed, "WORKFLOW_DETAIL_FAILED", "workflow detail failed", 500),
        (FlowStartFailed, "WORKFLOW_START_FAILED", "workflow start failed", 500),
        (FlowStopFailed, "WORKFLOW_STOP_FAILED", "workflow stop failed", 500),
        (FlowCancelFailed, "WORKFLOW_CANCEL_FAILED", "workflow cancel failed", 500),
        (FlowDefineNotFound, "WORKFLOW_DEFINE_NOT_FOUND", "workflow define not found", 404),
        (FlowNodePollingTimeOut, "WORKFLOW_NODE_POLLING_TIME_OUT", "workflow node polling time out", 500),
    ],
)
def test_the_codes_are_those_of_the_specification(kind: type[FlowError], code: str, text: str, status: int) -> None:
    problem = kind(where="flow 7", hint="why").problem()
    assert (problem["code"], problem["detail"], problem["status"]) == (code, text, status)


VERBS: dict[str, tuple[type[FlowError], Callable[[Any, int], object]]] = {
    "create": (FlowCreateFailed, lambda manager, _: create_flow(manager, ACTOR, Biz("7", "t"), "f")),
    "query": (FlowQueryFailed, lambda manager, _: list_flows(manager)),
    "detail": (FlowDetailFailed, detail),
    "start": (FlowStartFailed, lambda manager, flow_id: start_flow(manager, ACTOR, flow_id)),
    "stop": (FlowStopFailed, lambda manager, flow_id: stop_flow(manager, ACTOR, flow_id)),
    "cancel": (FlowCancelFailed, lambda manager, flow_id: cancel_flow(manager, ACTOR, flow_id, "why")),
}


@pytest.mark.parametrize("verb", VERBS)
def test_what_the_database_does_not_do_has_the_code_of_the_verb(house: House, verb: str) -> None:
    house.define(house.node("a"))
    flow_id = house.begin()
    kind, call = VERBS[verb]
    rename = "ALTER TABLE flow RENAME TO flow_away", "ALTER TABLE flow_away RENAME TO flow"
    with house.database.write() as conn:
        conn.execute(sa.text(rename[0]))
    try:
        with pytest.raises(kind) as failure:
            call(house.manager(), flow_id)
    finally:
        with house.database.write() as conn:
            conn.execute(sa.text(rename[1]))
    assert "database_missing" in failure.value.hint


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb not in {"create", "query"}])
def test_an_unknown_flow_is_not_found(house: House, verb: str) -> None:
    with pytest.raises(NotFound) as failure:
        VERBS[verb][1](house.manager(), 4711)
    assert (failure.value.status, str(failure.value)) == (404, "no flow 4711")


@pytest.mark.parametrize("verb", ["start", "stop", "cancel"])
def test_what_the_state_does_not_allow_has_the_code_of_the_verb_and_says_the_state(house: House, verb: str) -> None:
    house.define(house.node("a"))
    flow_id, _ = house.run()
    kind, call = VERBS[verb]
    with pytest.raises(kind) as failure:
        call(house.manager(), flow_id)
    assert failure.value.hint == f"{verb} is not possible in state Finished"


# --- definitions that are not here ---------------------------------------------------------------


def test_a_manager_that_does_not_know_the_definition_says_so_and_one_that_does_goes_on(house: House) -> None:
    house.define(house.node("a"))
    flow_id, stranger = house.begin(), house.manager(Registry())
    assert due(stranger) == [flow_id]
    with pytest.raises(FlowDefineNotFound):
        advance_flow(stranger, flow_id)
    found = house.detail(flow_id).flow
    assert (found.state, found.error_code, found.holder) == ("Processing", "WORKFLOW_DEFINE_NOT_FOUND", None)
    assert "f version 1" in str(found.error)
    assert (due(stranger), due(house.manager())) == ([], [flow_id]), "it is told once, and nobody else has to wait"
    assert house.drive(flow_id) == Ended(flow_id, FlowState.FINISHED)
    assert house.detail(flow_id).flow.error_code is None


def test_a_flow_ends_on_the_version_it_began(house: House) -> None:
    house.define(house.node("a"), house.node("b"))
    flow_id = house.begin()
    advance_flow(house.manager(), flow_id)
    house.define(house.node("a"), house.node("new"), version=2)
    assert house.drive(flow_id) == Ended(flow_id, FlowState.FINISHED)
    later, _ = house.run()
    assert (house.world.acted(flow_id), house.world.acted(later)) == (["a", "b"], ["a", "new"])


def test_a_definition_that_changed_without_a_new_version_is_not_taken_for_the_old_one(house: House) -> None:
    house.define(house.node("a"), house.node("b"))
    flow_id = house.begin()
    house.registry = Registry()
    house.define(house.node("a"), house.node("c"))
    with pytest.raises(FlowDefineNotFound) as failure:
        advance_flow(house.manager(), flow_id)
    assert "needs a new version" in failure.value.hint


# --- due -----------------------------------------------------------------------------------------


def test_the_oldest_due_comes_first_and_a_batch_has_an_end(house: House) -> None:
    house.define(house.node("a"))
    ids = [house.begin() for _ in range(5)]
    house.make_due(ids[0])
    assert due(house.manager(), limit=3) == ids[1:4]
    assert due(house.manager()) == [*ids[1:], ids[0]]


def test_flows_that_others_hold_do_not_hide_those_behind_them(house: House) -> None:
    house.define(house.node("a"))
    ids = [house.begin() for _ in range(6)]
    with house.store.write() as work:
        for at, flow_id in enumerate(ids[:4]):
            work.flows.take(flow_id, f"other {at}", 60)
    assert due(house.manager(), limit=2) == ids[4:]
    house.dead.add("other 2")
    assert due(house.manager(), limit=2) == [ids[2], ids[4]]


def test_idle_work_is_one_query_that_uses_the_index(house: House) -> None:
    house.define(house.node("a"))
    house.run()
    asked: list[tuple[str, Any]] = []
    manager = house.manager()

    def hear(_conn: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    sa.event.listen(house.database.engine, "before_cursor_execute", hear)
    try:
        assert due(manager) == []
    finally:
        sa.event.remove(house.database.engine, "before_cursor_execute", hear)
    (query,) = [one for one in asked if not one[0].startswith("BEGIN")]
    with house.database.write() as conn:
        if not house.database.is_sqlite:
            conn.exec_driver_sql("SET LOCAL enable_seqscan = off")
        how = "EXPLAIN QUERY PLAN " if house.database.is_sqlite else "EXPLAIN "
        plan = conn.exec_driver_sql(how + query[0], query[1]).fetchall()
    assert "ix_flow_next_due_at" in str(plan)


def test_a_flow_whose_state_is_moved_by_hand_is_refused_by_the_database(house: House) -> None:
    house.define(house.node("a"))
    flow_id = house.begin()
    with pytest.raises(Conflict), house.database.write() as conn:
        conn.execute(sa.update(flow).where(flow.c.id == flow_id).values(state="Sleeping"))


def test_no_error_of_a_flow_is_called_like_another(house: House) -> None:
    kinds = [FlowError, *FlowError.__subclasses__()]
    assert len({kind.code for kind in kinds}) == len(kinds)
    assert all(issubclass(kind, WfgovError) for kind in kinds)
