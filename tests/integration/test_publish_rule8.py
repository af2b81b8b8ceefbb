"""Design rule 8 as a table: operation and what the engine shows → writes and what it shows in the end."""

from collections.abc import Callable, Iterator

import pytest

from tests.integration.publish_support import MORNING, NIGHTLY, Office, a_definition
from wfgov_dagster.domain.definition import Schedule
from wfgov_dagster.domain.plan import NAMES
from wfgov_dagster.domain.publish import Operation
from wfgov_dagster.ports.engine import Marker
from wfgov_dagster.store.db import Database
from wfgov_dagster.usecases.preview_publish import Preview, preview
from wfgov_dagster.usecases.publish import drive
from wfgov_dagster.usecases.request_publish import Request

SAME, OTHER = "echo 1", "echo other"
State = tuple[str, bool, Schedule | None, bool]  # text, online, schedule, schedule online
AGAIN_ONLINE = "take_offline deploy bring_online"

# What is published is SAME with NIGHTLY; OTHER with MORNING was deployed before it, so neither is a foreign edit.
# "" = no write at all; None = it fails.
TABLE: dict[str, list[tuple[State | None, str | None, State | None]]] = {
    "deploy": [
        (None, "deploy", (SAME, False, None, False)),
        ((SAME, False, None, False), "", (SAME, False, None, False)),
        ((SAME, False, NIGHTLY, False), "", (SAME, False, NIGHTLY, False)),
        ((OTHER, False, None, False), "deploy", (SAME, False, None, False)),
        ((OTHER, False, MORNING, False), "deploy", (SAME, False, MORNING, False)),
        ((SAME, True, NIGHTLY, True), "", (SAME, True, NIGHTLY, True)),
        ((SAME, True, NIGHTLY, False), "", (SAME, True, NIGHTLY, False)),
        ((SAME, True, None, False), "put_schedule", (SAME, True, NIGHTLY, False)),
        ((SAME, True, MORNING, True), "put_schedule schedule_online", (SAME, True, NIGHTLY, True)),
        ((OTHER, True, NIGHTLY, True), f"{AGAIN_ONLINE} schedule_online", (SAME, True, NIGHTLY, True)),
        ((OTHER, True, NIGHTLY, False), AGAIN_ONLINE, (SAME, True, NIGHTLY, False)),
        ((OTHER, True, None, False), f"{AGAIN_ONLINE} put_schedule", (SAME, True, NIGHTLY, False)),
        ((OTHER, True, MORNING, True), f"{AGAIN_ONLINE} put_schedule schedule_online", (SAME, True, NIGHTLY, True)),
        ((OTHER, True, MORNING, False), f"{AGAIN_ONLINE} put_schedule", (SAME, True, NIGHTLY, False)),
    ],
    "online": [
        (None, "deploy bring_online put_schedule schedule_online", (SAME, True, NIGHTLY, True)),
        ((SAME, False, None, False), "bring_online put_schedule schedule_online", (SAME, True, NIGHTLY, True)),
        ((SAME, False, NIGHTLY, False), "bring_online schedule_online", (SAME, True, NIGHTLY, True)),
        ((OTHER, False, NIGHTLY, False), "deploy bring_online schedule_online", (SAME, True, NIGHTLY, True)),
        ((SAME, True, NIGHTLY, True), "", (SAME, True, NIGHTLY, True)),
        ((SAME, True, NIGHTLY, False), "schedule_online", (SAME, True, NIGHTLY, True)),
        ((SAME, True, MORNING, True), "put_schedule schedule_online", (SAME, True, NIGHTLY, True)),
        ((OTHER, True, NIGHTLY, True), f"{AGAIN_ONLINE} schedule_online", (SAME, True, NIGHTLY, True)),
        ((OTHER, True, None, False), f"{AGAIN_ONLINE} put_schedule schedule_online", (SAME, True, NIGHTLY, True)),
    ],
    "offline": [
        (None, None, None),
        ((SAME, False, NIGHTLY, False), "", (SAME, False, NIGHTLY, False)),
        ((OTHER, False, None, False), "", (OTHER, False, None, False)),
        ((SAME, True, NIGHTLY, True), "take_offline", (SAME, False, NIGHTLY, False)),
        ((SAME, True, None, False), "take_offline", (SAME, False, None, False)),
        ((OTHER, True, MORNING, True), "take_offline", (OTHER, False, MORNING, False)),
    ],
}  # fmt: skip
CASES = [(operation, *case) for operation, cases in TABLE.items() for case in cases]


