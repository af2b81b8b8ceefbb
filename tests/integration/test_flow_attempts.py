"""Spec D: polls, attempts, deadlines and errors of flow nodes; on both databases."""

from tests.integration.flow_support import ACTOR, POLL, House
from wfgov_dagster.domain.flow import Again, FlowState
from wfgov_dagster.errors import (
    Conflict,
    EngineUnreachable,
    OutcomeUnknown,
)
from wfgov_dagster.usecases.flows import (
    Ended,
    advance_flow,
    drive_flow,
    due,
    resume_flow,
)

UNREACHABLE = EngineUnreachable("connection refused", where="engine e")


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
