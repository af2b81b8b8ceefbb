"""A deployment that was confirmed outside of Dagster marks its asset in the next run, once."""

import dagster as dg

from resources import keys
from resources.store import StoreResource
from sensors.flow_watch import flow_watch
from tests.dagster import estate
from tests.dagster.estate import RETAIL
from tests.dagster.runs import execute, materializations, metadata, publish_it


def wants_a_run(instance: dg.DagsterInstance) -> bool:
    with dg.build_sensor_context(instance=instance, resources={"store": StoreResource()}) as context:
        return isinstance(flow_watch(context), dg.RunRequest)


def make_old() -> None:
    """Whoever confirmed it had the time to tell it."""
    estate.execute("UPDATE engine_deployment SET confirmed_at = '2020-01-01 00:00:00.000000'")


def test_what_the_command_line_published_is_marked_once_by_the_next_run(derived: dg.DagsterInstance) -> None:
    estate.deploy_online(RETAIL)
    estate.execute("UPDATE flow SET next_due_at = NULL, state = 'Finished'")  # driven without its flow
    assert not wants_a_run(derived), "who confirmed it may be about to tell it"
    make_old()
    assert wants_a_run(derived)

    result = execute(derived, "advance_flows")

    (event,) = materializations(result)
    assert (event.asset_key, event.partition) == (keys.ENGINE_DEPLOYMENTS, RETAIL)
    assert (event.metadata["version"].value, event.metadata["status"].value) == ("V1", "success (confirmed)")
    assert "engine_workflow_code" in event.metadata
    assert metadata(result)["deployments_marked"] == 1
    assert not wants_a_run(derived)
    assert materializations(execute(derived, "advance_flows")) == []


def test_what_a_run_marks_itself_is_not_marked_again(derived: dg.DagsterInstance) -> None:
    assert len(materializations(publish_it(derived, RETAIL))) == 1
    assert len(materializations(execute(derived, "publish_change_set"))) == 1
    make_old()
    assert not wants_a_run(derived)

    estate.execute(
        "UPDATE engine_deployment SET told_at = NULL WHERE workflow_id = (SELECT min(id) FROM data_workflow)"
    )
    result = execute(derived, "sync_history")
    assert (len(materializations(result)), metadata(result)["deployments_marked"]) == (1, 1)
