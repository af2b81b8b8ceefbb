"""Job `publish_change_set`: many workflows in one run, every member told, refusals as everywhere."""

import dagster as dg

from resources import keys
from tests.dagster.estate import REPORT, RETAIL
from tests.dagster.runs import execute, failure, materializations, metadata, tags
from wfgov_dagster.definitions import defs
from wfgov_dagster.domain.change_set import OnFailure
from wfgov_dagster.ops.publish_change_set import OP, OnFailureOption


def publish_them(instance: dg.DagsterInstance, **config: object) -> dg.ExecuteInProcessResult:
    return execute(instance, "publish_change_set", {OP: config})


def test_everything_that_changed_is_deployed_without_config_and_goes_online_and_offline_as_one(
    derived: dg.DagsterInstance,
) -> None:
    result = publish_them(derived)
    told = metadata(result)
    assert (told["state"], told["counts"], told["operation"]) == ("success", "2 success", "deploy")
    assert f"| 1 | {RETAIL} | V1 | success |" in str(told["members"])
    assert "| 2 |" in str(told["members"])
    assert tags(derived, result)[keys.TAG_CHANGE_SET] == str(told["change_set"])
    marked = [(one.asset_key, one.partition) for one in materializations(result)]
    assert marked == [(keys.ENGINE_DEPLOYMENTS, RETAIL), (keys.ENGINE_DEPLOYMENTS, REPORT)]
    assert metadata(publish_them(derived))["state"] == "nothing to publish: all is confirmed"

    config = {"workflows": [RETAIL, REPORT], "on_failure": "restore", "parallel": 2, "writes_per_second": 0.0}
    for operation in ("online", "offline"):
        assert metadata(publish_them(derived, operation=operation, **config))["state"] == "success"


def test_what_a_person_has_to_change_fails_once_and_says_so(derived: dg.DagsterInstance) -> None:
    for config, code, said in (
        ({"workflows": [RETAIL, "nobody"]}, "change_set_refused", "no workflow 'nobody'"),
        ({"operation": "online"}, "invalid", "which workflows shall go online?"),
        ({"engine": "nowhere"}, "not_found", "no engine 'nowhere'"),
        ({"parallel": 0}, "invalid", "0 side by side"),
    ):
        message, told = failure(publish_them(derived, **config))
        assert (told["code"], said in message) == (code, True)


def test_the_launchpad_offers_what_a_set_can_do_on_a_failure() -> None:
    assert [one.value for one in OnFailureOption] == [OnFailure.STOP, OnFailure.RESTORE]
    assert defs.resolve_job_def("publish_change_set").description
