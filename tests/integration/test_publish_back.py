"""A publish that cannot be had is taken back; one that nobody knows the state of is parked, and can be tried again."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.doubles.engine import Fault
from tests.integration.publish_support import DATABASES, MORNING, NIGHTLY, Office, a_definition
from wfgov_dagster.domain.definition import Schedule
from wfgov_dagster.errors import Conflict, EngineUnreachable, IllegalTransition, LeaseHeld, NotFound
from wfgov_dagster.store.db import Database
from wfgov_dagster.usecases.publish import advance
from wfgov_dagster.usecases.publisher import Done
from wfgov_dagster.usecases.restore_publish import Restore, request_restore
from wfgov_dagster.usecases.steer_publish import retry
from wfgov_dagster.usecases.sweep import Pace, sweep

NEW = "echo new"
BEFORE = ("echo 1", True, NIGHTLY, True)
AFTER = (NEW, True, MORNING, True)
DOWN = EngineUnreachable("connection refused", where="engine embedded")


@pytest.fixture(params=DATABASES)
def office(request: pytest.FixtureRequest) -> Iterator[Office]:
    database = Database(str(request.getfixturevalue(request.param)))
    yield Office(database)
    database.dispose()


def online(office: Office, code: str = "w") -> None:
    """V1 is online and fires every night; V2 has other content and another schedule."""
    office.save(a_definition(code, schedule=NIGHTLY))
    office.publish("deploy", code)
    office.publish("online", code)
    office.save(a_definition(code, NEW, MORNING))
    office.engine.writes.clear()


def refuse(office: Office, name: str, what: object = None) -> None:
    office.engine.refuses = lambda asked, sent: asked == name and what in (None, sent)


def phases(office: Office, record_id: int) -> list[str]:
    return [row["phase"] for row in office.rows("publish_event") if row["record_id"] == record_id]


# --- the way back --------------------------------------------------------------------------------


def test_the_way_back_ends_with_the_error_that_led_to_it(office: Office) -> None:
    online(office)
    refuse(office, "put_schedule", MORNING)
    end = office.publish("deploy")
    assert (end.status, end.phase, end.error_code, office.state()) == ("failed", "rejected", "engine_rejected", BEFORE)
    assert "10001 request parameter is not valid" in str(end.message)
    assert "the engine was brought back and shows V1, online" in str(end.message)
    assert [step for step, _ in office.steps(end.record_id)] == [
        "take_offline", "deploy", "bring_online", "put_schedule",
        "take_offline", "deploy", "bring_online", "schedule_online",
    ]  # fmt: skip
    assert [row["round"] for row in office.rows("publish_step")][-8:] == [1] * 4 + [2] * 4
    assert phases(office, end.record_id) == ["compensating", "rejected"]
    deployment, workflow = office.row("engine_deployment"), office.workflow()
    assert workflow is not None
    assert (deployment["version_id"], deployment["online"]) == (workflow["last_published_version_id"], 1)


def test_the_release_comes_back_as_it_was_found_not_as_it_was_confirmed(office: Office) -> None:
    online(office)
    office.inner.offline("w")  # a person, whom a deploy heeds
    office.inner.online("w")
    refuse(office, "put_schedule", MORNING)
    assert office.publish("deploy").phase == "rejected"
    assert office.state() == ("echo 1", True, NIGHTLY, False)


def test_a_new_workflow_that_cannot_go_online_stays_there_offline(office: Office) -> None:
    """Nothing is ever deleted on an engine."""
    office.save(a_definition())
    office.publish("deploy")
    office.remove_from_engine()
    refuse(office, "put_schedule")
    end = office.publish("online")
    assert (end.status, end.phase) == ("failed", "rejected")
    assert office.state() == ("echo 1", False, None, False)
    assert "brought back and shows V1, offline" in str(end.message)


def test_a_way_back_that_is_refused_is_parked_after_its_own_attempts(office: Office) -> None:
    online(office)
    office.engine.refuses = lambda name, _: (
        name == "put_schedule" or (name == "online" and "put_schedule" in office.engine.writes)
    )
    end = office.publish("deploy")
    assert (end.status, end.phase, end.error_code) == ("pending", "parked", "engine_rejected")
    assert [outcome for step, outcome in office.steps(end.record_id) if step == "bring_online"] == ["ok"] + [
        "rejected"
    ] * 8
    assert office.record(end.record_id)["error"].startswith("engine_rejected: 10001"), "the first error stays"
    office.engine.refuses = lambda _name, _what: False
    retry(office.store, "ann", end.record_id)
    assert (office.drive(end.record_id).status, office.state()) == ("success", AFTER)


def test_after_a_lost_answer_the_way_back_ends_only_when_nothing_can_come_late(office: Office) -> None:
    online(office)
    office.limits = replace(office.limits, settle_seconds=30)
    office.engine.faults.extend([Fault.NONE, Fault.LATE])
    refuse(office, "put_schedule", MORNING)
    came: list[float] = []

    def late() -> None:
        if office.rows("workflow_publish_record")[-1]["phase"] == "compensating" and not came:
            came.append(office.sleeps[-1])
            office.engine.arrive()

    office.on_sleep = late
    end = office.publish("deploy")
    assert (end.phase, office.state()) == ("rejected", BEFORE)
    assert came


def test_a_newer_publish_takes_over_from_the_way_back(office: Office) -> None:
    online(office)
    refuse(office, "put_schedule", MORNING)
    record_id, publisher = office.ask("deploy"), office.publisher()
    while office.record(record_id)["phase"] != "compensating":
        advance(publisher, record_id)
    advance(publisher, record_id)
    office.lapse()
    office.engine.refuses = lambda _name, _what: False
    office.save(a_definition(text="echo newest", schedule=MORNING))
    assert office.publish("deploy").status == "success"
    assert office.state() == ("echo newest", True, MORNING, True)
    assert office.drive(record_id).phase == "superseded"


def test_an_offline_is_never_taken_back(office: Office) -> None:
    online(office)
    office.engine.faults.extend([Fault.IGNORED] * 3)
    office.limits = replace(office.limits, attempts=2)
    end = office.publish("offline")
    assert (end.status, end.phase, end.error_code) == ("failed", "failed", "engine")
    assert (office.engine.writes, office.state()) == (["offline"] * 2, BEFORE)


# --- parked --------------------------------------------------------------------------------------


def parked(office: Office) -> Done:
    """It took the workflow offline, then the engine was gone for good."""
    online(office)
    record_id, publisher = office.ask("deploy"), office.publisher()
    advance(publisher, record_id)
    office.engine.down = DOWN
    end = office.drive(record_id) if office.lapse() is None else None
    assert end is not None
    return end


def test_an_engine_that_is_gone_after_a_write_parks_it_and_nothing_is_called_failed(office: Office) -> None:
    end = parked(office)
    assert (end.status, end.phase, end.error_code, end.step) == (
        "pending",
        "parked",
        "engine_unreachable",
        "take_offline",
    )
    assert (end.snapshot_id is not None, "connection refused" in str(end.message)) == (True, True)
    workflow = office.workflow()
    assert workflow is not None
    assert workflow["publish_status"] == "publishing"
    assert office.rows("workflow_definition_snapshot")[1]["status"] == "draft"
    assert office.drive(end.record_id) == end, "nobody drives it"


def test_a_deadline_parks_it_as_attempts_do(office: Office) -> None:
    online(office)
    record_id, publisher = office.ask("deploy"), office.publisher(deadline_seconds=100, attempts=1000)
    advance(publisher, record_id)
    office.lapse()
    office.engine.down = DOWN
    end = office.drive(record_id, deadline_seconds=100, attempts=1000)
    assert (end.status, end.phase) == ("pending", "parked")
    assert 100 <= sum(office.sleeps) < 200


def test_a_deadline_with_the_engine_in_sight_takes_it_back(office: Office) -> None:
    online(office)
    record_id, publisher = office.ask("deploy"), office.publisher()
    advance(publisher, record_id)
    office.pass_time(2000)
    end = office.drive(record_id)
    assert (end.status, end.phase, end.error_code, office.state()) == ("failed", "failed", "engine", BEFORE)


def test_an_engine_that_was_never_reached_may_fail(office: Office) -> None:
    online(office)
    office.engine.down = DOWN
    end = office.publish("deploy")
    assert (end.status, end.phase, end.steps) == ("failed", "failed", 0)


def test_a_newer_publish_supersedes_a_parked_one_and_gives_back_what_it_had_taken(office: Office) -> None:
    end = parked(office)
    office.engine.down = None
    office.save(a_definition(text="echo newest", schedule=MORNING))
    assert office.publish("deploy").status == "success"
    assert office.state() == ("echo newest", True, MORNING, True)
    assert office.record(end.record_id)["phase"] == "superseded"


def test_what_an_older_publish_wrote_is_not_forgotten_when_its_successor_cannot_look(office: Office) -> None:
    online(office)
    office.publish("offline")
    record_id, publisher = office.ask("online"), office.publisher()
    for _ in range(2):
        advance(publisher, record_id)
    office.lapse()
    office.engine.down = DOWN
    office.ask("offline")
    end = office.publish("deploy")
    assert (end.status, end.phase, end.steps) == ("pending", "parked", 0)
    office.engine.down = None
    office.pass_time(60)
    (swept,) = sweep(office.publisher(), "system", Pace(lambda _: None))
    assert swept.found == "settled"
    end = office.drive(end.record_id)
    assert end.phase == "failed"
    deployment = office.row("engine_deployment")
    assert (office.state()[1], office.state()[3]) == (bool(deployment["online"]), bool(deployment["schedule_online"]))


def test_a_poisoned_publish_holds_up_no_other_workflow(office: Office) -> None:
    online(office, "poison")
    refuse(office, "put_schedule")
    office.save(a_definition("other"))
    assert office.publish("deploy", "poison").status != "success"
    assert office.publish("deploy", "other").status == "success"


# --- retry ---------------------------------------------------------------------------------------


def test_a_retry_goes_on_with_the_same_record_and_keeps_what_was(office: Office) -> None:
    end = parked(office)
    office.engine.down = None
    attempts, steps = office.record(end.record_id)["attempts"], office.steps(end.record_id)
    retry(office.store, "ann", end.record_id, "the engine is back")
    again = office.drive(end.record_id)
    assert (again.status, again.record_id, office.state()) == ("success", end.record_id, AFTER)
    assert office.steps(end.record_id)[: len(steps)] == steps
    record = office.record(end.record_id)
    assert (record["attempts"], record["round"], record["error"]) == (attempts, 2, None)
    assert "connection refused" in str(record["log"])
    assert "tried again: the engine is back" in str(record["log"])
    told = [row for row in office.rows("workflow_operation_log") if row["action"] == "retry_publish"]
    assert [(row["actor"], row["outcome"]) for row in told] == [("ann", "done")]


@pytest.mark.parametrize("at", [0, 3])
def test_a_publish_that_was_refused_can_be_tried_again(office: Office, at: int) -> None:
    online(office)
    office.engine.faults.extend([Fault.NONE] * at + [Fault.REJECTED])
    end = office.publish("deploy")
    assert end.phase == "rejected"
    snapshot = office.rows("workflow_definition_snapshot")[1]
    assert snapshot["status"] == "failed"
    retry(office.store, "ann", end.record_id)
    assert (office.drive(end.record_id).status, office.state()) == ("success", AFTER)
    assert office.rows("workflow_definition_snapshot")[1]["status"] == "published"


def test_a_retry_after_the_way_back_heeds_how_it_is_released_by_then(office: Office) -> None:
    online(office)
    office.engine.faults.extend([Fault.NONE, Fault.REJECTED])
    end = office.publish("deploy")
    office.inner.offline("w")
    retry(office.store, "ann", end.record_id)
    assert office.drive(end.record_id).status == "success"
    assert office.state()[:2] == (NEW, False)


def test_a_retry_is_refused_with_the_reason_and_leaves_an_audit_entry(office: Office) -> None:
    online(office)
    office.engine.faults.append(Fault.REJECTED)
    rejected = office.publish("deploy")
    confirmed = office.publish("deploy")
    with pytest.raises(IllegalTransition, match="it is confirmed"):
        retry(office.store, "ann", confirmed.record_id)
    with pytest.raises(Conflict, match=f"record {confirmed.record_id} is newer"):
        retry(office.store, "ann", rejected.record_id)
    with pytest.raises(NotFound):
        retry(office.store, "ann", 4711)
    office.save(a_definition(text="echo 3", schedule=MORNING))
    office.engine.faults.append(Fault.REJECTED)
    old = office.publish("deploy")
    office.save(a_definition(text="echo 4", schedule=MORNING))
    with pytest.raises(Conflict, match="meanwhile deploy is about V4"):
        retry(office.store, "ann", old.record_id)
    told = [row["outcome"] for row in office.rows("workflow_operation_log") if row["action"] == "retry_publish"]
    assert told == ["refused"] * 4


def test_a_publish_under_way_is_not_retried(office: Office) -> None:
    online(office)
    record_id, publisher = office.ask("deploy"), office.publisher()
    advance(publisher, record_id)
    with pytest.raises(LeaseHeld, match="somebody is publishing it"):
        retry(office.store, "ann", record_id)
    office.lapse()
    with pytest.raises(IllegalTransition, match="under way"):
        retry(office.store, "ann", record_id)


# --- restore -------------------------------------------------------------------------------------


def restore(office: Office, version_no: int | None, *, release: tuple[bool, bool], publishes: bool = True) -> Done:
    with office.store.write() as work:
        wanted = Restore("w", "embedded", version_no, *release, reason="told", publishes=publishes)
        record_id = request_restore(work, "ann", wanted)
    return office.drive(record_id)


@pytest.mark.parametrize(
    ("release", "state"),
    [((True, True), BEFORE), ((True, False), ("echo 1", True, NIGHTLY, False)), ((False, False), None)],
)
def test_a_restore_brings_back_a_version_as_it_was_released(
    office: Office, release: tuple[bool, bool], state: tuple[str, bool, Schedule | None, bool] | None
) -> None:
    online(office)
    assert office.publish("deploy").status == "success"
    end = restore(office, 1, release=release)
    assert (end.status, end.version_no) == ("success", 1)
    assert office.state() == (state or ("echo 1", False, MORNING, False))
    workflow = office.workflow()
    assert workflow is not None
    assert workflow["last_published_version_id"] == office.row("engine_deployment")["version_id"] == 1


def test_a_restore_may_leave_what_is_published_as_it_is(office: Office) -> None:
    online(office)
    office.publish("deploy")
    restore(office, 1, release=(True, True), publishes=False)
    workflow = office.workflow()
    assert workflow is not None
    assert (workflow["last_published_version_id"], office.row("engine_deployment")["version_id"]) == (2, 1)


def test_a_restore_of_nothing_takes_offline_what_came_and_is_content_with_nothing(office: Office) -> None:
    online(office)
    assert restore(office, None, release=(False, False)).status == "success"
    assert office.state()[1] is False
    office.remove_from_engine()
    assert restore(office, None, release=(False, False)).status == "success"


def test_a_restore_that_is_refused_in_its_middle_is_parked(office: Office) -> None:
    online(office)
    office.publish("deploy")
    office.engine.faults.extend([Fault.NONE, Fault.REJECTED])
    end = restore(office, 1, release=(True, True))
    assert (end.status, end.phase, end.error_code) == ("pending", "parked", "engine_rejected")
    retry(office.store, "ann", end.record_id)
    assert (office.drive(end.record_id).status, office.state()) == ("success", BEFORE)


def test_a_restore_wants_a_version_and_a_workflow_that_exist(office: Office) -> None:
    online(office)
    with pytest.raises(NotFound, match="no version V9 to bring back"):
        restore(office, 9, release=(True, True))
    with office.store.write() as work, pytest.raises(NotFound, match="no workflow 'nobody'"):
        request_restore(work, "ann", Restore("nobody", "embedded", 1, True, True, "told"))
