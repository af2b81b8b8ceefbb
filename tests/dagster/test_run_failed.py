"""Sensor `run_failed`: a run that failed is told, unless what it was about has told it; and alerts are delivered."""

import json
from contextlib import closing

import dagster as dg
import pytest

from resources.notifier import NotifierResource
from sensors import run_failed as sensor
from tests.dagster import estate
from tests.dagster.estate import RETAIL
from tests.dagster.runs import orchestrate, publish_it, run_it
from wfgov_dagster.ports.alerts import AlertRow
from wfgov_dagster.settings import Settings
from wfgov_dagster.wiring import Platform


@pytest.fixture(autouse=True)
def _no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sensor, "GRACE_SECONDS", -5.0)


def tick(instance: dg.DagsterInstance, cursor: str | None = "0") -> dg.SensorResult:
    resources = {"notifier": NotifierResource()}
    with dg.build_sensor_context(instance=instance, cursor=cursor, resources=resources) as context:
        answer = sensor.run_failed(context)
    assert isinstance(answer, dg.SensorResult)
    return answer


def failed_run(instance: dg.DagsterInstance, job: str = "orchestrate", **tags: str) -> str:
    run = instance.add_run(dg.DagsterRun(job, status=dg.DagsterRunStatus.STARTED, tags=tags))
    instance.report_run_failed(run, "its process was killed, token=hush-hush")
    return run.run_id


def alerts() -> list[AlertRow]:
    with closing(Platform()) as platform, platform.store.read() as work:
        return list(work.alerts.list(100))


def test_a_failed_run_is_told_once_and_delivered(platform_url: str, instance: dg.DagsterInstance) -> None:
    run_id = failed_run(instance)

    first = tick(instance)
    again = tick(instance, first.cursor)
    tick(instance, "0")

    (row,) = alerts()
    assert (row.alert.kind, row.alert.step, row.state, row.attempts) == ("run_failed", "orchestrate", "delivered", 1)
    assert "its process was killed" in row.alert.message
    assert "hush" not in row.alert.message
    assert row.alert.links == {"run": f"/runs/{run_id}"}
    assert "1 alerts raised, 1 delivered" in str(first.skip_reason)
    assert "0 alerts raised, 0 delivered" in str(again.skip_reason)
    (line,) = (Settings().root() / "logs" / "alerts.jsonl").read_text().splitlines()
    assert json.loads(line)["links"] == {"run": f"http://127.0.0.1:3000/runs/{run_id}"}


def test_the_step_that_failed_says_why(platform_url: str, instance: dg.DagsterInstance) -> None:
    """The instance is none that could have told it."""
    run = run_it(instance, 99)
    tick(instance)
    (row,) = alerts()
    assert row.alert.message.startswith(f"run {run.run_id} of job run_workflow failed")
    assert "instance 99 is unknown" in row.alert.message


def test_what_failed_before_anybody_looked_is_no_news(platform_url: str, instance: dg.DagsterInstance) -> None:
    failed_run(instance)
    first = tick(instance, None)
    assert alerts() == []
    failed_run(instance, "publish")
    tick(instance, first.cursor)
    assert [row.alert.step for row in alerts()] == ["publish"]


def test_a_run_that_failed_just_now_is_given_its_time_of_grace(
    platform_url: str, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed_run(instance)
    monkeypatch.setattr(sensor, "GRACE_SECONDS", 90.0)
    assert tick(instance).cursor == "0"
    assert alerts() == []


def test_an_instance_that_failed_is_told_by_itself_and_not_by_its_run(
    small_estate: None, instance: dg.DagsterInstance
) -> None:
    estate.execute("UPDATE data_task SET task_sql = 'exit 3' WHERE task_code = 'clean'")
    orchestrate(instance)
    for operation in ("deploy", "online"):
        assert publish_it(instance, RETAIL, operation=operation).success
    number = estate.submit(RETAIL)
    run = run_it(instance, number)
    assert not run.success

    tick(instance)

    (row,) = alerts()
    alert = row.alert
    assert (alert.kind, alert.workflow_code, alert.version_no, alert.task_code) == (
        "instance_failed", RETAIL, 1, "clean",
    )  # fmt: skip
    assert "exit code 3" in alert.message
    assert alert.links == {
        "look": f"wfgov instance show {number} --engine embedded",
        "log": f"wfgov instance log {number} clean --engine embedded",
        "run": f"/runs/{run.run_id}",
    }


def test_a_run_of_an_instance_that_has_told_nothing_is_told(platform_url: str, instance: dg.DagsterInstance) -> None:
    failed_run(instance, "run_workflow", **{"wfgov/instance": "7"})
    tick(instance)
    assert "about instance:7" in alerts()[0].alert.message


def test_a_broken_database_fails_the_tick(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WFGOV_DATABASE_URL", "postgresql://wfgov:hush@127.0.0.1:1/none")
    with pytest.raises(dg.Failure) as failed:
        tick(instance)
    assert "hush" not in str(failed.value)
