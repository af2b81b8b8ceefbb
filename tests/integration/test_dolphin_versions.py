"""The versions of a real DolphinScheduler beside ours: where it counts as we do, and where not (see dolphin.md)."""

import json
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.integration.dolphin_site import CODE, Site, dolphin_site
from tests.integration.publish_support import a_definition
from tests.integration.version_series import STEPS, Series, Step
from tests.support.dolphin import Dolphin
from tests.support.size import size

PUBLISHED = [step for step in STEPS if step.server is not None][: size(16, None)]


@pytest.fixture
def site(sqlite_url: str, dolphin_server: Dolphin) -> Iterator[Site]:
    with dolphin_site(sqlite_url, dolphin_server) as site:
        yield site


def test_the_server_counts_as_the_table_says(site: Site) -> None:
    """After every edit a publish: its number of the workflow, of each task, and every relation with both ends."""
    series = Series(site.office.database)
    more: Counter[str] = Counter()  # what it counts more than we
    for step in PUBLISHED:
        series.make(step.edit)
        site.done("deploy")
        more.update({one[0]: int(one[1:]) for one in (step.server or "").split()})
        version = step.version + more[CODE]
        assert counted(site) == (version, *on_the_server(step, more)), step.what
        assert site.versions() == list(range(version, 0, -1)), step.what


# --- where it is not right: requests behind our back ------------------------------------------------


def test_what_it_holds_already_is_another_version_unless_relations_are_its_own(site: Site) -> None:
    """Equal content makes nothing only if the relations are, field by field, those of its last answer."""
    site.publish(a_definition(schedule=None))
    site.send_back()
    assert site.versions() == [1]
    bare = [{name: row[name] for name in OF_A_RELATION} for row in site.definition()["processTaskRelationList"]]
    for number in (2, 3):
        site.send_back(taskRelationJson=json.dumps(bare))
        assert site.versions()[0] == number
    assert site.task_versions() == {"Extract": 1, "装载": 1}


def test_a_task_that_is_sent_with_version_0_gets_a_new_version_each_time(site: Site) -> None:
    for text in ("1", "2"):
        site.publish(a_definition(text=text, schedule=None))
    for version in (3, 4):
        rows = [row | {"version": 0} for row in site.definition()["taskDefinitionList"]]
        site.send_back(taskDefinitionJson=json.dumps(rows))
        assert site.task_versions() == {"Extract": version, "装载": 1}


def test_old_content_under_its_old_number_is_taken_for_no_change(site: Site) -> None:
    for text in ("1", "2"):
        site.publish(a_definition(text=text, schedule=None))
    rows = site.definition()["taskDefinitionList"]
    (first,) = [row for row in rows if row["name"] == "Extract"]
    first |= {"version": 1, "taskParams": first["taskParams"] | {"rawScript": "1"}}
    site.send_back(taskDefinitionJson=json.dumps(rows))
    assert (site.versions(), site.task_versions()) == ([2, 1], {"Extract": 2, "装载": 1})


def test_a_version_of_a_task_that_never_was_is_taken_as_it_comes(site: Site) -> None:
    site.publish(a_definition(schedule=None))
    rows = [row | {"version": 77} for row in site.definition()["taskDefinitionList"]]
    site.send_back(taskDefinitionJson=json.dumps(rows))
    assert (site.versions(), site.task_versions()) == ([2, 1], {"Extract": 77, "装载": 77})


def test_an_old_form_takes_back_what_somebody_saved_meanwhile(site: Site) -> None:
    site.publish(a_definition(schedule=None))
    old = site.form(timeout=7)
    site.send_back(description="meanwhile")
    site.server.call("PUT", site.path(), **old)
    head = site.definition()["processDefinition"]
    assert (head["version"], head["timeout"], head["description"]) == (3, 7, old["description"])


def test_a_switch_puts_an_old_number_in_use_and_takes_it_offline(site: Site) -> None:
    for text in ("1", "2"):
        site.publish(a_definition(text=text, schedule=None))
    site.done("online")
    site.server.call("GET", site.path("/versions/1"))
    head = site.definition()["processDefinition"]
    assert (head["version"], head["releaseState"], site.versions()) == (1, "OFFLINE", [2, 1])
    assert site.task_versions() == {"Extract": 1, "装载": 1}
    site.send_back(description="after")
    assert site.versions() == [3, 2, 1]


def test_the_number_of_a_deleted_version_is_given_again(site: Site) -> None:
    for text in ("1", "2", "3"):
        site.publish(a_definition(text=text, schedule=None))
    site.server.call("GET", site.path("/versions/1"))
    site.server.call("DELETE", site.path("/versions/3"))
    site.send_back(description="another")
    assert site.versions() == [3, 2, 1]
    assert site.definition()["processDefinition"]["description"] == "another"


# --- what it says ----------------------------------------------------------------------------------

OF_A_RELATION = (
    "name", "preTaskCode", "preTaskVersion", "postTaskCode", "postTaskVersion", "conditionType", "conditionParams",
)  # fmt: skip


def on_the_server(step: Step, more: Counter[str]) -> tuple[str, list[tuple[str, str]]]:
    """Tasks, and relations: a task without an upstream has one from nothing."""
    numbers = {one[0]: f"{one[0]}{int(one[1:]) + more[one[0]]}" for one in step.tasks.split()}
    edges = [(numbers[pre], numbers[post]) for pre, post in step.edges.split()]
    waiting = {post for _, post in edges}
    roots = [("-0", one) for one in numbers.values() if one not in waiting]
    return " ".join(numbers.values()), sorted([*edges, *roots])


def counted(site: Site) -> tuple[int, str, list[tuple[str, str]]]:
    found = site.definition()
    names = {int(number): code for code, number in site.office.seen(CODE).engine_task_codes.items()} | {0: "-"}
    tasks = sorted(f"{names[row['code']]}{row['version']}" for row in found["taskDefinitionList"])
    rows = found["processTaskRelationList"]
    number = found["processDefinition"]["version"]
    assert {row["processDefinitionVersion"] for row in rows} == {number}
    ends = [
        tuple(f"{names[row[f'{end}TaskCode']]}{row[f'{end}TaskVersion']}" for end in ("pre", "post")) for row in rows
    ]
    return number, " ".join(tasks), sorted((pre, post) for pre, post in ends)
