"""The sweeper finds what came late and what is parked; it writes to no engine, and overwrites nobody."""

from dataclasses import replace

import pytest

from tests.doubles.engine import Fault
from tests.integration.publish_support import MORNING, NIGHTLY, Office, a_definition
from wfgov_dagster.errors import EngineUnreachable
from wfgov_dagster.ports.engine import Marker
from wfgov_dagster.store.db import Database
from wfgov_dagster.usecases.publish import advance
from wfgov_dagster.usecases.publisher import Done
from wfgov_dagster.usecases.sweep import Pace, Swept, sweep

NEW = "echo new"
BEFORE = ("echo 1", True, NIGHTLY, True)
AFTER = (NEW, True, MORNING, True)
DOWN = EngineUnreachable("connection refused", where="engine embedded")


@pytest.fixture
def office(database: Database) -> Office:
    """V1 is online and fires every night; V2 has other content and another schedule."""
    office = Office(database)
    online(office, "w")
    return office


def online(office: Office, code: str) -> None:
    office.save(a_definition(code, schedule=NIGHTLY))
    office.publish("deploy", code)
    office.publish("online", code)
    office.save(a_definition(code, NEW, MORNING))
    office.engine.writes.clear()


def swept(office: Office, **pace: float) -> list[Swept]:
    writes = list(office.engine.writes)
    found = sweep(office.publisher(), "system", replace(Pace(office.sleeps.append), **pace))  # type: ignore[arg-type]
    assert office.engine.writes == writes, "the sweeper itself writes nothing"
    return found


def words(found: list[Swept]) -> list[tuple[str, str]]:
    return [(one.workflow_code, one.found) for one in found]


# --- late writes ---------------------------------------------------------------------------------


def zombie(office: Office, at: int) -> None:
    """A write of V2 without a reply; then V2 was published all the same, and V3 after it."""
    office.engine.faults.extend([Fault.NONE] * at + [Fault.LATE])
    assert office.publish("deploy").status == "success"
    office.engine.writes.clear()


@pytest.mark.parametrize(("at", "back"), [(0, ["online", "schedule_online"]), (3, ["schedule_online"])])
def test_a_late_write_is_taken_back_by_a_restore_that_goes_the_loop_of_every_publish(
    office: Office, at: int, back: list[str]
) -> None:
    zombie(office, at)
    assert office.state() == AFTER
    office.engine.arrive()
    assert office.state() != AFTER
    (found,) = swept(office)
    assert (found.found, found.engine, found.workflow_code) == ("restoring", "embedded", "w")
    assert found.record_id is not None
    record = office.record(found.record_id)
    assert (record["operator"], record["flow_id"] is None) == ("system", False)
    assert (office.drive(found.record_id).status, office.state(), office.engine.writes) == ("success", AFTER, back)
    assert "came late" in str(office.record(found.record_id)["log"])
    assert words(swept(office)) == [("w", "as_confirmed")]


@pytest.mark.parametrize(("at", "back"), [(0, ["online", "schedule_online"]), (3, ["schedule_online"])])
def test_a_publish_that_comes_before_the_sweeper_does_not_take_a_late_write_for_what_it_found(
    office: Office, at: int, back: list[str]
) -> None:
    """Simulator, seed 101174 at b87440d: a late take_offline made the next deploy leave it offline, confirmed."""
    zombie(office, at)
    office.engine.arrive()
    assert office.publish("deploy").status == "success"
    assert (office.state(), office.engine.writes) == (AFTER, back)


def test_what_a_person_took_offline_stays_offline_also_after_a_lost_answer_to_something_else(office: Office) -> None:
    zombie(office, 3)
    office.inner.offline("w")
    assert office.publish("deploy").status == "success"
    assert office.state() == (NEW, False, MORNING, False)


def test_a_late_deploy_of_another_version_is_taken_back(office: Office) -> None:
    zombie(office, 0)
    office.save(a_definition(text="echo 3", schedule=MORNING))
    office.publish("deploy")
    office.inner.offline("w")
    office.inner.deploy(a_definition(text=NEW, schedule=MORNING), Marker("w", 2, "w1:x"))
    (found,) = swept(office)
    assert found.found == "restoring"
    assert found.record_id is not None
    assert office.drive(found.record_id).status == "success"
    assert office.state() == ("echo 3", True, MORNING, True)
    workflow = office.workflow()
    assert workflow is not None
    assert workflow["last_published_version_id"] == office.row("engine_deployment")["version_id"]


def test_only_where_a_write_was_lost_lately_is_looked(office: Office) -> None:
    assert swept(office) == []
    zombie(office, 0)
    assert words(swept(office)) == [("w", "as_confirmed")]
    office.pass_time(4000)
    assert swept(office) == []


