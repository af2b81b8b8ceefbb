"""The plan reaches what is desired, by legal steps, none of them idle; and says what it does."""

from dataclasses import dataclass, replace

import orjson
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.doubles.as_given import AsGiven
from wfgov_dagster.domain.definition import Definition, Schedule, Settings, Task, make
from wfgov_dagster.domain.plan import (
    NAMES,
    BringOnline,
    Deploy,
    PutSchedule,
    ScheduleOffline,
    ScheduleOnline,
    Step,
    TakeOffline,
    describe,
    desired_row,
    plan,
    request_digest,
    rows,
)
from wfgov_dagster.domain.publish import (
    PUBLISH_TRANSITIONS,
    Choice,
    Content,
    Desired,
    Found,
    Operation,
    PublishEvent,
    PublishStatus,
    VersionRef,
    content,
    found,
    status_after,
    version_for,
    wanted,
)
from wfgov_dagster.domain.snapshot import hashes
from wfgov_dagster.errors import Conflict, IllegalTransition, NotFound

NIGHTLY = Schedule("30 2 * * *", "Europe/Berlin")
MORNING = Schedule("0 6 * * *", "UTC")
V1, V2 = VersionRef(11, 1, "w1:1"), VersionRef(12, 2, "w1:2")


def a_definition(text: str = "select 1", schedule: Schedule | None = None) -> Definition:
    return make(Settings("w", "W", schedule=schedule), [Task("a", "A", text=text), Task("b", "B")], [("a", "b")])


def a_content(text: str = "select 1", schedule: Schedule | None = None) -> Content:
    definition = a_definition(text, schedule)
    return content(VersionRef(1, 1, hashes(definition).content), definition, AsGiven())


@dataclass(frozen=True)
class Held:
    """An engine that refuses what a real one refuses."""

    definition: Definition
    online: bool = False
    schedule: Schedule | None = None
    schedule_online: bool = False


def taken(live: Held | None, step: Step) -> Held:
    """What the engine holds after the step; an AssertionError is its no."""
    if isinstance(step, Deploy):
        assert live is None or not live.online, "deploy while online"
        return replace(live or Held(step.content.definition), definition=step.content.definition)
    assert live is not None, "unknown workflow"
    match step:
        case TakeOffline():
            return replace(live, online=False, schedule_online=False)
        case BringOnline():
            return replace(live, online=True)
        case PutSchedule():
            assert live.online, "schedule of an offline workflow"
            return replace(live, schedule=step.schedule, schedule_online=False)
        case ScheduleOnline():
            assert live.online, "schedule online while the workflow is offline"
            assert live.schedule is not None, "no schedule"
            return replace(live, schedule_online=True)
        case ScheduleOffline():
            assert live.schedule is not None, "no schedule"
            return replace(live, schedule_online=False)


SCHEDULES = st.sampled_from([None, NIGHTLY, MORNING])
TEXTS = st.sampled_from(["select 1", "select 2"])


@st.composite
def held(draw: st.DrawFn) -> Held | None:
    """Also what a person can bring about in an engine's own pages: a schedule that is online alone."""
    if not draw(st.booleans()):
        return None
    schedule = draw(SCHEDULES)
    return Held(a_definition(draw(TEXTS)), draw(st.booleans()), schedule, schedule is not None and draw(st.booleans()))


@st.composite
def wishes(draw: st.DrawFn) -> tuple[Operation, Content, Held | None]:
    return draw(st.sampled_from(Operation)), a_content(draw(TEXTS), draw(SCHEDULES)), draw(held())


@given(wishes())
def test_the_plan_is_legal_not_idle_and_leads_to_what_is_desired(wish: tuple[Operation, Content, Held | None]) -> None:
    operation, sent, live = wish
    assume(operation is not Operation.OFFLINE or live is not None)
    desired = wanted(operation, "w", None if operation is Operation.OFFLINE else sent, found(live))
    before = live
    for step in plan(desired, live):
        after = taken(live, step)
        assert after != live, f"{describe(step)} does nothing"
        live = after
    assert live is not None
    assert plan(desired, live) == ()
    assert live.online is desired.online
    if operation is not Operation.OFFLINE:
        assert live.definition == sent.definition
    if operation is Operation.ONLINE:
        assert (live.online, live.schedule) == (True, sent.schedule)
        assert live.schedule_online is (sent.schedule is not None)
    if operation is Operation.DEPLOY:
        assert live.online is (before is not None and before.online)


@given(wishes(), st.data())
def test_from_anywhere_on_the_way_the_plan_leads_to_the_same_end(
    wish: tuple[Operation, Content, Held | None], data: st.DataObject
) -> None:
    operation, sent, live = wish
    assume(live is not None)
    desired = wanted(operation, "w", None if operation is Operation.OFFLINE else sent, found(live))
    steps = plan(desired, live)
    whole = live
    for step in steps:
        whole = taken(whole, step)
    for step in steps[: data.draw(st.integers(0, len(steps)))]:
        live = taken(live, step)
    for step in plan(desired, live):
        live = taken(live, step)
    assert live == whole


