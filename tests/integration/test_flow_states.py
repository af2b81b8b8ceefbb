"""Spec D: definitions, how a flow begins, runs, is found when due, and what holds it up; on both databases."""

import time
from typing import Any

import pytest
import sqlalchemy as sa

from tests.integration.flow_support import ACTOR, CALL, POLL, House
from wfgov_dagster.domain.flow import Biz, FlowState
from wfgov_dagster.errors import (
    Conflict,
    EngineUnreachable,
    FlowDefineNotFound,
    FlowError,
    FlowStartFailed,
    InvalidInput,
    WfgovError,
)
from wfgov_dagster.store.schema.flow import flow
from wfgov_dagster.usecases.flows import (
    Ended,
    Registry,
    advance_flow,
    create_flow,
    due,
    list_flows,
    start_flow,
)

UNREACHABLE = EngineUnreachable("connection refused", where="engine e")


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
    time.sleep(0.002)  # SQLite's clock counts milliseconds; of one and the same, the lower number comes first
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
