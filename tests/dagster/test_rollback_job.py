"""Job `rollback`: a new version, the deployment marked, and refusals that a person can read."""

import dagster as dg

from resources import keys
from tests.dagster import estate
from tests.dagster.estate import RETAIL
from tests.dagster.runs import execute, failure, materializations, metadata, orchestrate, publish_it, tags
from wfgov_dagster.ops import rollback


def roll_back(instance: dg.DagsterInstance, **config: object) -> dg.ExecuteInProcessResult:
    return execute(instance, "rollback", {rollback.OP: config}, partition_key=RETAIL)


def test_it_makes_publishes_and_marks_the_older_content(derived: dg.DagsterInstance) -> None:
    publish_it(derived, RETAIL)
    estate.execute("UPDATE data_task SET task_sql = 'echo other' WHERE task_code = 'audit'")
    orchestrate(derived)

    message, _ = failure(roll_back(derived, reason=" "))
    assert "why? 1 to 2000 characters" in message
    message, told = failure(roll_back(derived, reason="audit is wrong", until="soon"))
    assert ("'soon' is no time — until" in message, told["code"]) == (True, "invalid")
    result = roll_back(derived, reason="audit is wrong", until="2999-01-01T06:00+08:00")

    told = metadata(result)
    assert told["pinned"] == "audit is wrong (until 2998-12-31 22:00:00Z)"
    assert (told["version"], told["rollback_of"], told["status"]) == ("V3", "V1", "success (confirmed)")
    event = materializations(result)[0]
    assert (event.asset_key, event.partition) == (keys.ENGINE_DEPLOYMENTS, RETAIL)
    assert tags(derived, result)[keys.TAG_VERSION] == "V3"
    assert {one.code: one.text for one in estate.current(RETAIL).tasks}["audit"] == "echo audit"
    assert metadata(orchestrate(derived, full=True))["new_versions"] == 0
    message, told = failure(roll_back(derived, reason="again", to=1))
    assert ("has the content of V1" in message, told["code"]) == (True, "conflict")
