"""What is refused, and what a refusal leaves: an audit entry, nothing else."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import product

import pytest
import sqlalchemy as sa

from tests.integration.publish_support import Office, a_definition
from wfgov_dagster.domain.publish import Operation
from wfgov_dagster.errors import Conflict, LeaseHeld, NotFound, StoreError, WfgovError
from wfgov_dagster.store.db import Database
from wfgov_dagster.store.schema.publish import engine as engines
from wfgov_dagster.store.schema.workflow import canonical_document
from wfgov_dagster.usecases.engines import ensure_embedded
from wfgov_dagster.usecases.preview_publish import preview
from wfgov_dagster.usecases.publish import advance
from wfgov_dagster.usecases.publisher import Again, Done
from wfgov_dagster.usecases.request_publish import Request

NOTHING = ["workflow_publish_record", "workflow_definition_snapshot", "publish_step", "engine_lease",
           "engine_deployment"]  # fmt: skip


@pytest.fixture
def office(database: Database) -> Office:
    office = Office(database)
    office.save(a_definition())
    return office


def refused(office: Office, error: type[WfgovError], match: str, call: Callable[[], object]) -> WfgovError:
    rows = {table: office.rows(table) for table in [*NOTHING, "data_workflow", "canonical_document"]}
    audit = office.audit()
    with pytest.raises(error, match=match) as caught:
        call()
    assert {table: office.rows(table) for table in rows} == rows
    assert [outcome for _, _, outcome in office.audit()[len(audit) :]] == ["refused"]
    assert office.engine.writes == []
    return caught.value


def test_an_unknown_engine_is_refused_and_the_known_ones_are_named(office: Office) -> None:
    error = refused(office, NotFound, "no engine 'dolphin-7'", lambda: office.ask("deploy", engine="dolphin-7"))
    assert error.hint == "known: embedded"


def test_an_unknown_workflow_is_refused(office: Office) -> None:
    for code in ("nobody", "", "x" * 300, "工作流 '\"%;--"):
        refused(office, NotFound, "no workflow", partial(office.ask, "deploy", code))


def test_a_version_that_does_not_exist_is_refused(office: Office) -> None:
    for operation, number in product(Operation, (0, -1, 2, 99)):
        asked = partial(office.ask, operation, version_no=number)
        error = refused(office, NotFound, f"no version V{number}", asked)
        assert error.hint == "wfgov version list w"


def test_a_version_that_is_not_the_one_is_refused(office: Office) -> None:
    office.save(a_definition(text="echo 2"))
    refused(office, Conflict, "deploy is about V2, not about V1", lambda: office.ask("deploy", version_no=1))


def test_the_version_that_it_is_about_is_let_through(office: Office) -> None:
    assert office.drive(office.ask("deploy", version_no=1)).status == "success"


@pytest.mark.parametrize("operation", ["online", "offline"])
def test_what_was_never_deployed_goes_neither_online_nor_offline(office: Office, operation: str) -> None:
    error = refused(office, Conflict, f"never deployed, so it cannot go {operation}", lambda: office.ask(operation))
    assert error.hint == "wfgov publish w --operation deploy"


def test_a_workflow_without_a_version_cannot_be_deployed(office: Office) -> None:
    office.create("draft", status="draft")
    refused(office, Conflict, "no version that could be deployed", lambda: office.ask("deploy", "draft"))


def test_an_archived_workflow_can_only_go_offline(office: Office) -> None:
    office.publish("deploy")
    office.engine.writes.clear()
    with office.store.write() as work:
        assert work.workflows.change_status("w", "ready", "archived", "ann")
    refused(office, Conflict, "archived", lambda: office.ask("deploy"))
    refused(office, Conflict, "archived", lambda: office.ask("online"))
    assert office.publish("offline").status == "success"


def test_a_version_that_the_logs_no_longer_give_is_not_published(office: Office) -> None:
    body = canonical_document.c.body
    with office.database.write() as conn:
        conn.execute(sa.update(canonical_document).values(body=sa.func.replace(body, "echo 1", "rm -r /")))
    with pytest.raises(StoreError, match="its content is not what was signed"):
        office.ask("deploy")
    assert office.rows("workflow_publish_record") == []


def test_a_dry_run_is_refused_as_the_publish_would_be_but_leaves_no_entry(office: Office) -> None:
    with pytest.raises(Conflict, match="never deployed"):
        preview(office.publisher(), Request("w", Operation.OFFLINE, "embedded"))
    assert office.audit() == []


def test_an_unknown_record_is_not_found(office: Office) -> None:
    with pytest.raises(NotFound, match="no publish record 4711"):
        advance(office.publisher(), 4711)


def test_the_embedded_engine_is_registered_once(office: Office) -> None:
    again = ensure_embedded(office.store, "ann")
    assert (again.name, again.kind, again.project) == ("embedded", "embedded", "default")
    assert [row["name"] for row in office.rows("engine")] == ["embedded"]
    entries = [row for row in office.rows("workflow_operation_log") if row["action"] == "register_engine"]
    assert [(row["actor"], row["object_code"]) for row in entries] == [("system", "embedded")]


# --- more than one publisher ---------------------------------------------------------------------


def test_while_somebody_publishes_another_request_is_refused(office: Office) -> None:
    record_id = office.ask("deploy")
    publisher = office.publisher()
    assert isinstance(advance(publisher, record_id), Again)
    office.engine.writes.clear()
    error = refused(office, LeaseHeld, "somebody is publishing it", lambda: office.ask("deploy"))
    assert error.hint.startswith("try again")
    assert isinstance(advance(publisher, record_id), Done)
    assert office.publish("deploy").status == "success"


def test_of_two_who_drive_one_record_the_second_is_held_off(office: Office) -> None:
    record_id = office.ask("deploy")
    advance(office.publisher(), record_id)
    writes, epoch = list(office.engine.writes), office.row("engine_lease")["epoch"]
    with pytest.raises(LeaseHeld, match="another publisher holds it"):
        advance(office.publisher(), record_id)
    assert (office.engine.writes, office.row("engine_lease")["epoch"]) == (writes, epoch)


def test_another_workflow_and_another_engine_are_not_held_off(office: Office) -> None:
    advance(office.publisher(), office.ask("deploy"))
    office.save(a_definition("v"))
    assert office.publish("deploy", "v").status == "success"
    with office.database.write() as conn:
        conn.execute(sa.insert(engines).values(name="second", kind="embedded"))
    assert office.drive(office.ask("deploy", engine="second")).status == "success"


def test_a_newer_request_supersedes_one_that_nobody_drives(office: Office) -> None:
    old = office.ask("deploy")
    office.save(a_definition(text="echo 2"))
    new = office.ask("deploy")
    assert office.drive(old).phase == "superseded"
    assert office.drive(new).status == "success"
    assert office.state()[0] == "echo 2"
    assert office.record(old)["error_code"] == "conflict"
    assert [row["status"] for row in office.rows("workflow_definition_snapshot")] == ["failed", "published"]


@pytest.mark.parametrize("round_", range(3))
def test_of_publishers_at_the_same_moment_one_goes_and_the_others_are_told(office: Office, round_: int) -> None:
    together = threading.Barrier(4)

    def publish(_: int) -> str:
        together.wait()
        try:
            end = office.drive(office.ask("deploy"))
        except LeaseHeld:
            return "held off"
        return end.phase

    with ThreadPoolExecutor(4) as pool:
        ends = sorted(pool.map(publish, range(4)))
    office.lapse()
    for record in office.rows("workflow_publish_record"):  # asked for just before another took the lease
        office.drive(record["id"])
    assert set(ends) <= {"confirmed", "held off", "superseded"}
    assert "confirmed" in ends
    assert office.engine.writes == ["deploy"]
    assert {row["status"] for row in office.rows("workflow_publish_record")} <= {"success", "failed"}
    workflow = office.workflow()
    assert workflow is not None
    assert workflow["publish_status"] == "published"