def test_a_foreign_edit_is_reported_and_left_alone_until_it_is_gone(office: Office) -> None:
    zombie(office, 0)
    office.inner.offline("w")
    office.inner.deploy(a_definition(text="echo theirs"), Marker("w", 9, "w1:x"))
    records = office.rows("workflow_publish_record")
    assert words(swept(office)) == [("w", "edited")]
    assert words(swept(office)) == [("w", "edited")]
    assert office.rows("workflow_publish_record") == records
    with office.store.read() as work:
        (finding,) = [one for one in work.findings.open() if one.rule == "engine_edited"]
    assert (finding.object_code, finding.object_type) == ("embedded/w", "deployment")
    office.inner.deploy(a_definition(text=NEW), Marker("w", 2, "w1:x"))
    swept(office)
    with office.store.read() as work:
        assert [one for one in work.findings.open() if one.rule == "engine_edited"] == []


def test_whoever_took_it_offline_by_hand_is_left_alone(office: Office) -> None:
    zombie(office, 4)
    office.inner.offline("w")
    assert words(swept(office)) == [("w", "released")]
    assert office.state()[1] is False


def test_what_somebody_publishes_meanwhile_is_not_touched(office: Office) -> None:
    zombie(office, 0)
    office.engine.arrive()
    office.ask("offline")
    assert swept(office) == []


def test_a_first_deploy_that_comes_late_is_only_taken_offline(office: Office) -> None:
    office.save(a_definition("late"))
    office.engine.faults.extend([Fault.LATE] + [Fault.REQUEST_LOST] * 7)
    assert office.publish("deploy", "late").phase == "failed"
    office.engine.arrive()
    assert words(swept(office)) == [("late", "as_confirmed")]
    office.inner.online("late")
    assert words(swept(office)) == [("late", "released")], "a person: no start of ours was lost"


# --- parked --------------------------------------------------------------------------------------


def park(office: Office, steps: int = 1, code: str = "w") -> Done:
    record_id, publisher = office.ask("deploy", code), office.publisher()
    for _ in range(steps):
        advance(publisher, record_id)
    office.lapse()
    office.engine.down = DOWN
    end = office.drive(record_id)
    assert (end.status, end.phase) == ("pending", "parked")
    office.pass_time(60)
    return end


def test_a_parked_publish_whose_engine_is_back_is_taken_back(office: Office) -> None:
    end = park(office)
    office.engine.down = None
    (found,) = swept(office)
    assert (found.found, found.record_id) == ("settled", end.record_id)
    end = office.drive(end.record_id)
    assert (end.status, end.phase, end.error_code, office.state()) == ("failed", "failed", "engine_unreachable", BEFORE)


def test_a_parked_publish_that_is_there_after_all_is_confirmed(office: Office) -> None:
    end = park(office, steps=5)
    office.engine.down = None
    assert words(swept(office)) == [("w", "settled")]
    assert (office.drive(end.record_id).status, office.state()) == ("success", AFTER)


def test_while_the_engine_is_gone_it_stays_parked_and_the_engine_is_left_alone(office: Office) -> None:
    end = park(office)
    found = [swept(office)[0] for _ in range(6)]
    assert {one.found for one in found} == {"unseen"}
    assert "left alone" in found[-1].message
    assert office.record(end.record_id)["phase"] == "parked"


def test_a_write_that_could_still_come_keeps_it_parked(office: Office) -> None:
    office.limits = replace(office.limits, settle_seconds=600)
    office.engine.faults.extend([Fault.NONE, Fault.LATE])
    park(office, steps=2)
    office.engine.down = None
    office.age_steps(500)
    (found,) = swept(office)
    assert (found.found, "could still come late" in found.message) == ("waiting", True)
    office.age_steps(601)
    assert words(swept(office)) == [("w", "settled")]


def test_a_way_back_that_was_refused_waits_for_a_person(office: Office) -> None:
    office.engine.refuses = lambda name, _: (
        name == "put_schedule" or (name == "online" and "put_schedule" in office.engine.writes)
    )
    end = office.publish("deploy")
    assert end.phase == "parked"
    (found,) = swept(office)
    assert (found.found, "a person has to look" in found.message) == ("waiting", True)


# --- bounds --------------------------------------------------------------------------------------


def test_a_pass_looks_at_so_many_first_at_those_it_did_not_look_at_for_longest(office: Office) -> None:
    for code in ("a", "b", "c"):
        online(office, code)
        office.engine.faults.append(Fault.REPLY_LOST)
        assert office.publish("deploy", code).status == "success"
    office.sleeps.clear()
    first = words(swept(office, most=2, a_second=4.0))
    assert office.sleeps == [0.25, 0.25]
    second = words(swept(office, most=2))
    assert first == [("a", "as_confirmed"), ("b", "as_confirmed")]
    assert second[0] == ("c", "as_confirmed")
