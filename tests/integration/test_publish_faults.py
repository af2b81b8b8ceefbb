"""Whatever happens on the way, the next drive finishes it: kills at every point, lost replies, an engine gone."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.doubles.engine import Fault
from tests.integration.publish_support import MORNING, NIGHTLY, Office, a_definition
from wfgov_dagster.errors import EngineRejected, EngineUnreachable, LeaseHeld
from wfgov_dagster.settings import Settings
from wfgov_dagster.store.db import Database
from wfgov_dagster.usecases.publish import advance, drive
from wfgov_dagster.usecases.publisher import Again, Done
from wfgov_dagster.wiring import Platform

NEW = "echo new"
WHOLE_WAY = ["take_offline", "deploy", "bring_online", "put_schedule", "schedule_online"]
UNKNOWN = [Fault.REQUEST_LOST, Fault.REPLY_LOST, Fault.UNREACHABLE]


@pytest.fixture
def office(database: Database) -> Office:
    return Office(database)


@pytest.fixture(scope="module")
def office_of_examples(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """Each example has a workflow of its own in it."""
    database = Database(f"sqlite:///{shutil.copy(sqlite_template, tmp_path_factory.mktemp('publish') / 'wfgov.db')}")
    yield Office(database)
    database.dispose()


@pytest.fixture
def small_office(sqlite_url: str) -> Iterator[Office]:
    database = Database(sqlite_url)
    yield Office(database)
    database.dispose()


def online(office: Office, code: str = "w") -> None:
    """V1 is online and fires every night; V2 has other content and another schedule."""
    office.save(a_definition(code, schedule=NIGHTLY))
    office.publish("deploy", code)
    office.publish("online", code)
    office.save(a_definition(code, NEW, MORNING))
    office.engine.writes.clear()


END = ("success", (NEW, True, MORNING, True))


# --- what the engine does ------------------------------------------------------------------------


@pytest.mark.parametrize("at", range(len(WHOLE_WAY)), ids=WHOLE_WAY)
@pytest.mark.parametrize("fault", UNKNOWN, ids=lambda fault: fault.name.lower())
def test_a_lost_answer_is_unknown_and_another_look_decides(small_office: Office, fault: Fault, at: int) -> None:
    online(small_office)
    small_office.engine.faults.extend([Fault.NONE] * at + [fault])
    end = small_office.publish("deploy")
    assert (end.status, small_office.state()) == END
    again = [] if fault is Fault.REPLY_LOST else [(WHOLE_WAY[at], "ok")]
    before, after = [(step, "ok") for step in WHOLE_WAY[:at]], [(step, "ok") for step in WHOLE_WAY[at + 1 :]]
    assert small_office.steps(end.record_id) == [*before, (WHOLE_WAY[at], "unknown"), *again, *after]
    assert small_office.record(end.record_id)["attempts"] == 1
    assert small_office.sleeps == [1.0]


@pytest.mark.parametrize("at", range(len(WHOLE_WAY)), ids=WHOLE_WAY)
def test_after_a_no_the_engine_shows_what_it_showed_before_and_the_next_deploy_makes_good(
    office: Office, at: int
) -> None:
    online(office)
    office.engine.faults.extend([Fault.NONE] * at + [Fault.REJECTED])
    end = office.publish("deploy")
    record, workflow = office.record(end.record_id), office.workflow()
    snapshot = office.rows("workflow_definition_snapshot")[1]
    assert (end.status, end.phase, end.error_code) == ("failed", "rejected", "engine_rejected")
    assert (record["status"], record["phase"], record["finished_at"] is None) == ("failed", "rejected", False)
    assert office.steps(end.record_id)[at] == (WHOLE_WAY[at], "rejected")
    assert office.state() == ("echo 1", True, NIGHTLY, True)
    assert "10001 request parameter is not valid" in str(end.message)
    assert ("the engine was brought back and shows V1, online" in str(end.message)) is (at > 0)
    assert (snapshot["status"], "10001" in snapshot["error"]) == ("failed", True)
    assert workflow is not None
    assert workflow["publish_status"] == "failed"
    assert workflow["last_published_version_id"] != workflow["current_version_id"]
    again = office.publish("deploy")
    assert (again.status, office.state()) == END
    assert office.record(again.record_id)["snapshot_id"] == record["snapshot_id"]
    assert [row["error"] for row in office.rows("workflow_definition_snapshot")] == [None, None]


def test_an_engine_that_is_gone_is_tried_eight_times_with_a_rest_after_five(office: Office) -> None:
    office.save(a_definition())
    office.engine.down = EngineUnreachable("connection refused", where="engine embedded")
    end = office.publish("deploy")
    assert (end.status, end.phase, end.error_code) == ("failed", "failed", "engine_unreachable")
    assert (office.sleeps[:5], office.engine.writes) == ([1, 2, 4, 8, 16], [])
    assert 13 < office.sleeps[5] <= 14, "what is left of the rest that began with the fifth failure"
    assert office.sleeps[6:] == [32, 60], "longer than the rest"


def test_an_engine_that_refuses_to_be_looked_at_is_tried_once(office: Office) -> None:
    office.save(a_definition())
    office.engine.down = EngineRejected("401 token expired", where="engine embedded")
    end = office.publish("deploy")
    assert (end.status, end.phase, end.error_code) == ("failed", "failed", "engine_rejected")
    assert office.sleeps == []


def test_answers_that_are_always_lost_fail_in_the_end_and_say_that_nobody_knows(office: Office) -> None:
    office.save(a_definition())
    office.engine.faults.extend([Fault.REQUEST_LOST] * 8)
    end = office.publish("deploy")
    assert (end.status, end.error_code) == ("failed", "engine_unknown")
    assert office.steps(end.record_id) == [("deploy", "unknown")] * 8
    assert [row["attempt"] for row in office.rows("publish_step")] == list(range(1, 9))


def test_an_engine_that_says_yes_and_does_nothing_is_given_up(office: Office) -> None:
    office.save(a_definition())
    office.engine.faults.extend([Fault.IGNORED] * 20)
    end = office.publish("deploy")
    assert (end.status, end.error_code, len(office.engine.writes)) == ("failed", "engine", 8)
    assert "next would be: send V1 of w" in str(end.message)


def test_somebody_who_changes_it_there_meanwhile_is_overruled(office: Office) -> None:
    online(office)
    meddled: list[bool] = []

    def meddle() -> None:
        if office.engine.writes[-1:] == ["schedule_online"] and not meddled:
            meddled.append(True)
            office.inner.offline("w")

    office.engine.hook = meddle
    end = office.publish("deploy")
    assert (end.status, office.state()) == END
    assert [step for step, _ in office.steps(end.record_id)][4:] == [
        "schedule_online",
        "bring_online",
        "schedule_online",
    ]


def test_no_transaction_is_open_during_a_call_to_the_engine(office: Office) -> None:
    online(office)
    opened: list[int] = []
    office.engine.hook = lambda: opened.append(office.store.open)
    for operation in ("deploy", "offline", "online"):
        office.publish(operation)
    assert len(opened) > 20
    assert set(opened) == {0}


# --- settling ------------------------------------------------------------------------------------


def test_after_a_lost_answer_success_waits_until_nothing_can_come_late(office: Office) -> None:
    office.save(a_definition())
    office.engine.faults.append(Fault.REPLY_LOST)
    record_id, publisher = office.ask("deploy"), office.publisher(settle_seconds=30)
    assert isinstance(advance(publisher, record_id), Again)
    again = advance(publisher, record_id)
    assert isinstance(again, Again)
    assert 25 < again.after_seconds <= 30
    assert (office.record(record_id)["phase"], office.record(record_id)["status"]) == ("settling", "pending")
    office.age_steps(31)
    end = advance(publisher, record_id)
    assert isinstance(end, Done)
    assert (end.status, end.phase, office.engine.writes) == ("success", "confirmed", ["deploy"])


def test_a_write_of_an_older_record_can_come_late_too(office: Office) -> None:
    office.save(a_definition())
    office.engine.faults.append(Fault.REQUEST_LOST)
    advance(office.publisher(), office.ask("deploy"))
    office.lapse()
    record_id, publisher = office.ask("deploy"), office.publisher(settle_seconds=30)
    assert isinstance(advance(publisher, record_id), Again)
    again = advance(publisher, record_id)
    assert isinstance(again, Again)
    assert again.after_seconds > 25


def test_how_long_to_settle_goes_by_the_kind_of_engine_unless_somebody_says(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    with office.store.write() as work:
        work.publishing.add_engine("far", "dolphin")
    office.save(a_definition("near"))
    office.save(a_definition("far"))
    limits = Platform(Settings()).publisher().limits
    near, far = office.ask("deploy", "near"), office.ask("deploy", "far", engine="far")
    ends = []
    for record_id in (near, far):
        office.engine.faults.append(Fault.REPLY_LOST)
        publisher = replace(office.publisher(), limits=limits)
        advance(publisher, record_id)
        ends.append(advance(publisher, record_id))
    assert isinstance(ends[0], Done)
    assert isinstance(ends[1], Again)
    assert 85 < ends[1].after_seconds <= 90
    monkeypatch.setenv("WFGOV_SETTLE_SECONDS", "5")
    assert Settings().settle() == (5.0, 5.0)


@pytest.mark.parametrize("at", range(len(WHOLE_WAY)), ids=WHOLE_WAY)
def test_a_write_that_comes_late_is_seen_and_mended(small_office: Office, at: int) -> None:
    office = small_office
    online(office)
    office.limits = replace(office.limits, settle_seconds=30)
    office.engine.faults.extend([Fault.NONE] * at + [Fault.LATE])

    def while_settling() -> None:
        if office.rows("workflow_publish_record")[-1]["phase"] == "settling":
            office.engine.arrive()
            office.age_steps(31)

    office.on_sleep = while_settling
    end = office.publish("deploy")
    assert (end.status, office.state()) == END


# --- leases, and what is wanted by then ----------------------------------------------------------


def test_who_lost_the_lease_while_looking_does_not_write(office: Office) -> None:
    office.save(a_definition())
    record_id = office.ask("deploy")

    def overtaken() -> None:
        office.engine.hook = lambda: None
        office.lapse()
        office.drive(record_id)

    office.engine.hook = overtaken
    with pytest.raises(LeaseHeld):
        advance(office.publisher(), record_id)
    assert office.engine.writes == ["deploy"]
    assert office.record(record_id)["status"] == "success"


def test_who_stood_still_past_the_lease_does_not_write(office: Office) -> None:
    office.save(a_definition())
    record_id = office.ask("deploy")
    office.engine.hook = office.lapse
    with pytest.raises(LeaseHeld):
        advance(office.publisher(), record_id)
    assert (office.engine.writes, office.rows("publish_step")) == ([], [])
    office.engine.hook = lambda: None
    assert office.drive(record_id).status == "success"


def test_a_version_that_is_no_longer_wanted_is_not_begun(office: Office) -> None:
    online(office)
    record_id = office.ask("deploy")
    office.save(a_definition(text="echo newest"))
    end = office.drive(record_id)
    assert (end.status, end.phase, end.error_code) == ("failed", "superseded", "conflict")
    assert "V2 was asked for, meanwhile deploy is about V3" in str(end.message)
    assert (office.engine.writes, office.state()) == ([], ("echo 1", True, NIGHTLY, True))


def test_a_version_that_was_begun_is_published_though_somebody_edits_meanwhile(office: Office) -> None:
    """An edit is no other wish: only a newer publish is."""
    online(office)
    record_id, publisher = office.ask("deploy"), office.publisher()
    advance(publisher, record_id)
    assert office.state()[1] is False
    office.save(a_definition(text="echo newest", schedule=MORNING))
    end = drive(publisher, record_id, lambda _: None)
    assert (end.version_no, (end.status, office.state())) == (2, END)
    workflow = office.workflow()
    assert workflow is not None
    assert (workflow["publish_status"], workflow["last_published_version_id"]) == ("published", 2)
    assert office.publish("deploy").status == "success"
    assert office.state() == ("echo newest", True, MORNING, True)


def test_a_request_that_supersedes_a_broken_publish_gives_back_what_it_had_taken(office: Office) -> None:
    online(office)
    advance(office.publisher(), office.ask("deploy"))
    assert office.state()[1] is False
    office.lapse()
    office.save(a_definition(text="echo newest", schedule=MORNING))
    assert office.publish("deploy").status == "success"
    assert office.state() == ("echo newest", True, MORNING, True)


def test_what_an_older_publish_had_begun_is_brought_to_an_end_though_somebody_edits_meanwhile(office: Office) -> None:
    online(office)
    publisher, first = office.publisher(), office.ask("deploy")
    advance(publisher, first)
    advance(publisher, first)
    office.lapse()
    office.save(a_definition(text="echo 3", schedule=MORNING))
    second = office.ask("deploy")
    office.save(a_definition(text="echo 4", schedule=MORNING))
    end = office.drive(second)
    assert (end.status, end.version_no, office.state()) == ("success", 3, ("echo 3", True, MORNING, True))
    assert office.row("engine_deployment")["version_id"] == 3


def test_who_stood_still_between_its_word_and_the_call_sends_nothing(office: Office) -> None:
    office.save(a_definition())
    record_id = office.ask("deploy")

    def stand_still() -> None:
        if office.rows("publish_step"):  # its word is committed
            office.store.hook = lambda: None
            office.lapse()

    office.store.hook = stand_still
    with pytest.raises(LeaseHeld):
        advance(office.publisher(), record_id)
    assert (office.engine.writes, office.steps(record_id)) == ([], [("deploy", "rejected")])
    assert "not sent" in office.row("publish_step")["message"]
    assert office.drive(record_id).status == "success"


def test_a_lease_that_is_shorter_than_a_call_lets_nobody_write(office: Office) -> None:
    office.save(a_definition())
    record_id = office.ask("deploy")
    with pytest.raises(LeaseHeld):
        advance(office.publisher(lease_seconds=10, call_seconds=10), record_id)
    assert office.engine.writes == []


def test_nobody_waits_for_the_lease_of_a_holder_that_is_known_to_be_dead(office: Office) -> None:
    online(office)
    record_id = office.ask("deploy")
    advance(office.publisher(), record_id)
    alive = office.publisher()
    with pytest.raises(LeaseHeld):
        advance(alive, record_id)
    dead = office.row("engine_lease")["holder"]
    heir = replace(office.publisher(), is_dead=lambda holder: holder == dead)
    assert drive(heir, record_id, lambda _: None).status == "success"
    assert office.state() == END[1]
