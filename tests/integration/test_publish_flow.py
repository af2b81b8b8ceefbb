"""A publish has a flow from its first moment; the record is the truth, and how the flow ends mirrors it."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.doubles.engine import Fault
from tests.integration.publish_support import DATABASES, MORNING, NIGHTLY, Office, a_definition, office_between_versions
from wfgov_dagster.domain.flow import Again, FlowState
from wfgov_dagster.domain.publish import Operation
from wfgov_dagster.errors import EngineUnreachable
from wfgov_dagster.ports.engine import Marker
from wfgov_dagster.ports.flows import FlowFilter, FlowRow
from wfgov_dagster.runs.meter import MemoryMeter
from wfgov_dagster.usecases import publish_flow, sweep_flow
from wfgov_dagster.usecases.call_sweeper import call_sweeper
from wfgov_dagster.usecases.drive_publish import Left, drive_publish
from wfgov_dagster.usecases.flows import (
    Ended,
    FlowLimits,
    FlowManager,
    Registry,
    advance_flow,
    cancel_flow,
    drive_flow,
    stop_flow,
)
from wfgov_dagster.usecases.publish import advance
from wfgov_dagster.usecases.publisher import Done
from wfgov_dagster.usecases.request_publish import Request, request
from wfgov_dagster.usecases.steer_publish import Choice, decide, retry

NEW = "echo new"
BEFORE, AFTER = ("echo 1", True, NIGHTLY, True), (NEW, True, MORNING, True)
DOWN = EngineUnreachable("connection refused", where="engine embedded")


@pytest.fixture(params=DATABASES)
def office(request: pytest.FixtureRequest) -> Iterator[Office]:
    with office_between_versions(str(request.getfixturevalue(request.param))) as office:
        yield office


def manager(office: Office) -> FlowManager:
    definitions = [publish_flow.definition(office.publisher), sweep_flow.definition(office.publisher, lambda _: None)]
    return FlowManager(
        office.store, Registry(definitions), "m", lambda _: False, lambda: 0.0, FlowLimits(), MemoryMeter()
    )


def flow_of(office: Office, record_id: int) -> FlowRow:
    with office.store.read() as work:
        flow_id = work.publishing.job(record_id).flow_id
        assert flow_id is not None
        return work.flows.get(flow_id)


def drive(office: Office, record_id: int) -> Ended:
    """Whatever it waits for, as if so much time had passed."""
    said = drive_flow(manager(office), flow_of(office, record_id).id, lambda _: None, patience_seconds=0)
    while isinstance(said, Again):
        office.pass_time(said.after_seconds)
        with office.store.write() as work:
            work.flows.later(flow_of(office, record_id).id, 0)
        said = drive_flow(manager(office), flow_of(office, record_id).id, lambda _: None, patience_seconds=0)
    assert isinstance(said, Ended)
    return said


# --- how it mirrors the record -------------------------------------------------------------------


def test_a_request_makes_its_record_and_its_started_flow_or_neither(office: Office) -> None:
    record_id = office.ask("deploy")
    flow = flow_of(office, record_id)
    assert (flow.state, flow.biz_type, flow.biz_id) == (FlowState.PROCESSING, "publish_record", str(record_id))
    assert flow.created_by == "ann"
    flows = len(office.rows("flow"))
    office.store.hook = killed
    with pytest.raises(KeyboardInterrupt):
        request(office.store, "ann", Request("w", Operation.DEPLOY, "embedded"))
    office.store.hook = lambda: None
    assert len(office.rows("flow")) == flows
    assert len(office.rows("workflow_publish_record")) == 3


def killed() -> None:
    raise KeyboardInterrupt


def test_all_steps_of_a_publish_are_one_look_of_its_flow(office: Office) -> None:
    record_id = office.ask("deploy")
    said = advance_flow(manager(office), flow_of(office, record_id).id)
    assert isinstance(said, (Ended, Again))
    assert (office.state(), office.record(record_id)["status"]) == (AFTER, "success")
    assert drive(office, record_id).state is FlowState.FINISHED


def test_a_publish_that_fails_ends_its_flow_in_error_and_a_retry_resumes_it(office: Office) -> None:
    record_id = office.ask("deploy")
    office.engine.faults.extend([Fault.NONE, Fault.REJECTED])
    said = drive(office, record_id)
    assert (said.state, said.error_code) == (FlowState.ERROR, "publish_failed")
    assert "10001" in str(said.message)
    assert f"wfgov record show {record_id}" in str(said.message)
    before = flow_of(office, record_id)
    assert retry(office.store, "ann", record_id) == before.id
    assert (drive(office, record_id).state, office.state()) == (FlowState.FINISHED, AFTER)


def test_a_parked_publish_waits_without_being_due(office: Office) -> None:
    record_id = office.ask("deploy")
    advance(office.publisher(), record_id)
    office.lapse()
    office.engine.down = DOWN
    said = drive(office, record_id)
    assert (said.state, said.error_code, office.record(record_id)["status"]) == (
        FlowState.ERROR,
        "publish_parked",
        "pending",
    )
    assert flow_of(office, record_id).next_due_at is None


def test_a_paused_publish_waits_for_the_decision(office: Office) -> None:
    office.inner.offline("w")
    office.inner.deploy(a_definition(text="echo theirs"), Marker("w", 9, "w1:x"))
    record_id = office.ask("deploy")
    assert drive(office, record_id).error_code == "foreign_edit"
    assert decide(office.publisher(), "ann", record_id, Choice.REPUBLISH) == flow_of(office, record_id).id
    assert drive(office, record_id).state is FlowState.FINISHED


@pytest.mark.parametrize("choice", [Choice.ABORT, Choice.ACCEPT])
def test_a_publish_that_a_person_ends_has_a_cancelled_flow(office: Office, choice: Choice) -> None:
    office.inner.offline("w")
    office.inner.deploy(a_definition(text="echo theirs"), Marker("w", 9, "w1:x"))
    record_id = office.ask("deploy")
    drive(office, record_id)
    assert decide(office.publisher(), "ann", record_id, choice) is None
    state, writes = office.state(), list(office.engine.writes)
    assert drive(office, record_id).state is FlowState.CANCELED
    assert (office.record(record_id)["phase"], office.state(), office.engine.writes) == ("aborted", state, writes)


def test_the_flow_of_a_superseded_publish_ends(office: Office) -> None:
    old = office.ask("deploy")
    office.ask("deploy")
    said = drive(office, old)
    assert (said.state, "superseded" in str(said.message)) == (FlowState.ERROR, True)


# --- what people do to flows ---------------------------------------------------------------------


def test_cancelling_the_flow_in_its_middle_takes_back_what_was_written(office: Office) -> None:
    record_id = office.ask("deploy")
    publisher = office.publisher()
    for _ in range(3):
        advance(publisher, record_id)
    office.lapse()
    assert office.state()[0] == NEW
    advance_flow_once_begun(office, record_id)
    cancel_flow(manager(office), "ann", flow_of(office, record_id).id, "not today")
    assert drive(office, record_id).state is FlowState.CANCELED
    end = office.record(record_id)
    assert (end["status"], end["phase"], office.state()) == ("failed", "aborted", BEFORE)
    assert "its flow was cancelled" in end["error"]


def advance_flow_once_begun(office: Office, record_id: int) -> None:
    """Only a flow node that was begun is undone: here while somebody else has the workflow."""
    with office.store.write() as work:
        work.leases.take(office.row("engine")["id"], "w", "somebody", 60)
    advance_flow(manager(office), flow_of(office, record_id).id)
    office.lapse()


def test_cancelling_a_flow_that_wrote_nothing_writes_nothing(office: Office) -> None:
    record_id = office.ask("deploy")
    advance_flow_once_begun(office, record_id)
    cancel_flow(manager(office), "ann", flow_of(office, record_id).id, "not today")
    assert drive(office, record_id).state is FlowState.CANCELED
    assert (office.record(record_id)["phase"], office.engine.writes) == ("aborted", [])


def test_cancelling_a_flow_that_nobody_has_begun_ends_its_publish(office: Office) -> None:
    record_id = office.ask("deploy")
    cancel_flow(manager(office), "ann", flow_of(office, record_id).id, "not today")
    assert drive(office, record_id).state is FlowState.CANCELED
    assert (office.record(record_id)["phase"], office.engine.writes) == ("aborted", [])


def test_a_publish_whose_flow_was_stopped_is_tried_again(office: Office) -> None:
    record_id = office.ask("deploy")
    stop_flow(manager(office), "ann", flow_of(office, record_id).id)
    assert drive(office, record_id).state is FlowState.STOPPED
    retry(office.store, "ann", record_id)
    assert drive(office, record_id).state is FlowState.FINISHED


# --- whoever asked -------------------------------------------------------------------------------


def test_who_does_not_wait_leaves_it_to_itself_and_is_told(office: Office) -> None:
    office.limits = replace(office.limits, settle_seconds=30)
    office.engine.faults.append(Fault.REPLY_LOST)
    record_id = office.ask("deploy")
    left = drive_publish(manager(office), record_id, lambda _: None, wait=False)
    assert isinstance(left, Left)
    assert "goes on by itself" in left.sentence()
    assert str(flow_of(office, record_id).id) in left.sentence()


def test_who_waits_is_told_of_each_wait_and_gets_the_end(office: Office) -> None:
    office.limits = replace(office.limits, settle_seconds=3)
    office.engine.faults.append(Fault.REPLY_LOST)
    record_id = office.ask("deploy")
    lines: list[str] = []

    def sleep(seconds: float) -> None:
        office.pass_time(seconds)
        with office.store.write() as work:
            work.flows.later(flow_of(office, record_id).id, 0)

    end = drive_publish(manager(office), record_id, sleep, tell=lines.append)
    assert isinstance(end, Done)
    assert (end.status, end.record_id) == ("success", record_id)
    assert all(f"publish record {record_id} is " in line for line in lines)


# --- the sweeper ---------------------------------------------------------------------------------


def sweeps(office: Office) -> list[FlowRow]:
    with office.store.read() as work:
        return list(work.flows.page(FlowFilter(biz_type="sweep"), 1, 100))


def test_no_sweeper_runs_while_every_write_has_its_answer(office: Office) -> None:
    office.publish("deploy")
    assert sweeps(office) == []


def test_one_sweeper_comes_with_the_first_lost_answer_and_goes_when_none_can_come_late(office: Office) -> None:
    office.engine.faults.extend([Fault.REPLY_LOST, Fault.NONE, Fault.REPLY_LOST])
    office.publish("deploy")
    (flow,) = sweeps(office)
    said = advance_flow(manager(office), flow.id)
    assert isinstance(said, Again)
    assert said.after_seconds == 60
    office.pass_time(4000)
    with office.store.write() as work:
        work.flows.later(flow.id, 0)
    ended = drive_flow(manager(office), flow.id, lambda _: None)
    assert isinstance(ended, Ended)
    assert ended.state is FlowState.FINISHED
    with office.store.write() as work:
        call_sweeper(work)
    assert len(sweeps(office)) == 2


def test_the_sweeper_settles_what_is_parked_by_its_flow(office: Office) -> None:
    record_id = office.ask("deploy")
    advance(office.publisher(), record_id)
    office.lapse()
    office.engine.down = DOWN
    drive(office, record_id)
    office.engine.down = None
    office.pass_time(60)
    (flow,) = sweeps(office)
    advance_flow(manager(office), flow.id)
    assert flow_of(office, record_id).state is FlowState.PROCESSING
    assert drive(office, record_id).error_code == "publish_failed"
    assert (office.record(record_id)["phase"], office.state()) == ("failed", BEFORE)
