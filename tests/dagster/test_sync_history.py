"""Job `sync_history` and sensor `engine_history`: tables are marked once an instance, and one run asks all engines."""

from typing import Any

import dagster as dg
import pytest

from resources.catalogue import table_key
from resources.store import StoreResource
from sensors.engine_history import engine_history
from tests.dagster import estate
from tests.dagster.estate import RETAIL
from tests.dagster.runs import execute, failure, materializations, metadata, orchestrate, publish_it
from tests.integration.history_support import BASE, NAME, CountingEngine
from wfgov_dagster.errors import EngineUnreachable
from wfgov_dagster.wiring import Platform


@pytest.fixture
def engine(small_estate: None, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> CountingEngine:
    """RETAIL was deployed to it: its tasks `load` and `clean` are `1` and `2` there."""
    orchestrate(instance)
    engine = CountingEngine()
    made = Platform.engine_of
    monkeypatch.setattr(Platform, "engine_of", lambda self, row: engine if row.name == NAME else made(self, row))
    estate.execute(f"INSERT INTO engine (name, kind, url, project) VALUES ('{NAME}', 'dolphin', '{BASE}', 'etl')")
    estate.execute(
        "INSERT INTO engine_deployment (engine_id, workflow_id, version_id, content_hash, engine_workflow_code, "
        "engine_task_codes, told_at) SELECT e.id, w.id, w.current_version_id, 'w1:0', 'e-retail', "
        """'{"load":"1","clean":"2"}', '2026-01-01 00:00:00.000000' FROM engine e, data_workflow w """
        "WHERE w.workflow_code = 'retail'"
    )
    estate.execute(
        "INSERT INTO engine_deployment_version (engine_id, workflow_id, engine_version, version_id) "
        "SELECT engine_id, workflow_id, 1, version_id FROM engine_deployment"
    )
    return engine


def sync(instance: dg.DagsterInstance, **config: object) -> dg.ExecuteInProcessResult:
    return execute(instance, "sync_history", {"read_history": config})


def tick(instance: dg.DagsterInstance) -> dg.RunRequest | str:
    with dg.build_sensor_context(instance=instance, resources={"store": StoreResource()}) as context:
        answer: Any = engine_history(context)
    return answer if isinstance(answer, dg.RunRequest) else str(answer.skip_message)


def test_tables_that_a_task_wrote_are_marked_once_an_instance(
    engine: CountingEngine, instance: dg.DagsterInstance
) -> None:
    number = engine.ran("retail", "failed", "1=success", "2=failed")
    engine.ran("retail", "success", "1=success", "2=success")
    first = materializations(sync(instance))
    assert {event.asset_key for event in first} == {table_key("ods", "orders"), table_key("dwd", "orders")}

    number = engine.ran("retail", "failed", "1=success", "2=failed")
    (event,) = materializations(sync(instance))

    assert event.asset_key == table_key("ods", "orders")
    told = {name: one.value for name, one in event.metadata.items()}
    assert told.pop("ended") == pytest.approx(engine.rows[number].ended_at.timestamp())  # type: ignore[union-attr]
    assert told == {
        "workflow": RETAIL,
        "version": "V1",
        "engine": NAME,
        "instance": number,
        "platform_page": "http://127.0.0.1:3000/assets/engine_deployments?partition=retail",
        "engine_page": f"{BASE}/ui/projects/77/workflow/instances/{number}?code=e-retail",
    }
    assert materializations(sync(instance)) == []
    latest = instance.get_latest_materialization_event(table_key("ods", "orders"))
    assert latest is not None


def test_a_sync_on_the_command_line_is_told_by_the_next_run(
    engine: CountingEngine, instance: dg.DagsterInstance
) -> None:
    engine.ran("retail", "success", "1=success")
    platform = Platform()
    platform.sync_history("ann")
    platform.close()
    assert [one.asset_key for one in materializations(sync(instance))] == [table_key("ods", "orders")]


def test_an_engine_that_is_down_is_told_and_fails_no_run(engine: CountingEngine, instance: dg.DagsterInstance) -> None:
    engine.down = EngineUnreachable("no answer", where="engine ds")
    result = sync(instance)
    told = metadata(result)
    assert (result.success, told["not_read"]) == (True, 1)
    assert "no answer" in str(told["engines"])


def test_what_embedded_engines_ran_is_marked_by_their_own_runs_only(
    engine: CountingEngine, instance: dg.DagsterInstance
) -> None:
    for operation in ("deploy", "online"):
        publish_it(instance, RETAIL, operation=operation)
    number = estate.submit(RETAIL)
    assert execute(instance, "run_workflow", {"run_instance": {"instance_id": number}}).success
    assert materializations(sync(instance, engines=["embedded"])) == []
    assert estate.execute("SELECT instance_id, state, version_no FROM workflow_instance_cache") == [
        (str(number), "success", 1)
    ]


def test_an_engine_that_nobody_knows_fails_the_run_once(engine: CountingEngine, instance: dg.DagsterInstance) -> None:
    assert "no engine 'nowhere'" in failure(sync(instance, engines=["nowhere"]))[0]


def test_one_run_is_asked_for_when_an_engine_is_due(engine: CountingEngine, instance: dg.DagsterInstance) -> None:
    asked = tick(instance)
    assert isinstance(asked, dg.RunRequest)
    assert asked.run_config["ops"]["read_history"]["config"] == {"engines": [NAME]}
    assert sync(instance, engines=[NAME]).success

    assert tick(instance) == "no engine over a network has to be asked"

    estate.execute("UPDATE engine_sync SET tried_at = '2026-01-01 00:00:00.000000'")
    instance.add_run(dg.DagsterRun("sync_history", status=dg.DagsterRunStatus.STARTED))
    assert "queued or running" in str(tick(instance))


def test_after_a_failed_run_it_waits(engine: CountingEngine, instance: dg.DagsterInstance) -> None:
    sync(instance, engines=["nowhere"])
    assert "sync_history failed, next try in" in str(tick(instance))


def test_without_an_engine_over_a_network_nothing_runs(small_estate: None, instance: dg.DagsterInstance) -> None:
    assert tick(instance) == "no engine over a network has to be asked"


def test_a_deployment_shows_the_engines_codes_and_the_page(small_estate: None, instance: dg.DagsterInstance) -> None:
    orchestrate(instance)
    (event,) = materializations(publish_it(instance, RETAIL))
    told = {name: str(one.value) for name, one in event.metadata.items()}
    assert told["engine_workflow_code"] == RETAIL
    assert "| clean | clean |" in told["engine_task_codes"]
    assert told["platform_page"].endswith("/assets/engine_deployments?partition=retail")
    assert "engine_page" not in told
    assert estate.execute("SELECT engine_version FROM engine_deployment_version") == [(1,)]