def told(state: State | None) -> str:
    if state is None:
        return "absent"
    text, online, schedule, schedule_online = state
    what = "no-schedule" if schedule is None else "nightly" if schedule == NIGHTLY else "morning"
    return f"{text.split()[1]}-{'online' if online else 'offline'}-{what}{'-on' if schedule_online else ''}"


@pytest.fixture
def office(database: Database) -> Office:
    """V1 was deployed once; what the engine shows since is each test's."""
    office = Office(database)
    office.save(a_definition(text=SAME, schedule=NIGHTLY))
    assert office.publish("deploy").status == "success"
    office.engine.writes.clear()
    return office


@pytest.fixture(scope="module")
def shared(new_database: Callable[[], str]) -> Iterator[Office]:
    """Each row of the table has a workflow of its own in it."""
    database = Database(new_database())
    yield Office(database)
    database.dispose()


def published(office: Office, code: str, state: State | None) -> None:
    """V1 and V2 were deployed once; since then somebody made the engine show `state`, of theirs."""
    office.save(a_definition(code, OTHER, MORNING))
    assert office.publish("deploy", code).status == "success"
    office.save(a_definition(code, SAME, NIGHTLY))
    assert office.publish("deploy", code).status == "success"
    office.engine.writes.clear()
    if state is None:
        office.remove_from_engine(code)
        return
    text, online, schedule, schedule_online = state
    office.inner.deploy(a_definition(code, text, None), Marker(code, 1, "w1:other"))
    office.inner.online(code)
    office.inner.put_schedule(code, schedule)
    if schedule_online:
        office.inner.schedule_online(code)
    if not online:
        office.inner.offline(code)


@pytest.mark.parametrize(
    ("operation", "before", "steps", "after"), CASES, ids=[f"{case[0]}-{told(case[1])}" for case in CASES]
)
def test_an_operation_takes_the_steps_that_a_dry_run_shows_and_leads_there(
    shared: Office, operation: str, before: State | None, steps: str | None, after: State | None
) -> None:
    office, code = shared, f"{operation}-{told(before)}"
    published(office, code, before)
    if steps is None:
        end = office.publish(operation, code)
        assert (end.status, end.error_code, office.engine.writes) == ("failed", "not_found", [])
        assert "deploy it first" in str(end.message)
        return
    shown = _shown(office, operation, code)
    differs = operation != "offline" and before is not None and before[0] == OTHER
    assert (f"~task {code}.extract: text" in shown.change_summary) is differs
    end = office.publish(operation, code)
    record = office.record(end.record_id)
    assert (end.status, record["status"], record["phase"]) == ("success", "success", "confirmed")
    assert record["desired"] == shown.desired
    assert office.steps(end.record_id) == [(step, "ok") for step in steps.split()]
    assert [NAMES[type(step)] for step in shown.steps] == steps.split()
    assert end.steps == len(office.engine.writes) == len(steps.split())
    assert office.state(code) == after


def _shown(office: Office, operation: str, code: str) -> Preview:
    """It has written nothing."""
    tables = ["workflow_publish_record", "workflow_definition_snapshot", "publish_step", "engine_lease",
              "workflow_operation_log", "data_workflow", "canonical_document"]  # fmt: skip
    rows = [office.rows(table) for table in tables]
    shown = preview(office.publisher(), Request(code, Operation(operation), "embedded"))
    assert office.engine.writes == []
    assert [office.rows(table) for table in tables] == rows
    return shown


