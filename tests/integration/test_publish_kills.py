"""R4: killed before and after every single commit and engine call, whoever comes next brings it to its end."""

import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.doubles.engine import Fault
from tests.integration.publish_support import MORNING, NIGHTLY, Office, a_definition
from tests.support.size import SEED, size
from wfgov_dagster.store.db import Database
from wfgov_dagster.usecases.publisher import Done
from wfgov_dagster.usecases.restore_publish import Restore, request_restore

NEW = "echo new"
FAULTS = [Fault.NONE, Fault.REQUEST_LOST, Fault.REPLY_LOST, Fault.UNREACHABLE]
BEFORE = ("echo 1", True, NIGHTLY, True)
END = {
    "new": ("echo 1", False, None, False),
    "deploy": (NEW, True, MORNING, True),
    "online": BEFORE,
    "offline": ("echo 1", False, NIGHTLY, False),
    "schedule": ("echo 1", True, MORNING, True),
    "restore": BEFORE,
    "back": BEFORE,
}
DEPLOYED = {"new": 1, "deploy": 2, "online": 1, "offline": 1, "schedule": 1, "restore": 3, "back": 3}  # engine versions


class Killed(BaseException):
    """As kill -9: nothing in the program catches it."""


class Fuse:
    """Burns at the n-th commit or engine call; before and after each count."""

    def __init__(self, office: Office) -> None:
        self.left, self.burnt = 0, 0
        office.store.hook = office.engine.hook = self

    def __call__(self) -> None:
        self.left -= 1
        if self.left == 0:
            self.burnt += 1
            raise Killed


@pytest.fixture(scope="module")
def office_of_all(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """Each example has a workflow of its own in it."""
    database = Database(f"sqlite:///{shutil.copy(sqlite_template, tmp_path_factory.mktemp('publish') / 'wfgov.db')}")
    yield Office(database)
    database.dispose()


@pytest.fixture
def office(database: Database) -> Office:
    return Office(database)


def prepare(office: Office, case: str, code: str) -> None:
    """V1 is there; where it is online, V2 waits. `back`: the engine will not have V2's schedule."""
    office.engine.refuses = lambda name, what: case == "back" and (name, what) == ("put_schedule", MORNING)
    office.save(a_definition(code, schedule=NIGHTLY))
    if case == "new":
        return
    office.publish("deploy", code)
    if case == "online":
        return
    office.publish("online", code)
    office.save(a_definition(code, "echo 1" if case == "schedule" else NEW, MORNING))
    if case == "restore":
        office.publish("deploy", code)


def ask(office: Office, case: str, code: str) -> int:
    if case == "restore":
        with office.store.write() as work:
            wanted = Restore(code, "embedded", 1, online=True, schedule_online=True, reason="told")
            return request_restore(work, "ann", wanted)
    return office.ask(case if case in {"online", "offline"} else "deploy", code)


def records(office: Office, code: str) -> list[dict[str, Any]]:
    workflow = office.workflow(code)
    assert workflow is not None
    return office.rows("workflow_publish_record", workflow_id=workflow["id"])


def publish_through_kills(office: Office, fuse: Fuse, case: str, code: str, kills: list[int]) -> Done:
    """Each process is killed at its point, or gets to the end; the last one lives. Who finds no record asks for it."""
    before = len(records(office, code))
    for at in [*kills, 0]:
        fuse.left = at
        try:
            made = [row["id"] for row in records(office, code)[before:]]
            end = office.drive(made[0] if made else ask(office, case, code))
            break
        except Killed:
            office.lapse()
    fuse.left = 0
    return end


def check_end(office: Office, end: Done, case: str, code: str) -> None:
    wanted = ("failed", "rejected", "engine_rejected") if case == "back" else ("success", "confirmed", None)
    assert (end.status, end.phase, end.error_code) == wanted
    assert office.state(code) == END[case]
    assert records(office, code)[-1]["id"] == end.record_id
    assert {row["status"] for row in records(office, code)[:-1]} <= {"success"}
    workflow = office.workflow(code)
    assert workflow is not None
    assert workflow["publish_status"] == ("failed" if case == "back" else "published")
    (deployment,) = office.rows("engine_deployment", workflow_id=workflow["id"])
    assert (bool(deployment["online"]), bool(deployment["schedule_online"])) == (END[case][1], END[case][3])
    with office.store.read() as work:
        held = work.publishing.version(workflow["id"], 2 if case in {"deploy", "schedule"} else 1)
    assert held is not None
    assert deployment["content_hash"] == held.content_hash
    assert len(office.inner.versions(code)) <= DEPLOYED[case], "deployed twice"


def kill_at(office: Office, case: str, stride: int) -> int:
    """Every so many points, from the first; how many points there are."""
    fuse, at, burnt = Fuse(office), 1, -1
    while fuse.burnt > burnt:  # until the publish has no point so late
        burnt = fuse.burnt
        code = f"{case}{at}"
        prepare(office, case, code)
        end = publish_through_kills(office, fuse, case, code, [at])
        check_end(office, end, case, code)
        at += stride
    return at - 2 * stride


@pytest.mark.parametrize("case", list(END))
def test_killed_at_any_point_the_next_drive_finishes_it(office_of_all: Office, case: str) -> None:
    assert kill_at(office_of_all, case, size(7, 1)) > 10


@pytest.mark.parametrize("case", size(["online"], list(END)))
def test_killed_at_any_point_on_either_database(office: Office, case: str) -> None:
    assert kill_at(office, case, size(7, 1)) > 10


def test_killed_a_second_time_while_it_recovers_it_still_ends_as_it_should(office_of_all: Office) -> None:
    office = office_of_all
    fuse = Fuse(office)
    pairs = [(first, second) for first in range(1, 75) for second in range(1, 75)]
    chosen = random.Random(SEED).sample(pairs, size(6, len(pairs)))
    for first, second in chosen:
        code = f"pair{first}-{second}"
        prepare(office, "deploy", code)
        end = publish_through_kills(office, fuse, "deploy", code, [first, second])
        check_end(office, end, "deploy", code)


@settings(max_examples=size(8, 500))
@given(st.data())
def test_killed_again_and_again_while_replies_are_lost_it_ends_as_it_should(
    office_of_all: Office, data: st.DataObject
) -> None:
    office = office_of_all
    code = f"w{len(office.rows('data_workflow'))}"
    fuse = Fuse(office)
    office.engine.faults.clear()
    case = data.draw(st.sampled_from(list(END)), "case")
    prepare(office, case, code)
    office.engine.faults.extend(data.draw(st.lists(st.sampled_from(FAULTS), max_size=3), "faults"))
    kills = data.draw(st.lists(st.integers(1, 60), max_size=3), "kills")
    end = publish_through_kills(office, fuse, case, code, kills)
    office.engine.faults.clear()
    check_end(office, end, case, code)
