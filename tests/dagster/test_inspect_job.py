"""Job `inspect` and asset check `drift` say what an engine holds otherwise; the schedule is off until it is wanted."""

from contextlib import closing

import dagster as dg
import pytest

from resources import keys
from tests.dagster import estate
from tests.dagster.estate import REPORT, RETAIL
from tests.dagster.runs import execute, metadata
from wfgov_dagster.definitions import defs
from wfgov_dagster.ops import inspect
from wfgov_dagster.usecases.orchestrate import Options, orchestrate
from wfgov_dagster.wiring import Platform


@pytest.fixture
def published(small_estate: None, instance: dg.DagsterInstance) -> dg.DagsterInstance:
    derive()
    estate.deploy_online(RETAIL)
    return instance


def derive() -> None:
    with closing(Platform()) as platform:
        orchestrate(platform.store, "test", Options())


def inspect_it(instance: dg.DagsterInstance, **config: object) -> dg.ExecuteInProcessResult:
    return execute(instance, "inspect", {"inspect_engines": config})


def verdicts(result: dg.ExecuteInProcessResult) -> list[dg.AssetCheckEvaluation]:
    return result.get_asset_check_evaluations()


def edit(text: str) -> None:
    """On the engine, by hand."""
    spoil = "UPDATE embedded_workflow SET document = replace(document, :before, :after)"
    for before, after in (('"retries":0', '"retries":7'), ('"text":"', f'"text":"{text}')):
        estate.execute(spoil, before=before, after=after)


def test_what_is_as_it_was_confirmed_passes(published: dg.DagsterInstance) -> None:
    result = inspect_it(published)

    (verdict,) = verdicts(result)
    assert (verdict.asset_key, verdict.check_name, verdict.passed) == (keys.ENGINE_DEPLOYMENTS, "drift", True)
    assert (metadata(result)["compared"], metadata(result)["findings"]) == (1, "*none*")


def test_an_edit_is_an_error_with_its_fields_and_no_text(published: dg.DagsterInstance) -> None:
    edit("echo password=hush; ")

    (verdict,) = verdicts(inspect_it(published))

    assert (verdict.passed, verdict.severity) == (False, dg.AssetCheckSeverity.ERROR)
    table = str(verdict.metadata["findings"].value)
    assert "| retail | embedded | content\\_changed | error | retries of task " in table
    assert "| 0 | 0 | 7 |" in table
    assert "text of task" in table
    assert "hush" not in table
    assert "wfgov publish retail" in table


def test_what_is_not_published_is_a_warning(published: dg.DagsterInstance) -> None:
    estate.add_read("audit", "dwd", "orders")
    derive()

    (verdict,) = verdicts(inspect_it(published))

    assert (verdict.passed, verdict.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert "unpublished" in str(verdict.metadata["findings"].value)


def test_an_engine_that_cannot_be_asked_is_unknown(published: dg.DagsterInstance) -> None:
    estate.execute("INSERT INTO engine (name, kind) VALUES ('far', 'dinky')")

    (verdict,) = verdicts(inspect_it(published))

    assert (verdict.passed, verdict.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert verdict.description == "no difference; 1 could not be seen"
    assert "no adapter for dinky engines" in str(verdict.metadata["unknown"].value)


def test_a_part_of_the_estate_is_no_verdict(published: dg.DagsterInstance) -> None:
    result = inspect_it(published, workflows=[REPORT])

    assert verdicts(result) == []
    assert "never\\_deployed" in str(metadata(result)["findings"])


def test_the_check_alone_says_the_same(published: dg.DagsterInstance) -> None:
    edit("echo theirs; ")
    selection = dg.AssetSelection.checks(dg.AssetCheckKey(keys.ENGINE_DEPLOYMENTS, inspect.CHECK))
    job = dg.define_asset_job("check_drift", selection=selection)
    resolved = dg.Definitions.merge(defs, dg.Definitions(jobs=[job])).resolve_job_def("check_drift")

    (verdict,) = resolved.execute_in_process(instance=published).get_asset_check_evaluations()

    assert (verdict.check_name, verdict.passed) == ("drift", False)


def test_the_schedule_is_off() -> None:
    schedule = defs.get_repository_def().get_schedule_def("inspection")
    assert (schedule.name, schedule.default_status) == ("inspection", dg.DefaultScheduleStatus.STOPPED)
    assert schedule.job_name == "inspect"
