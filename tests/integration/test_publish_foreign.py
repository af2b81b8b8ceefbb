"""What somebody changed on the engine stops a publish before it overwrites it, and a person chooses."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.doubles.engine import Fault
from tests.integration.publish_support import DATABASES, MORNING, NIGHTLY, Office, a_definition, office_between_versions
from wfgov_dagster.domain.definition import Definition, Schedule, Task, make
from wfgov_dagster.domain.publish import Operation
from wfgov_dagster.errors import Conflict, IllegalTransition, InvalidInput
from wfgov_dagster.ports.engine import Marker
from wfgov_dagster.usecases.preview_publish import preview
from wfgov_dagster.usecases.publish import advance
from wfgov_dagster.usecases.publisher import Again, Done
from wfgov_dagster.usecases.request_publish import Request
from wfgov_dagster.usecases.steer_publish import Choice, decide, retry
from wfgov_dagster.usecases.version_history import live_version

NEW, THEIRS = "echo new", "echo theirs"
HOURLY = Schedule("0 * * * *", "UTC")
AFTER = (NEW, True, MORNING, True)


@pytest.fixture(params=DATABASES)
def office(request: pytest.FixtureRequest) -> Iterator[Office]:
    with office_between_versions(str(request.getfixturevalue(request.param))) as office:
        yield office


def edit(office: Office, definition: Definition | None = None) -> None:
    """By hand, on the engine: our marker stays where people leave it alone."""
    live = office.seen()
    assert live.marker is not None
    office.inner.offline("w")
    office.inner.deploy(definition or a_definition(text=THEIRS), live.marker)
    office.inner.online("w")
    if live.schedule_online:
        office.inner.schedule_online("w")


def reschedule(office: Office) -> None:
    office.inner.put_schedule("w", HOURLY)
    office.inner.schedule_online("w")


def paused(office: Office) -> Done:
    edit(office)
    end = office.publish("deploy")
    assert (end.status, end.phase, end.error_code) == ("pending", "paused", "foreign_edit")
    return end


# --- what pauses ---------------------------------------------------------------------------------


def test_a_definition_that_was_edited_there_pauses_before_the_first_write(office: Office) -> None:
    end = paused(office)
    record = office.record(end.record_id)
    assert (office.engine.writes, record["found"]) == ([], None), "nothing was begun"
    assert "its definition on the engine: nothing that we ever sent there" in str(end.message)
    assert f"wfgov record decide {end.record_id} republish | accept | abort" in str(end.message)
    assert "~task w.extract: text" in str(record["waits_on"])
    with office.store.read() as work:
        assert work.leases.left(office.row("engine")["id"], "w") == 0
    assert office.drive(end.record_id) == end


def test_a_schedule_that_was_edited_there_pauses_too(office: Office) -> None:
    reschedule(office)
    end = office.publish("deploy")
    assert (end.phase, office.engine.writes) == ("paused", [])
    assert "its schedule on the engine" in str(end.message)


def test_an_edit_in_the_middle_pauses_before_the_next_write(office: Office) -> None:
    record_id, publisher = office.ask("deploy"), office.publisher()
    advance(publisher, record_id)
    office.inner.deploy(a_definition(text=THEIRS), Marker("w", 9, "w1:x"))
    end = advance(publisher, record_id)
    assert isinstance(end, Done)
    assert (end.phase, office.engine.writes) == ("paused", ["offline"])


def torn(office: Office, monkeypatch: pytest.MonkeyPatch) -> int:
    """A record whose deploy has no reply; the engine shows a definition that nobody ever sent, until the patch ends."""
    office.engine.faults.extend([Fault.NONE, Fault.REPLY_LOST])
    record_id, publisher = office.ask("deploy"), office.publisher(settle_seconds=60)
    for _ in range(2):
        advance(publisher, record_id)
    live = office.seen()
    half = replace(live, definition=a_definition(text=THEIRS))
    monkeypatch.setattr(office.inner, "observe", lambda _: half)
    return record_id


def test_what_is_seen_while_a_write_may_still_come_is_no_edit_yet(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Servers read a definition in several queries: while one is written it is seen half old, half new."""
    record_id, publisher = torn(office, monkeypatch), office.publisher(settle_seconds=60)
    said = advance(publisher, record_id)
    assert isinstance(said, Again)
    assert said.after_seconds == 1
    with office.store.read() as work:
        assert work.leases.left(office.row("engine")["id"], "w") == 0, "who waits holds up nobody"
    monkeypatch.undo()
    office.age_steps(61)
    assert office.drive(record_id).status == "success"
    assert office.state() == AFTER


