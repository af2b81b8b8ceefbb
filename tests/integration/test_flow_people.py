"""Spec D: what people do to flows and what they are told; on both databases."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa

from tests.integration.flow_support import ACTOR, POLL, House
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
)
from wfgov_dagster.ports.flows import FlowFilter
from wfgov_dagster.usecases.flows import (
    Ended,
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
