"""Job `run_workflow` and sensor `embedded_instances`: what was submitted runs once; what was lost is failed."""

import time
from contextlib import closing

import dagster as dg
import pytest

from resources.catalogue import table_key
from resources.embedded_engine import EmbeddedEngineResource
from sensors.embedded_instances import embedded_instances
from sensors.runs import seconds_to_wait
from tests.dagster import estate
from tests.dagster.estate import RETAIL
from tests.dagster.runs import failure, materializations, metadata, orchestrate, publish_it, run_it, tags
from wfgov_dagster.domain.definition import Schedule
from wfgov_dagster.ports.embedded import Claim
from wfgov_dagster.wiring import Platform


@pytest.fixture
def online(derived: dg.DagsterInstance) -> dg.DagsterInstance:
    """RETAIL is deployed and online on the embedded engine."""
    estate.deploy_online(RETAIL)
    return derived


def tick(instance: dg.DagsterInstance) -> list[dg.RunRequest]:
    with dg.build_sensor_context(instance=instance, resources={"embedded_engine": EmbeddedEngineResource()}) as context:
        answer = embedded_instances(context)
    return list(answer.run_requests or []) if isinstance(answer, dg.SensorResult) else []


def test_a_submitted_instance_runs_to_its_end(online: dg.DagsterInstance) -> None:
    number = estate.submit(RETAIL)

    result = run_it(online, number)

    assert estate.instance(number).state == "success"
    told = metadata(result)
    assert (told["workflow"], told["version"], told["started_by"]) == (RETAIL, "V1", "ann")
    assert "| load | success | 1 |" in str(told["tasks"])
    assert tags(online, result)["wfgov/instance"] == str(number)


def test_a_success_marks_the_tables_that_its_tasks_wrote(online: dg.DagsterInstance) -> None:
    result = run_it(online, estate.submit(RETAIL))

    assert [one.asset_key for one in materializations(result)] == [
        table_key("dwd", "orders"),
        table_key("ods", "orders"),
    ]


def test_a_failing_task_fails_the_run_and_marks_nothing(online: dg.DagsterInstance) -> None:
    estate.execute("UPDATE data_task SET task_sql = 'exit 3' WHERE task_code = 'clean'")
    orchestrate(online)
    publish_it(online, RETAIL)

    result = run_it(online, estate.submit(RETAIL))

    message, told = failure(result)
    assert "clean" in message
    assert "| clean | failed |" in str(told["tasks"])
    assert materializations(result) == []


def test_an_instance_runs_once_however_many_runs_ask_for_it(online: dg.DagsterInstance) -> None:
    number = estate.submit(RETAIL)
    run_it(online, number)

    again = run_it(online, number)

    assert "it is success" in str(metadata(again)["nothing_to_do"])
    assert materializations(again) == []


def test_an_unknown_instance_fails_once_and_says_so(online: dg.DagsterInstance) -> None:
    assert "99" in failure(run_it(online, 99))[0]


def test_each_submitted_instance_becomes_one_run(online: dg.DagsterInstance) -> None:
    numbers = [estate.submit(RETAIL, "a"), estate.submit(RETAIL, "b")]

    asked = tick(online)

    assert [one.run_config["ops"]["run_instance"]["config"]["instance_id"] for one in asked] == numbers


def test_an_instance_whose_run_is_on_its_way_is_left_alone(online: dg.DagsterInstance) -> None:
    number = estate.submit(RETAIL)
    online.add_run(dg.DagsterRun("run_workflow", status=dg.DagsterRunStatus.STARTED, tags=tick(online)[0].tags))

    assert tick(online) == []
    assert estate.instance(number).state == "submitted"


def test_an_instance_whose_run_died_before_it_got_it_is_tried_again_later(online: dg.DagsterInstance) -> None:
    estate.submit(RETAIL)
    asked = tick(online)[0].tags
    online.add_run(dg.DagsterRun("run_workflow", status=dg.DagsterRunStatus.FAILURE, tags=asked))

    assert tick(online) == []
    assert 0 < seconds_to_wait(online, "run_workflow", time.time(), asked) <= 5


def test_an_instance_without_a_sign_of_life_is_failed(online: dg.DagsterInstance) -> None:
    number = estate.submit(RETAIL)
    with closing(Platform()) as platform:
        platform.embedded_store.claim(Claim(number, "a run that died"))
    assert tick(online) == []
    assert estate.instance(number).state == "running"
    estate.execute("UPDATE embedded_instance SET heartbeat_at = '2020-01-01 00:00:00'")

    assert tick(online) == []

    assert estate.instance(number).state == "failed"
    assert "lost" in str(estate.instance(number).error)


def test_a_broken_database_fails_the_tick(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WFGOV_DATABASE_URL", "postgresql://wfgov:hush@127.0.0.1:1/none")

    with pytest.raises(dg.Failure) as failed:
        tick(instance)

    assert "hush" not in str(failed.value)


def test_a_schedule_that_has_come_due_fires_and_its_instance_is_run(online: dg.DagsterInstance) -> None:
    with closing(Platform()) as platform:
        engine = platform.engine("embedded", "ann")
        engine.put_schedule(RETAIL, Schedule("0 0 1 1 *", "UTC"))
        engine.schedule_online(RETAIL)
    assert tick(online) == []
    estate.execute("UPDATE embedded_workflow SET next_fire_at = '2024-01-01 00:00:00.000000'")

    (asked,) = tick(online)

    number = asked.run_config["ops"]["run_instance"]["config"]["instance_id"]
    assert (estate.instance(number).trigger, estate.instance(number).started_by) == ("schedule", "system")
    assert run_it(online, number).success
    assert tick(online) == []


def test_a_schedule_that_cannot_fire_is_logged_and_holds_up_nobody(online: dg.DagsterInstance) -> None:
    number = estate.submit(RETAIL)
    bad = '{"cron":"0 0 1 1 *","end": null, "start": null, "time_zone": "Mars/Olympus"}'
    estate.execute(f"UPDATE embedded_workflow SET next_fire_at = '2024-01-01 00:00:00.000000', schedule = '{bad}'")

    (asked,) = tick(online)

    assert asked.run_config["ops"]["run_instance"]["config"]["instance_id"] == number
