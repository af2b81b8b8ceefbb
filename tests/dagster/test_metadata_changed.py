"""Sensor `metadata_changed`: open rows become one run; a broken database is seen, a failing job is given time."""

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime

import dagster as dg
import pytest
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteRepositoryOrigin

from resources.keys import WORKFLOW_VERSIONS
from resources.store import StoreResource
from sensors.metadata_changed import metadata_changed
from sensors.runs import seconds_to_wait
from tests.dagster import estate
from tests.dagster.estate import REPORT, RETAIL
from wfgov_dagster.definitions import defs
from wfgov_dagster.usecases.orchestrate import Options, orchestrate
from wfgov_dagster.wiring import Platform

Tick = Callable[[], dg.RunRequest | dg.SkipReason]


@pytest.fixture
def tick(instance: dg.DagsterInstance) -> Tick:
    def evaluate() -> dg.RunRequest | dg.SkipReason:
        with dg.build_sensor_context(instance=instance, resources={"store": StoreResource()}) as context:
            answer = metadata_changed(context)
        assert isinstance(answer, (dg.RunRequest, dg.SkipReason))
        return answer

    return evaluate


def a_run(instance: dg.DagsterInstance, status: dg.DagsterRunStatus) -> None:
    origin = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("wfgov"), "__repository__").get_job_origin(
        "orchestrate"
    )
    instance.add_run(dg.DagsterRun("orchestrate", status=status, remote_job_origin=origin))


def reason(answer: dg.RunRequest | dg.SkipReason) -> str:
    assert isinstance(answer, dg.SkipReason)
    return str(answer.skip_message)


def test_an_empty_feed_starts_nothing(platform_url: str, tick: Tick) -> None:
    assert reason(tick()) == "no metadata has changed"


def test_open_rows_start_one_run(small_estate: None, tick: Tick) -> None:
    assert isinstance(tick(), dg.RunRequest)


@pytest.mark.parametrize("status", ["QUEUED", "NOT_STARTED", "STARTING", "STARTED", "CANCELING"])
def test_no_second_run_is_asked_for_while_one_is_on_its_way(
    small_estate: None, instance: dg.DagsterInstance, tick: Tick, status: str
) -> None:
    a_run(instance, dg.DagsterRunStatus[status])

    assert "queued or running" in reason(tick())


@pytest.mark.parametrize("status", ["SUCCESS", "CANCELED"])
def test_a_run_that_has_ended_does_not_stop_the_next(
    small_estate: None, instance: dg.DagsterInstance, tick: Tick, status: str
) -> None:
    a_run(instance, dg.DagsterRunStatus[status])

    assert isinstance(tick(), dg.RunRequest)


def test_after_the_run_the_feed_is_empty(small_estate: None, instance: dg.DagsterInstance, tick: Tick) -> None:
    defs.resolve_job_def("orchestrate").execute_in_process(instance=instance)

    assert reason(tick()) == "no metadata has changed"


def test_what_the_command_line_derived_is_shown_by_one_run(
    small_estate: None, instance: dg.DagsterInstance, tick: Tick
) -> None:
    with closing(Platform()) as platform:
        orchestrate(platform.store, "ann", Options())
    assert isinstance(tick(), dg.RunRequest)

    assert defs.resolve_job_def("orchestrate").execute_in_process(instance=instance).success

    assert instance.get_dynamic_partitions("workflow") == [RETAIL, REPORT]
    assert instance.get_materialized_partitions(WORKFLOW_VERSIONS) == {RETAIL, REPORT}
    assert reason(tick()) == "no metadata has changed"


def test_what_one_run_does_not_get_to_tell_the_next_ones_tell(
    small_estate: None, instance: dg.DagsterInstance, tick: Tick, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wfgov_dagster.ops.orchestrate.NEWS_A_RUN", 2)
    asked = 0
    while isinstance(tick(), dg.RunRequest):
        assert defs.resolve_job_def("orchestrate").execute_in_process(instance=instance).success
        asked += 1

    assert asked == 3  # five events: the dependency view, two definitions, two versions
    assert instance.get_materialized_partitions(WORKFLOW_VERSIONS) == {RETAIL, REPORT}


def test_what_an_interrupted_step_left_starts_a_run(platform_url: str, tick: Tick) -> None:
    estate.execute(
        "INSERT INTO derivation_todo (step, key, first_seq, reason) "
        "VALUES ('workflow_versions', 'workflow:retail', 1, 'lineage_update')"
    )

    assert isinstance(tick(), dg.RunRequest)


def test_a_pin_that_has_run_out_starts_a_run_and_one_that_lasts_does_not(
    small_estate: None, instance: dg.DagsterInstance, tick: Tick
) -> None:
    """Whatever waits for it is a candidate, and no row of the feed or of the todo list."""
    assert defs.resolve_job_def("orchestrate").execute_in_process(instance=instance).success
    pin = "UPDATE data_workflow SET pinned_reason = 'why', pinned_by = 'ann', pinned_until = :until"
    estate.execute(pin, until="2999-01-01 00:00:00.000000")
    assert reason(tick()) == "no metadata has changed"
    estate.execute(pin, until="2020-01-01 00:00:00.000000")
    assert isinstance(tick(), dg.RunRequest)
    a_run(instance, dg.DagsterRunStatus.QUEUED)
    assert reason(tick()) == "a pin has run out; a run of orchestrate is queued or running"

    assert defs.resolve_job_def("orchestrate").execute_in_process(instance=instance).success

    assert estate.execute("SELECT count(*) FROM data_workflow WHERE pinned_until IS NOT NULL") == [(0,)]
    assert reason(tick()) == "no metadata has changed"


def test_a_failed_run_is_given_time(small_estate: None, instance: dg.DagsterInstance, tick: Tick) -> None:
    a_run(instance, dg.DagsterRunStatus.FAILURE)

    assert "next try in" in reason(tick())


@pytest.mark.parametrize(("failures", "seconds"), [(0, 0), (1, 5), (2, 10), (4, 40), (7, 300), (12, 300)])
def test_each_failure_in_a_row_doubles_the_wait_up_to_five_minutes(
    instance: dg.DagsterInstance, failures: int, seconds: float
) -> None:
    for _ in range(failures):
        a_run(instance, dg.DagsterRunStatus.FAILURE)

    wait = seconds_to_wait(instance, "orchestrate", datetime.now(UTC).timestamp())

    assert wait == pytest.approx(seconds, abs=3)


def test_a_success_forgets_the_failures_before_it(instance: dg.DagsterInstance) -> None:
    a_run(instance, dg.DagsterRunStatus.FAILURE)
    a_run(instance, dg.DagsterRunStatus.SUCCESS)

    assert seconds_to_wait(instance, "orchestrate", datetime.now(UTC).timestamp()) <= 0


def test_a_broken_database_fails_the_tick(monkeypatch: pytest.MonkeyPatch, tick: Tick) -> None:
    monkeypatch.setenv("WFGOV_DATABASE_URL", "postgresql://wfgov:hush@127.0.0.1:1/none")

    with pytest.raises(dg.Failure) as failure:
        tick()

    assert "hush" not in str(failure.value)
