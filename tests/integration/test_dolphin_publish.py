"""The publish protocol against a real DolphinScheduler: what it writes, and what it leaves alone."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.integration.cli_support import Cli, write_estate
from tests.integration.dolphin_site import CODE, Site, dolphin_site
from tests.integration.publish_support import MORNING, NIGHTLY, a_definition
from tests.support.dolphin import Dolphin


@pytest.fixture
def site(sqlite_url: str, dolphin_server: Dolphin) -> Iterator[Site]:
    with dolphin_site(sqlite_url, dolphin_server) as site:
        yield site


def test_twenty_publishes_are_one_version_an_edited_task_one_more_and_layout_none(site: Site) -> None:
    site.publish(a_definition())
    for _ in range(19):
        site.done("deploy")
    assert site.versions() == [1]
    site.publish(a_definition(text="echo other"))
    assert site.versions() == [2, 1]
    assert site.task_versions() == {"Extract": 2, "装载": 1}
    writes = list(site.office.engine.writes)
    moved = [{"taskCode": row["code"], "x": 900, "y": 900} for row in site.definition()["taskDefinitionList"]]
    site.send_back(locations=json.dumps(moved))
    site.done("deploy")
    assert site.versions() == [3, 2, 1]  # the third is whoever moved the boxes
    assert site.office.engine.writes == writes
    site.publish(a_definition(text="echo third"))
    drawn = json.loads(site.definition()["processDefinition"]["locations"])
    assert {(one["x"], one["y"]) for one in drawn} == {(900, 900)}


def test_a_schedule_that_was_online_is_online_after_it_at_the_same_cron(site: Site) -> None:
    site.publish(a_definition(schedule=NIGHTLY))
    site.done("online")
    assert site.office.state(CODE) == ("echo 1", True, NIGHTLY, True)
    site.publish(a_definition(text="echo other", schedule=NIGHTLY))
    assert site.office.state(CODE) == ("echo other", True, NIGHTLY, True)
    site.publish(a_definition(text="echo other", schedule=MORNING))
    assert site.office.state(CODE) == ("echo other", True, MORNING, True)
    rows = site.server.call(
        "GET",
        f"/projects/{site.project}/schedules",
        processDefinitionCode=site.office.seen(CODE).engine_workflow_code,
        pageNo=1,
        pageSize=10,
    )
    assert [(row["crontab"], row["releaseState"]) for row in rows["totalList"]] == [("0 0 6 ? * 2-6 *", "ONLINE")]
    site.done("offline")
    assert site.office.state(CODE)[1:] == (False, MORNING, False)


def test_a_task_that_comes_back_has_its_old_code_and_goes_on_at_its_version(site: Site) -> None:
    both = a_definition(schedule=None)
    alone = replace(both, tasks=both.tasks[:1], edges=())
    site.publish(both)
    codes = site.office.seen(CODE).engine_task_codes
    site.publish(alone)
    site.publish(replace(both, tasks=(both.tasks[0], replace(both.tasks[1], text="echo back"))))
    assert site.office.seen(CODE).engine_task_codes == codes
    assert site.task_versions() == {"Extract": 1, "装载": 2}
    assert site.versions() == [3, 2, 1]


def test_one_that_was_deleted_there_is_made_anew_with_the_codes_of_its_tasks(site: Site) -> None:
    site.publish(a_definition(schedule=None))
    before = site.office.seen(CODE)
    site.server.call("DELETE", f"/projects/{site.project}/process-definition/{before.engine_workflow_code}")
    assert site.office.inner.observe(CODE) is None
    site.done("deploy")
    after = site.office.seen(CODE)
    assert after.engine_workflow_code != before.engine_workflow_code
    assert (after.definition, after.engine_task_codes) == (before.definition, before.engine_task_codes)


def test_one_that_was_renamed_there_is_still_ours_and_pauses_the_publish(site: Site) -> None:
    site.publish(a_definition(schedule=None))
    site.send_back(name="theirs")
    assert site.office.seen(CODE).definition.settings.name == "theirs"
    site.office.save(a_definition(text="echo other", schedule=None))
    assert site.office.publish("deploy").phase == "paused"


def test_the_commands_publish_to_it(dolphin_server: Dolphin, sqlite_url: str, tmp_path: Path) -> None:
    cli = Cli(sqlite_url, tmp_path / "home")
    name, project = dolphin_server.project()
    tasks = [(one, f"t.{one}", "python", "t", "", "", CODE, "daily", "") for one in ("extract", "load")]
    estate = write_estate(tmp_path / "estate", tasks, [("t.extract", "t.load", "load")])
    cli.ok("import", "csv", estate, "--source", "estate")
    cli.ok("orchestrate")
    where = ("--kind", "dolphin", "--url", dolphin_server.url, "--project", name, "--tenant", dolphin_server.tenant)
    token = {"DS_TOKEN": dolphin_server.token.get_secret_value()}
    for command in (
        ("engine", "add", "prod", *where, "--token-env", "DS_TOKEN"),
        ("publish", CODE, "--operation", "deploy", "--engine", "prod"),
        ("publish", CODE, "--operation", "online", "--engine", "prod"),
    ):
        said = cli.run(*command, **token)
        assert said.exit_code == 0, said.output
    room = f"/projects/{project}/process-definition"
    (row,) = dolphin_server.call("GET", room, pageNo=1, pageSize=9)["totalList"]
    assert (row["name"], row["releaseState"], row["scheduleReleaseState"]) == (CODE, "ONLINE", "ONLINE")
