"""Job `publish`: the use case's checks, readable metadata, and no second try for what a person has to change."""

import dagster as dg
import pytest
import sqlalchemy as sa

from resources import keys
from tests.dagster import estate
from tests.dagster.estate import REPORT, RETAIL
from tests.dagster.runs import execute, failure, materializations, metadata, publish_it, tags
from wfgov_dagster.definitions import defs
from wfgov_dagster.domain.publish import Operation
from wfgov_dagster.ops.publish import PublishOperation
from wfgov_dagster.wiring import Platform


@pytest.mark.parametrize("code", [RETAIL, REPORT])
def test_a_deploy_needs_nothing_but_the_workflow(derived: dg.DagsterInstance, code: str) -> None:
    result = publish_it(derived, code)

    told = metadata(result)
    assert (told["workflow"], told["version"], told["status"]) == (code, "V1", "success (confirmed)")
    assert "send V1" in str(told["plan"])
    assert "| 1 | deploy | done |" in str(told["steps"])


def test_the_run_can_be_found_by_workflow_version_and_record(derived: dg.DagsterInstance) -> None:
    result = publish_it(derived, REPORT)

    found = tags(derived, result)
    assert (found[keys.TAG_WORKFLOW], found[keys.TAG_VERSION]) == (REPORT, "V1")
    assert found[keys.TAG_RECORD] == str(metadata(result)["publish_record"])


def test_a_publish_marks_the_deployment_of_its_workflow(derived: dg.DagsterInstance) -> None:
    event = materializations(publish_it(derived, RETAIL))[0]

    assert (event.asset_key, event.partition) == (keys.ENGINE_DEPLOYMENTS, RETAIL)


def test_publishing_again_has_nothing_to_do(derived: dg.DagsterInstance) -> None:
    publish_it(derived, RETAIL)

    told = metadata(publish_it(derived, RETAIL))

    assert told["plan"] == "1. nothing to do: the engine shows what is wanted"
    assert told["steps"] == "*none*"


def test_deploy_online_offline_follow_each_other(derived: dg.DagsterInstance) -> None:
    ends = [metadata(publish_it(derived, RETAIL, operation=name))["status"] for name in ("deploy", "online", "offline")]

    assert ends == ["success (confirmed)"] * 3


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"version": 7}, "no version V7"),
        ({"engine": "nowhere"}, "no engine 'nowhere'"),
        ({"operation": "online"}, RETAIL),
    ],
)
def test_what_a_person_has_to_change_fails_once_and_says_so(
    derived: dg.DagsterInstance, config: dict[str, object], said: str
) -> None:
    message, told = failure(publish_it(derived, RETAIL, **config))

    assert said in message
    assert told["code"] in {"not_found", "conflict", "illegal_state"}


def test_a_refusal_is_in_the_audit_with_who_asked(derived: dg.DagsterInstance) -> None:
    config: dict[str, dict[str, object]] = {"publish_workflow": {"version": 7}}
    execute(derived, "publish", config, partition_key=RETAIL, tags={keys.TAG_ACTOR: "ann"})

    rows = estate.execute("SELECT actor, outcome FROM workflow_operation_log WHERE action = 'publish'")
    assert rows == [("dagster:ann", "refused")]


def test_a_workflow_that_does_not_exist_fails_once_and_says_so(derived: dg.DagsterInstance) -> None:
    derived.add_dynamic_partitions("workflow", ["nobody"])

    assert "no workflow 'nobody'" in failure(publish_it(derived, "nobody"))[0]


def test_without_a_workflow_the_run_says_where_to_choose_one(derived: dg.DagsterInstance) -> None:
    assert "choose one as partition" in failure(execute(derived, "publish"))[0]


def test_the_launchpad_offers_every_operation_by_the_name_that_people_write() -> None:
    assert {one.name for one in PublishOperation} == {one.value for one in Operation}


def test_choosing_a_workflow_fills_in_the_config_and_the_tag(derived: dg.DagsterInstance) -> None:
    chosen = defs.resolve_job_def("publish").partitioned_config
    assert chosen is not None

    assert chosen.get_run_config_for_partition_key(REPORT) == {
        "ops": {"publish_workflow": {"config": {"operation": "deploy"}}}
    }
    assert chosen.get_tags_for_partition_key(REPORT)[keys.TAG_WORKFLOW] == REPORT


def test_a_workflow_that_is_gone_from_the_engine_leaves_no_open_record(
    derived: dg.DagsterInstance,
) -> None:
    publish_it(derived, RETAIL)
    platform = Platform()
    with platform.database.write() as conn:
        conn.execute(sa.text("DELETE FROM embedded_workflow"))

    failure(publish_it(derived, RETAIL, operation="offline"))

    with platform.database.read() as conn:
        states = list(conn.scalars(sa.text("SELECT status FROM workflow_publish_record ORDER BY id")))
    assert states == ["success", "failed"]
    platform.close()


def test_the_run_shows_the_timeline_with_times_and_outcomes(derived: dg.DagsterInstance) -> None:
    told = metadata(publish_it(derived, RETAIL))

    assert "| at | round | attempt | what | outcome | seconds | who | message |" in str(told["timeline"])
    assert "| deploy | done |" in str(told["timeline"])


def test_a_publish_that_has_to_wait_ends_its_run_and_a_later_run_marks_the_deployment(
    derived: dg.DagsterInstance,
) -> None:
    publish_it(derived, RETAIL)
    estate.execute(
        "INSERT INTO engine_breaker (engine_id, failures, open_until) VALUES (1, 5, '2999-01-01 00:00:00.000000')"
    )
    result = publish_it(derived, RETAIL, operation="online")

    told = metadata(result)
    assert (told["status"], materializations(result)) == ("pending (intent)", [])
    assert "goes on by itself" in str(told["goes_on"])

    estate.execute("DELETE FROM engine_breaker")
    estate.execute("UPDATE flow SET next_due_at = created_at WHERE state = 'Processing'")
    later = execute(derived, "advance_flows")
    (event,) = materializations(later)
    assert (event.asset_key, event.partition) == (keys.ENGINE_DEPLOYMENTS, RETAIL)
    assert event.metadata["status"].value == "success (confirmed)"
    assert estate.execute("SELECT status FROM workflow_publish_record ORDER BY id") == [("success",), ("success",)]
