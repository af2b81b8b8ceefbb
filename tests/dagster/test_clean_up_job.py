"""Job `clean_up_versions` says what would go, and removes it when it is told to; its schedule is off until wanted."""

from contextlib import closing

import dagster as dg
import pytest

from tests.dagster import estate
from tests.dagster.estate import RETAIL
from tests.dagster.runs import execute, failure, metadata
from wfgov_dagster.definitions import defs
from wfgov_dagster.domain.retention import RuleChange
from wfgov_dagster.ops.clean_up import OP
from wfgov_dagster.usecases.orchestrate import Options, orchestrate
from wfgov_dagster.usecases.retention_rules import set_rule
from wfgov_dagster.wiring import Platform


@pytest.fixture
def kept(small_estate: None, instance: dg.DagsterInstance) -> dg.DagsterInstance:
    """Three versions of retail, of which a rule keeps the last."""
    with closing(Platform()) as platform:
        for text in ("one", "two", "three"):
            estate.execute("UPDATE data_task SET task_sql = :text WHERE task_code = 'load'", text=f"echo {text}")
            orchestrate(platform.store, "test", Options())
        set_rule(platform.store, "test", None, RuleChange(keep_last=1, keep_days=0))
    return instance


def there() -> list[tuple[object, ...]]:
    query = "SELECT version_no FROM workflow_version v JOIN data_workflow w ON w.id = v.workflow_id"
    return estate.execute(f"{query} WHERE w.workflow_code = :code ORDER BY version_no", code=RETAIL)


def clean_up(instance: dg.DagsterInstance, **config: object) -> dg.ExecuteInProcessResult:
    return execute(instance, "clean_up_versions", {OP: config})


def test_as_it_comes_it_only_says_what_would_go(kept: dg.DagsterInstance) -> None:
    told = metadata(clean_up(kept))
    assert there() == [(1,), (2,), (3,)]
    assert told["dry_run"] is True
    assert f"| {RETAIL} | V1, V2 |" in str(told["goes"])
    assert f"| {RETAIL} | V3 | current, newest, one of the last 1 |" in str(told["kept"])


def test_told_to_it_removes_it_and_shows_what(kept: dg.DagsterInstance) -> None:
    told = metadata(clean_up(kept, dry_run=False, engine_versions=True))
    assert there() == [(3,)]
    assert (told["dry_run"], told["state"]) == (False, "Finished")
    assert f"| {RETAIL} | versions | 2 |" in str(told["removed"])
    assert told["removed_rows"] > 2


def test_an_unknown_workflow_fails_the_run_once(kept: dg.DagsterInstance) -> None:
    message, _ = failure(clean_up(kept, workflows=["nobody"], dry_run=False))
    assert message.startswith("not_found: no workflow nobody")
    assert len(there()) == 3


def test_the_schedule_is_off_and_removes() -> None:
    schedule = defs.get_repository_def().get_schedule_def("retention")
    assert (schedule.job_name, schedule.default_status) == ("clean_up_versions", dg.DefaultScheduleStatus.STOPPED)
    context = dg.build_schedule_context()
    (asked,) = schedule.evaluate_tick(context).run_requests
    assert asked.run_config == {"ops": {OP: {"config": {"dry_run": False}}}}
