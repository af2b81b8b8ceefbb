"""Job `advance_flows` and sensor `flow_watch`: one run for all that is due, and none too many."""

import logging
import time
from collections.abc import Callable, Iterator
from typing import Any

import dagster as dg
import pytest

from resources.store import StoreResource
from sensors.flow_watch import flow_watch
from tests.dagster.runs import execute, metadata
from wfgov_dagster.domain.flow import Again, Biz, FlowDefinition, FlowNode, NodeKind
from wfgov_dagster.errors import Conflict
from wfgov_dagster.usecases.flows import Registry, create_flow, detail, start_flow
from wfgov_dagster.wiring import Platform

STARTED, QUEUED = dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.QUEUED


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> dict[str, Callable[[], Any]]:
    """What the flow nodes of flow `f` answer, by biz id."""
    answers: dict[str, Callable[[], Any]] = {}

    def do(turn: Any) -> Any:
        return answers.get(turn.biz_id, lambda: {"ok": True})()

    nodes = (FlowNode("first", NodeKind.POLL, do, interval_seconds=60), FlowNode("second", NodeKind.CALL, lambda _: 2))
    registry = Registry([FlowDefinition("f", 1, nodes)])
    monkeypatch.setattr(Platform, "definitions", registry)
    return answers


@pytest.fixture
def platform(platform_url: str, says: dict[str, Callable[[], Any]]) -> Iterator[Platform]:
    platform = Platform()
    yield platform
    platform.close()


def begin(platform: Platform, *biz_ids: str, biz_type: str = "thing") -> list[int]:
    manager = platform.flows()
    ids = [create_flow(manager, "ann", Biz(one, biz_type), "f") for one in biz_ids]
    for flow_id in ids:
        start_flow(manager, "ann", flow_id)
    return ids


def state(platform: Platform, flow_id: int) -> str:
    return detail(platform.flows(), flow_id).flow.state.value


def tick(instance: dg.DagsterInstance) -> str | None:
    """Why there is no run; None = one is asked for."""
    with dg.build_sensor_context(instance=instance, resources={"store": StoreResource()}) as context:
        answer = flow_watch(context)
    return None if isinstance(answer, dg.RunRequest) else str(getattr(answer, "skip_message", None))


# --- the job -------------------------------------------------------------------------------------


def test_one_run_drives_all_that_is_due_and_tells_each_word(platform: Platform, instance: dg.DagsterInstance) -> None:
    ids = begin(platform, "a", "b", "c")

    result = execute(instance, "advance_flows")

    assert result.success
    assert [state(platform, flow_id) for flow_id in ids] == ["Finished"] * 3
    told = metadata(result)
    assert (told["flows"], told["words"]) == (3, 6)
    assert f"| {ids[0]} | f | first | do | 1 | ok |" in str(told["what_happened"])
    assert "Finished" in str(told["left_as"])
    lines = [entry.user_message for entry in instance.all_logs(result.run_id)]
    for node in ("first", "second"):
        assert f"flow {ids[0]} f: do {node}, try 1: ok" in lines
    again = metadata(execute(instance, "advance_flows"))
    assert (again["flows"], again["words"]) == (0, 0)


def test_a_flow_that_fails_is_told_and_does_not_fail_the_run_of_the_others(
    platform: Platform, instance: dg.DagsterInstance, says: dict[str, Callable[[], Any]]
) -> None:
    def fail() -> None:
        raise Conflict("somebody moved first")

    says["bad"] = fail
    bad, good = begin(platform, "bad", "good")

    result = execute(instance, "advance_flows")

    assert result.success
    assert [state(platform, bad), state(platform, good)] == ["Error", "Finished"]
    assert "somebody moved first" in str(metadata(result)["left_as"])