def test_publishing_twice_writes_nothing_but_a_record(office: Office) -> None:
    snapshot = office.row("workflow_definition_snapshot")
    versions = office.inner.versions("w")
    end = office.publish("deploy")
    assert (end.status, end.steps, office.engine.writes) == ("success", 0, [])
    assert office.inner.versions("w") == versions
    assert len(office.rows("workflow_publish_record")) == 2
    assert office.row("workflow_definition_snapshot")["id"] == snapshot["id"]
    assert office.record(end.record_id)["found"]["present"] is True


def test_an_edit_then_deploy_keeps_an_online_workflow_online(office: Office) -> None:
    office.publish("online")
    office.save(a_definition(text="echo 2", schedule=MORNING))
    assert office.publish("deploy").status == "success"
    assert office.state() == ("echo 2", True, MORNING, True)
    assert office.seen().marker == Marker("w", 2, office.rows("workflow_version")[1]["content_hash"])


def test_a_schedule_that_is_gone_from_the_definition_is_gone_from_the_engine(office: Office) -> None:
    office.publish("online")
    office.save(a_definition(text=SAME, schedule=None))
    end = office.publish("deploy")
    assert office.steps(end.record_id) == [("put_schedule", "ok")]
    assert office.state() == (SAME, True, None, False)


def test_online_is_about_the_published_version_not_the_newest(office: Office) -> None:
    office.save(a_definition(text="echo 2"))
    end = office.publish("online")
    assert (end.status, end.version_no) == ("success", 1)
    assert office.state() == (SAME, True, NIGHTLY, True)


def test_the_same_content_as_another_version_is_published_without_a_write(office: Office) -> None:
    office.save(a_definition(text="echo 2"))
    office.save(a_definition(text=SAME, schedule=NIGHTLY))
    end = office.publish("deploy")
    assert (end.version_no, end.steps) == (3, 0)
    workflow = office.workflow()
    assert workflow is not None
    assert workflow["last_published_version_id"] == workflow["current_version_id"]
    assert office.row("engine_deployment")["version_id"] == workflow["current_version_id"]


def test_a_success_is_written_down_everywhere(office: Office) -> None:
    end = office.publish("online")
    record, workflow = office.record(end.record_id), office.workflow()
    version, deployment = office.row("workflow_version"), office.row("engine_deployment")
    assert workflow is not None
    assert (record["operator"], record["target_engine"], record["engine_workflow_code"]) == ("ann", "embedded", "w")
    assert record["finished_at"] >= record["created_at"]
    assert [line["step"] for line in record["log"]] == ["bring_online", "put_schedule", "schedule_online"]
    assert (workflow["publish_status"], workflow["last_published_version_id"]) == ("published", version["id"])
    assert (deployment["version_id"], deployment["content_hash"]) == (version["id"], version["content_hash"])
    assert (deployment["online"], deployment["schedule_online"]) == (1, 1)
    assert deployment["engine_task_codes"] == '{"w.extract":"w.extract","w.load":"w.load"}'
    snapshot = office.row("workflow_definition_snapshot")
    assert (snapshot["workflow_key"], snapshot["status"]) == ("embedded/default/w", "published")
    assert (snapshot["publisher"], snapshot["trigger_source"]) == ("ann", "manual")
    assert any(row["hash"] == snapshot["content_hash"] for row in office.rows("canonical_document"))
    office.publish("offline")
    assert office.row("engine_deployment") | {"confirmed_at": 0} == deployment | {
        "online": 0, "schedule_online": 0, "confirmed_at": 0,
    }  # fmt: skip
    assert office.audit() == [("publish", "w", "done")] * 3
    with office.store.read() as work:
        assert work.leases.left(office.row("engine")["id"], "w") == 0


def test_a_finished_record_is_not_driven_again(office: Office) -> None:
    end = office.publish("online")
    writes = list(office.engine.writes)
    assert drive(office.publisher(), end.record_id, lambda _: None) == end
    assert office.engine.writes == writes