CASES: list[tuple[str, Desired, Held | None, str]] = [
    ("new", Desired("w", a_content(), False, False), None, "deploy"),
    ("new and online", Desired("w", a_content(schedule=NIGHTLY), True, True), None,
     "deploy bring_online put_schedule schedule_online"),
    ("the same", Desired("w", a_content(), False, False), Held(a_definition()), ""),
    ("other content offline", Desired("w", a_content("x"), False, False), Held(a_definition()), "deploy"),
    ("other content online", Desired("w", a_content("x", NIGHTLY), True, True),
     Held(a_definition(), True, NIGHTLY, True), "take_offline deploy bring_online schedule_online"),
    ("another schedule only", Desired("w", a_content(schedule=MORNING), True, True),
     Held(a_definition(), True, NIGHTLY, True), "put_schedule schedule_online"),
    ("no schedule any more", Desired("w", a_content(), True, False), Held(a_definition(), True, NIGHTLY, True),
     "put_schedule"),
    ("schedule to be silent", Desired("w", a_content(schedule=NIGHTLY), True, False),
     Held(a_definition(), True, NIGHTLY, True), "schedule_offline"),
    ("another schedule while offline", Desired("w", a_content(schedule=MORNING), False, False),
     Held(a_definition(), False, NIGHTLY), ""),
    ("whatever it is, offline", Desired("w", None, False, False), Held(a_definition("x"), True, NIGHTLY, True),
     "take_offline"),
    ("offline with a schedule that was left online", Desired("w", None, False, False),
     Held(a_definition(), False, NIGHTLY, True), "schedule_offline"),
]  # fmt: skip


@pytest.mark.parametrize(("desired", "live", "steps"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_least_steps_in_their_order(desired: Desired, live: Held | None, steps: str) -> None:
    assert " ".join(NAMES[type(step)] for step in plan(desired, live)) == steps


def test_nothing_to_take_offline_is_not_found() -> None:
    with pytest.raises(NotFound, match="does not hold it"):
        plan(Desired("w", None, False, False), None)


STEPS: list[Step] = [
    TakeOffline("w"),
    Deploy("w", a_content()),
    BringOnline("w"),
    PutSchedule("w", NIGHTLY),
    PutSchedule("w", None),
    ScheduleOnline("w"),
    ScheduleOffline("w"),
]


def test_every_step_has_a_name_a_line_and_a_digest_of_its_own() -> None:
    assert {type(step) for step in STEPS} == set(NAMES)
    assert len({describe(step) for step in STEPS}) == len(STEPS)
    assert len({request_digest(step) for step in STEPS}) == len(STEPS)


def test_the_plan_is_json_with_its_order() -> None:
    told = orjson.loads(orjson.dumps(rows(STEPS)))
    assert [row["no"] for row in told] == list(range(1, len(STEPS) + 1))
    assert told[0] == {"no": 1, "step": "take_offline", "workflow_code": "w", "text": "take w offline"}
    assert told[1]["version_no"] == 1
    assert told[3]["schedule"] == {"cron": "30 2 * * *", "time_zone": "Europe/Berlin", "start": None, "end": None}
    assert told[3]["text"] == "set the schedule of w to 30 2 * * * (Europe/Berlin)"


def test_what_is_desired_is_json() -> None:
    told = desired_row(Desired("w", a_content(schedule=NIGHTLY), True, True))
    assert orjson.loads(orjson.dumps(told))["online"] is True
    assert desired_row(Desired("w", None, False, False))["content_hash"] is None


# --- what is wanted ------------------------------------------------------------------------------


def test_a_version_is_sent_without_its_schedule() -> None:
    sent = content(V1, a_definition(schedule=NIGHTLY), AsGiven())
    assert (sent.definition, sent.schedule) == (a_definition(), NIGHTLY)


def test_a_deploy_gives_back_what_a_broken_one_had_taken() -> None:
    broken = Held(a_definition(), online=False, schedule=NIGHTLY)
    before = Found(present=True, online=True, schedule_online=True, schedule=NIGHTLY)
    assert found(broken, before) == before
    assert found(broken) == Found(True, False, False, NIGHTLY)


def test_a_deploy_takes_nothing_offline_because_of_a_broken_one() -> None:
    before = Found(present=True, online=False)
    assert found(Held(a_definition(), online=True), before).online


def test_what_is_gone_was_not_found_online() -> None:
    assert found(None, Found(present=True, online=True)) == Found(present=False)


@pytest.mark.parametrize(
    ("operation", "number"), [(Operation.DEPLOY, 2), (Operation.ONLINE, 1), (Operation.OFFLINE, 1)]
)
def test_each_operation_is_about_its_version(operation: Operation, number: int) -> None:
    choice = Choice("w", current=V2, last_published=V1, held=V1)
    assert version_for(operation, choice, None).version_no == number
    assert version_for(operation, choice, number).version_no == number
    with pytest.raises(Conflict, match=f"{operation} is about V{number}, not about V{3 - number}"):
        version_for(operation, choice, 3 - number)


@pytest.mark.parametrize(
    ("operation", "why"),
    [
        (Operation.DEPLOY, "no version that could be deployed"),
        (Operation.ONLINE, "never deployed"),
        (Operation.OFFLINE, "never deployed"),
    ],
)
def test_without_its_version_an_operation_is_refused(operation: Operation, why: str) -> None:
    with pytest.raises(Conflict, match=why):
        version_for(operation, Choice("w", None, None, None), None)


@pytest.mark.parametrize("event", PublishEvent)
@pytest.mark.parametrize("status", PublishStatus)
def test_every_publish_status_moves_by_the_table_or_is_refused(status: PublishStatus, event: PublishEvent) -> None:
    if (status, event) in PUBLISH_TRANSITIONS:
        assert status_after(status, event) is PUBLISH_TRANSITIONS[status, event]
    else:
        assert status is PublishStatus.NEVER
        with pytest.raises(IllegalTransition, match=f"{event} is not possible in publish status {status}"):
            status_after(status, event)


def test_a_publish_status_once_left_never_comes_back_to_never() -> None:
    assert set(PUBLISH_TRANSITIONS.values()) == set(PublishStatus) - {PublishStatus.NEVER}