def test_a_flow_about_a_publish_that_is_not_there_does_not_fail_the_run_either(
    platform: Platform, instance: dg.DagsterInstance
) -> None:
    ids = begin(platform, "4711", "no number", biz_type="publish_record")

    result = execute(instance, "advance_flows")

    assert result.success
    assert [state(platform, flow_id) for flow_id in ids] == ["Finished"] * 2
    warned = [one.user_message for one in instance.all_logs(result.run_id) if one.level == logging.WARNING]
    assert f"flow {ids[0]}: no publish record 4711" in warned


def test_a_flow_that_has_to_wait_does_not_keep_the_run(
    platform: Platform, instance: dg.DagsterInstance, says: dict[str, Callable[[], Any]]
) -> None:
    says["slow"] = lambda: Again(60.0)
    (flow_id,) = begin(platform, "slow")
    began = time.monotonic()

    result = execute(instance, "advance_flows")

    assert time.monotonic() - began < 20
    assert "waits 60.0 s" in str(metadata(result)["left_as"]).replace("\\", "")
    assert state(platform, flow_id) == "Processing"
    assert tick(instance) == "no flow is due"


def test_a_run_begins_nothing_after_its_time(
    platform: Platform, instance: dg.DagsterInstance, says: dict[str, Callable[[], Any]]
) -> None:
    says["endless"] = lambda: time.sleep(0.05) or Again(0.0)
    (flow_id,) = begin(platform, "endless")

    result = execute(instance, "advance_flows", {"drive_due_flows": {"seconds": 0.5}})

    assert result.success
    assert state(platform, flow_id) == "Processing"
    assert tick(instance) is None, "another run goes on"


# --- the sensor ----------------------------------------------------------------------------------


def test_nothing_due_is_no_run(platform: Platform, instance: dg.DagsterInstance) -> None:
    assert tick(instance) == "no flow is due"


def test_what_is_due_is_one_run(platform: Platform, instance: dg.DagsterInstance) -> None:
    begin(platform, *"abcde")

    assert tick(instance) is None


@pytest.mark.parametrize("status", [QUEUED, STARTED])
def test_while_a_run_is_on_its_way_there_is_no_other(
    platform: Platform, instance: dg.DagsterInstance, status: dg.DagsterRunStatus
) -> None:
    begin(platform, "a")
    run = instance.add_run(dg.DagsterRun("advance_flows", status=dg.DagsterRunStatus.NOT_STARTED))
    if status is STARTED:
        start_it(instance, run.run_id, time.time())

    assert tick(instance) == "1 flows are due; a run of advance_flows is queued or running"


def start_it(instance: dg.DagsterInstance, run_id: str, when: float) -> None:
    """As its process would say."""
    event = dg.DagsterEvent(dg.DagsterEventType.RUN_START.value, "advance_flows")
    entry = dg.EventLogEntry(None, "info", "", run_id, when, dagster_event=event)
    instance.handle_new_event(entry)


def test_a_run_that_a_long_flow_node_keeps_does_not_hold_the_others_back_but_not_more_than_three(
    platform: Platform, instance: dg.DagsterInstance
) -> None:
    begin(platform, "a")
    for count in range(3):
        assert (count, tick(instance)) == (count, None)
        run = instance.add_run(dg.DagsterRun("advance_flows", status=dg.DagsterRunStatus.NOT_STARTED))
        start_it(instance, run.run_id, time.time() - 120)

    assert "queued or running" in str(tick(instance))


def test_after_a_run_that_failed_the_next_one_waits_a_little(platform: Platform, instance: dg.DagsterInstance) -> None:
    begin(platform, "a")
    instance.add_run(dg.DagsterRun("advance_flows", status=dg.DagsterRunStatus.FAILURE))

    assert "advance_flows failed, next try in" in str(tick(instance))


def test_a_broken_database_fails_the_tick(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WFGOV_DATABASE_URL", "postgresql://wfgov:hush@127.0.0.1:1/none")

    with pytest.raises(dg.Failure) as failed:
        tick(instance)

    assert "hush" not in str(failed.value)
