"""What fails raises its alert in the transaction that makes it fail; what is no fault raises none."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.embedded_support import Workshop, shell
from tests.integration.flow_support import House
from tests.integration.publish_support import MORNING, NIGHTLY, Office, a_definition
from wfgov_dagster.domain.definition import Settings
from wfgov_dagster.domain.flow import Biz
from wfgov_dagster.engines.embedded.run import lost
from wfgov_dagster.errors import Conflict, EngineUnreachable, PublishFailed
from wfgov_dagster.ports.alerts import AlertRow
from wfgov_dagster.ports.embedded import Claim
from wfgov_dagster.store.db import Database
from wfgov_dagster.store.store import SqlStore
from wfgov_dagster.usecases.flows import resume_flow
from wfgov_dagster.usecases.publish import advance
from wfgov_dagster.usecases.steer_publish import Choice, decide, retry


@pytest.fixture
def office(database: Database) -> Office:
    """V1 is online and fires every night; V2 has other content and another schedule."""
    office = Office(database)
    office.save(a_definition(schedule=NIGHTLY))
    office.publish("deploy")
    office.publish("online")
    office.save(a_definition(text="echo new", schedule=MORNING))
    return office


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Workshop]:
    shop = Workshop(database_url, tmp_path)
    yield shop
    shop.database.dispose()


def alerts(database: Database) -> list[AlertRow]:
    with SqlStore(database).read() as work:
        return list(reversed(work.alerts.list(100)))


# --- publishes -----------------------------------------------------------------------------------


def test_a_publish_that_the_engine_refuses_is_told_with_the_step_that_it_refused(office: Office) -> None:
    office.engine.refuses = lambda asked, sent: (asked, sent) == ("put_schedule", MORNING)
    end = office.publish("deploy")

    (row,) = alerts(office.database)
    alert = row.alert
    assert (alert.kind, alert.workflow_code, alert.version_no, alert.step, alert.engine, alert.error_code) == (
        "publish_failed", "w", 2, "put_schedule", "embedded", "engine_rejected",
    )  # fmt: skip
    assert alert.message.startswith("deploy of V2 of workflow w is rejected: engine_rejected: ")
    assert "10001 request parameter is not valid" in alert.message
    assert alert.links == {
        "look": f"wfgov record show {end.record_id}",
        "run": f"/runs?q%5B%5D=tag%3Awfgov%2Fpublish_record%3D{end.record_id}",
    }


def test_a_publish_that_is_tried_again_and_fails_again_is_another_fault(office: Office) -> None:
    office.engine.refuses = lambda asked, sent: (asked, sent) == ("put_schedule", MORNING)
    end = office.publish("deploy")
    retry(office.store, "ann", end.record_id)
    office.drive(end.record_id)

    (row,) = alerts(office.database)
    assert row.count == 2
    assert row.alert.dedupe_key.startswith(f"record:{end.record_id}:rejected:")


def test_a_publish_that_nobody_knows_the_end_of_is_told_as_parked(office: Office) -> None:
    record_id = office.ask("deploy")
    advance(office.publisher(), record_id)
    office.lapse()
    office.engine.down = EngineUnreachable("connection refused", where="engine embedded")
    end = office.drive(record_id, attempts=2)

    assert end.phase == "parked"
    (row,) = alerts(office.database)
    assert (row.alert.kind, row.alert.error_code) == ("publish_parked", "engine_unreachable")


def test_a_foreign_edit_is_told_as_paused_and_what_a_person_chooses_is_no_fault(office: Office) -> None:
    live = office.seen()
    office.inner.offline("w")
    assert live.marker is not None
    office.inner.deploy(a_definition(text="echo theirs"), live.marker)
    end = office.publish("deploy")
    assert end.phase == "paused"
    decide(office.publisher(), "ann", end.record_id, Choice.ABORT)

    (row,) = alerts(office.database)
    assert (row.alert.kind, row.alert.error_code, row.count) == ("publish_paused", "foreign_edit", 1)


def test_what_is_superseded_or_succeeds_is_no_fault(office: Office) -> None:
    office.ask("deploy")
    office.save(a_definition(text="echo newer", schedule=MORNING))
    assert office.publish("deploy").status == "success"
    assert alerts(office.database) == []


# --- instances -----------------------------------------------------------------------------------


def test_a_failed_instance_is_told_with_its_first_failed_task_and_its_exit_code(shop: Workshop) -> None:
    tasks = [shell("a", "sleep 0.3; exit 4"), shell("b", "exit 3"), shell("c")]
    number = shop.run(tasks, [("a", "c")], Settings("w", "w"))

    (row,) = alerts(shop.database)
    alert = row.alert
    assert (alert.kind, alert.workflow_code, alert.version_no, alert.task_code, alert.engine) == (
        "instance_failed", "w", 1, "b", "embedded",
    )  # fmt: skip
    assert alert.message.startswith(f"instance {number} of workflow w failed (exit code 3): ")
    assert alert.links == {
        "look": f"wfgov instance show {number} --engine embedded",
        "log": f"wfgov instance log {number} b --engine embedded",
        "run": f"/runs/run-{number}",
    }


def test_a_lost_instance_is_told_by_whoever_finds_it_and_once(shop: Workshop) -> None:
    number = int(shop.submit([shell("a")]))
    shop.store.claim(Claim(number, "gone"))
    assert lost(shop.store, -1) == [number]
    assert lost(shop.store, -1) == []
    (row,) = alerts(shop.database)
    assert "gave no sign of life" in row.alert.message
    assert row.alert.task_code is None


def test_a_success_and_a_stop_are_no_fault(shop: Workshop) -> None:
    shop.run([shell("a")])
    number = int(shop.submit([shell("a")]))
    shop.store.request_stop(number)
    again = Claim(int(shop.submit([shell("a")])), "run")
    shop.store.claim(again)
    shop.store.finish(again, "stopped", "stopped on request")
    assert alerts(shop.database) == []


# --- flows ---------------------------------------------------------------------------------------


def test_a_flow_in_error_is_told_with_its_flow_node_and_again_when_it_fails_again(database: Database) -> None:
    house = House(database)
    house.define(house.node("first"), house.node("second"))
    house.world.says["second"] = [Conflict("no room, password=hush")]
    flow_id, _ = house.run()

    (row,) = alerts(database)
    alert = row.alert
    assert (alert.kind, alert.workflow_code, alert.step, alert.error_code) == (
        "flow_failed",
        None,
        "second",
        "conflict",
    )
    assert alert.message == f"flow {flow_id} (f of thing 7) stopped in error: conflict: no room, password=***"
    assert alert.links == {"look": f"wfgov flow show {flow_id}"}

    resume_flow(house.manager(), "ann", flow_id)
    house.drive(flow_id)
    assert alerts(database)[0].count == 2


def test_a_flow_whose_publish_failed_leaves_the_telling_to_the_record(database: Database) -> None:
    house = House(database)
    house.define(house.node("publish"))
    house.world.says["publish"] = [PublishFailed("rejected: no")]
    house.drive(house.begin(biz=Biz("17", "publish_record")))
    assert alerts(database) == []