def test_an_edit_that_is_there_when_no_write_can_come_any_more_pauses(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_id = torn(office, monkeypatch)
    office.age_steps(61)
    assert office.drive(record_id).phase == "paused"


def test_whoever_took_it_online_or_offline_there_edited_nothing(office: Office) -> None:
    office.inner.offline("w")
    assert office.publish("deploy").status == "success"
    assert office.state()[:2] == (NEW, False)


def test_an_older_version_of_ours_is_no_edit_even_without_its_marker(office: Office) -> None:
    office.publish("deploy")
    office.save(a_definition(text="echo 3", schedule=MORNING))
    office.inner.offline("w")
    office.inner.deploy(a_definition(schedule=NIGHTLY), Marker("w", 77, "w1:nobody"))
    assert office.publish("deploy").status == "success"


def test_taking_it_offline_never_pauses(office: Office) -> None:
    edit(office)
    reschedule(office)
    assert office.publish("offline").status == "success"
    assert office.state()[:2] == (THEIRS, False)


def test_an_edit_pauses_the_way_back_too(office: Office) -> None:
    office.engine.faults.extend([Fault.NONE, Fault.NONE, Fault.NONE, Fault.REJECTED])
    record_id, publisher = office.ask("deploy"), office.publisher()
    while office.record(record_id)["phase"] != "compensating":
        advance(publisher, record_id)
    edit(office)
    end = office.drive(record_id) if office.lapse() is None else None
    assert end is not None
    assert (end.status, end.phase) == ("pending", "paused")
    decide(office.publisher(), "ann", record_id, Choice.REPUBLISH)
    end = office.drive(record_id)
    assert (end.phase, end.error_code) == ("rejected", "engine_rejected")
    assert office.state() == ("echo 1", True, NIGHTLY, True)


def test_a_dry_run_says_that_it_would_pause(office: Office) -> None:
    assert preview(office.publisher(), Request("w", Operation.DEPLOY, "embedded")).foreign == ()
    edit(office)
    assert preview(office.publisher(), Request("w", Operation.DEPLOY, "embedded")).foreign == ("definition",)
    assert preview(office.publisher(), Request("w", Operation.OFFLINE, "embedded")).foreign == ()


def test_a_newer_publish_supersedes_a_paused_one(office: Office) -> None:
    old = paused(office)
    new = office.publish("deploy")
    assert (new.phase, office.drive(old.record_id).phase) == ("paused", "superseded")


# --- republish -----------------------------------------------------------------------------------


def test_republish_overwrites_the_edit_that_was_seen(office: Office) -> None:
    end = paused(office)
    assert decide(office.publisher(), "ann", end.record_id, Choice.REPUBLISH, "theirs was a test") is not None
    assert (office.drive(end.record_id).status, office.state()) == ("success", AFTER)
    told = [row for row in office.rows("workflow_operation_log") if row["action"] == "decide_publish"]
    assert [(row["actor"], row["outcome"]) for row in told] == [("ann", "done")]
    assert "theirs was a test" in told[0]["detail"]
    assert "overruled the foreign edit: theirs was a test" in str(office.record(end.record_id)["log"])


def test_a_further_edit_pauses_again(office: Office) -> None:
    end = paused(office)
    decide(office.publisher(), "ann", end.record_id, Choice.REPUBLISH)
    edit(office, a_definition(text="echo theirs again"))
    assert office.drive(end.record_id).phase == "paused"
    decide(office.publisher(), "ann", end.record_id, Choice.REPUBLISH)
    assert (office.drive(end.record_id).status, office.state()) == ("success", AFTER)


def test_both_parts_are_overruled_at_once(office: Office) -> None:
    reschedule(office)
    end = paused(office)
    assert "its definition and its schedule" in str(end.message)
    decide(office.publisher(), "ann", end.record_id, Choice.REPUBLISH)
    assert (office.drive(end.record_id).status, office.state()) == ("success", AFTER)


def test_a_retry_of_a_paused_publish_looks_again(office: Office) -> None:
    end = paused(office)
    retry(office.store, "ann", end.record_id)
    assert office.drive(end.record_id).phase == "paused"
    edit(office, a_definition(schedule=NIGHTLY))  # they put it back
    retry(office.store, "ann", end.record_id)
    assert (office.drive(end.record_id).status, office.state()) == ("success", AFTER)


# --- abort ---------------------------------------------------------------------------------------


def test_abort_ends_the_publish_and_leaves_the_engine_as_it_is(office: Office) -> None:
    end = paused(office)
    assert decide(office.publisher(), "ann", end.record_id, Choice.ABORT, "not today") is None
    end = office.drive(end.record_id)
    assert (end.status, end.phase, office.engine.writes) == ("failed", "aborted", [])
    assert "aborted by ann" in str(end.message)
    assert "not today" in str(end.message)
    assert office.state()[0] == THEIRS
    with pytest.raises(IllegalTransition, match="it is aborted"):
        retry(office.store, "ann", end.record_id)


# --- accept --------------------------------------------------------------------------------------


def test_accept_makes_what_the_engine_holds_the_next_version_confirmed_and_published(office: Office) -> None:
    reschedule(office)
    end = paused(office)
    assert decide(office.publisher(), "ann", end.record_id, Choice.ACCEPT) is None
    end = office.drive(end.record_id)
    assert (end.status, end.phase, office.engine.writes) == ("failed", "aborted", [])
    assert "accepted by ann: what the engine holds is V3 now" in str(end.message)
    with office.store.read() as work:
        saved = work.versions.definition("w", 3)
    assert (saved.tasks[0].text, saved.settings.schedule) == (THEIRS, HOURLY)
    version, deployment, workflow = (
        office.rows("workflow_version")[2],
        office.row("engine_deployment"),
        office.workflow(),
    )
    assert workflow is not None
    assert workflow["current_version_id"] == workflow["last_published_version_id"] == deployment["version_id"]
    assert (deployment["content_hash"], deployment["online"]) == (version["content_hash"], 1)
    assert "~task w.extract: text" in version["change_summary"]
    assert workflow["publish_status"] == "published"
    assert office.rows("workflow_definition_snapshot")[-1]["status"] == "published"
    live = live_version(office.store, "w", "embedded", datetime.now(UTC) + timedelta(hours=1))
    assert (live.version_no, live.record_id, live.operator) == (3, None, "ann"), "seen there, not sent"
    again = office.publish("deploy")
    assert (again.status, again.version_no, again.steps) == ("success", 3, 0)


def test_an_offline_workflow_that_lost_its_schedule_keeps_it_when_accepted(office: Office) -> None:
    office.inner.offline("w")
    live = office.seen()
    assert live.marker is not None
    office.inner.deploy(a_definition(text=THEIRS), live.marker)
    end = office.publish("deploy")
    decide(office.publisher(), "ann", end.record_id, Choice.ACCEPT)
    with office.store.read() as work:
        assert work.versions.definition("w", 3).settings.schedule == NIGHTLY


def test_accept_is_refused_where_the_tasks_are_others(office: Office) -> None:
    other = a_definition(text=THEIRS)
    more = make(other.settings, [*other.tasks, Task("w.stranger", "Stranger")], other.edges)
    edit(office, more)
    end = office.publish("deploy")
    versions = office.rows("workflow_version")
    with pytest.raises(InvalidInput, match=r"other tasks than the workflow: with w\.stranger") as caught:
        decide(office.publisher(), "ann", end.record_id, Choice.ACCEPT)
    assert "bring the tasks into the metadata" in caught.value.hint
    assert (office.drive(end.record_id).phase, office.rows("workflow_version")) == ("paused", versions)
    told = [row["outcome"] for row in office.rows("workflow_operation_log") if row["action"] == "decide_publish"]
    assert told == ["refused"]


def test_accept_is_refused_when_it_was_edited_once_more(office: Office) -> None:
    end = paused(office)
    edit(office, a_definition(text="echo theirs again"))
    with pytest.raises(Conflict, match="changed on the engine once more"):
        decide(office.publisher(), "ann", end.record_id, Choice.ACCEPT)
    office.remove_from_engine()
    with pytest.raises(Conflict, match="does not hold it any more"):
        decide(office.publisher(), "ann", end.record_id, Choice.ACCEPT)


def test_only_a_paused_publish_is_decided_about(office: Office) -> None:
    end = office.publish("deploy")
    for choice in Choice:
        with pytest.raises(IllegalTransition, match="it is confirmed, not paused"):
            decide(office.publisher(), "ann", end.record_id, choice)


def test_the_engine_is_left_alone_by_whoever_decides(office: Office) -> None:
    end = paused(office)
    state = office.state()
    decide(office.publisher(), "ann", end.record_id, Choice.ACCEPT)
    assert (office.state(), office.engine.writes) == (state, [])
    assert replace(end, phase="aborted").record_id == end.record_id
