"""A change set as a durable flow: who takes over does the rest, its end mirrors the set's, cancelling it cancels."""

from collections.abc import Callable

import pytest

from tests.integration.change_set_support import Sets, in_threads, states
from tests.integration.publish_support import Office
from wfgov_dagster.domain.change_set import OnFailure
from wfgov_dagster.domain.flow import FlowState
from wfgov_dagster.errors import Conflict
from wfgov_dagster.runs.meter import MemoryMeter
from wfgov_dagster.store.db import Database
from wfgov_dagster.usecases import change_set_flow
from wfgov_dagster.usecases.end_change_set import resume_change_set
from wfgov_dagster.usecases.flows import (
    Ended,
    FlowLimits,
    FlowManager,
    Registry,
    advance_flow,
    cancel_flow,
    drive_flow,
    due,
    stop_flow,
)


@pytest.fixture
def sets(database: Database) -> Sets:
    sets = Sets(Office(database))
    sets.estate("abc", online=False)
    return sets


def manager(sets: Sets, name: str = "m", is_dead: Callable[[str], bool] = lambda _: False) -> FlowManager:
    registry = Registry([change_set_flow.definition(sets.crew)])
    return FlowManager(sets.office.store, registry, name, is_dead, lambda: 1.0, FlowLimits(), MemoryMeter())


def flow_of(sets: Sets, change_set_id: int) -> int:
    found = sets.show(change_set_id).change_set.flow_id
    assert found is not None
    return found


def end(sets: Sets, change_set_id: int, **options: Callable[[str], bool]) -> Ended:
    said = drive_flow(manager(sets, "next", **options), flow_of(sets, change_set_id), lambda _: None, 60.0)
    assert isinstance(said, Ended)
    return said


def test_a_set_is_made_with_its_flow_which_is_due_and_its_members_have_none_of_their_own(sets: Sets) -> None:
    before = [row["id"] for row in sets.office.rows("flow")]
    change_set_id = sets.make("abc")
    assert flow_of(sets, change_set_id) in due(manager(sets))
    assert end(sets, change_set_id).state is FlowState.FINISHED
    (made,) = [row for row in sets.office.rows("flow") if row["id"] not in before]
    assert (made["biz_type"], made["biz_id"]) == ("change_set", str(change_set_id))
    flows = {row["flow_id"] for row in sets.office.rows("workflow_publish_record")[-3:]}
    assert flows == {made["id"]}


def test_who_takes_over_from_a_dead_manager_does_only_the_rest(sets: Sets) -> None:
    change_set_id, sets.side_by_side = sets.make("abc"), in_threads

    class Killed(BaseException): ...

    def die() -> None:
        if sets.office.engine.writes == ["deploy", "deploy"]:
            raise Killed

    sets.office.engine.hook = die
    with pytest.raises(Killed):
        drive_flow(manager(sets, "dead"), flow_of(sets, change_set_id), lambda _: None, 60.0)
    sets.office.engine.hook = lambda: None
    assert states(sets.show(change_set_id)) == {"a": "success", "b": "open", "c": "waiting"}
    sets.office.lapse()
    assert end(sets, change_set_id, is_dead=lambda holder: holder == "dead").state is FlowState.FINISHED
    assert (sets.texts("abc"), sets.office.engine.writes.count("deploy")) == ("nnn", 3)


def test_a_failed_set_is_a_flow_in_error(sets: Sets) -> None:
    sets.refuse("b")
    change_set_id = sets.make("abc")
    said = end(sets, change_set_id)
    assert (said.state, said.error_code) == (FlowState.ERROR, "change_set_failed")
    assert f"change set {change_set_id}" in str(said.message)


@pytest.mark.parametrize(
    ("on_failure", "state", "texts"), [("stop", "canceled", "noo"), ("restore", "restored", "ooo")]
)
def test_a_flow_that_is_cancelled_cancels_the_set(sets: Sets, on_failure: str, state: str, texts: str) -> None:
    change_set_id = sets.make("abc", on_failure=OnFailure(on_failure))
    flow_id = flow_of(sets, change_set_id)
    advance_flow(manager(sets), flow_id)
    cancel_flow(manager(sets), "bob", flow_id, "wrong day")
    assert end(sets, change_set_id).state is FlowState.CANCELED
    assert (sets.show(change_set_id).change_set.state, sets.texts("abc")) == (state, texts)


@pytest.mark.parametrize(("on_failure", "state"), [("stop", "canceled"), ("restore", "restored")])
def test_a_flow_that_is_cancelled_before_anybody_began_it_cancels_the_set(
    sets: Sets, on_failure: str, state: str
) -> None:
    change_set_id = sets.make("abc", on_failure=OnFailure(on_failure))
    cancel_flow(manager(sets), "bob", flow_of(sets, change_set_id), "wrong day")
    assert end(sets, change_set_id).state is FlowState.CANCELED
    shown = sets.show(change_set_id)
    assert (shown.change_set.state, sets.texts("abc")) == (state, "ooo")
    assert set(states(shown).values()) == {"skipped"}
    assert sets.office.engine.writes == []


def test_a_set_whose_flow_was_stopped_goes_on_when_it_is_resumed(sets: Sets) -> None:
    change_set_id = sets.make("abc")
    advance_flow(manager(sets), flow_of(sets, change_set_id))
    stop_flow(manager(sets), "bob", flow_of(sets, change_set_id))
    assert end(sets, change_set_id).state is FlowState.STOPPED
    assert resume_change_set(sets.office.store, "bob", change_set_id) == change_set_id
    assert end(sets, change_set_id).state is FlowState.FINISHED
    assert sets.texts("abc") == "nnn"
    with pytest.raises(Conflict, match="it has ended: success"):
        resume_change_set(sets.office.store, "bob", change_set_id)
