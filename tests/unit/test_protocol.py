"""Decisions of the publish protocol: where a record in trouble goes, and what is a foreign edit."""

from dataclasses import dataclass, replace
from itertools import product

import pytest

from tests.doubles.as_given import AsGiven
from wfgov_dagster.domain.definition import Definition, Schedule, Settings, Task, make
from wfgov_dagster.domain.plan import plan
from wfgov_dagster.domain.protocol import Standing, Trouble, explained, first_found, foreign, next_phase, parts
from wfgov_dagster.domain.publish import (
    Content,
    Desired,
    Found,
    Phase,
    Target,
    VersionRef,
    before,
    content,
    restored,
)
from wfgov_dagster.domain.snapshot import hashes

NIGHTLY, MORNING = Schedule("30 2 * * *", "UTC"), Schedule("0 6 * * *", "UTC")
YES_NO = (True, False)


def a_content(text: str = "select 1", schedule: Schedule | None = NIGHTLY, number: int = 1) -> Content:
    definition = make(Settings("w", "W", schedule=schedule), [Task("a", "A", text=text)], [])
    return content(VersionRef(number, number, hashes(definition).content), definition, AsGiven())


@dataclass(frozen=True)
class Held:
    definition: Definition
    online: bool = True
    schedule: Schedule | None = NIGHTLY
    schedule_online: bool = True


def holds(one: Content, **state: object) -> Held:
    return replace(Held(one.definition, schedule=one.schedule), **state)  # type: ignore[arg-type]


STANDINGS = [Standing(*one) for one in product(YES_NO, repeat=4)]


@pytest.mark.parametrize("trouble", Trouble)
def test_an_end_without_success_is_only_where_nothing_of_it_can_be_left(trouble: Trouble) -> None:
    for standing in STANDINGS:
        if next_phase(trouble, standing) in {Phase.REJECTED, Phase.FAILED}:
            assert not standing.wrote
            assert not standing.going_back


def test_who_cannot_see_the_engine_after_a_write_never_ends_and_never_turns_back() -> None:
    for standing in STANDINGS:
        if standing.wrote and standing.used_up:
            assert next_phase(Trouble.SILENT, standing) is Phase.PARKED


def test_the_way_back_is_taken_once_and_its_own_trouble_parks_it() -> None:
    for trouble, standing in product(Trouble, STANDINGS):
        phase = next_phase(trouble, standing)
        if standing.going_back:
            assert phase is (Phase.PARKED if standing.used_up else None)
        if phase is Phase.COMPENSATING:
            assert standing.wrote
            assert not standing.restores


def test_silence_is_patience_while_there_is_any() -> None:
    for standing in STANDINGS:
        assert (next_phase(Trouble.SILENT, standing) is None) is not standing.used_up


@pytest.mark.parametrize(
    ("trouble", "wrote", "restores", "phase"),
    [
        (Trouble.REFUSED, False, False, Phase.REJECTED),
        (Trouble.REFUSED, True, False, Phase.COMPENSATING),
        (Trouble.REFUSED, True, True, Phase.PARKED),
        (Trouble.FUTILE, False, False, Phase.FAILED),
        (Trouble.FUTILE, True, False, Phase.COMPENSATING),
        (Trouble.SILENT, False, False, Phase.FAILED),
    ],
)
def test_the_way_there_ends_like_this(trouble: Trouble, wrote: bool, restores: bool, phase: Phase) -> None:
    assert next_phase(trouble, Standing(wrote, used_up=True, going_back=False, restores=restores)) is phase


# --- foreign edits -------------------------------------------------------------------------------

V1, V2, THEIRS = a_content(), a_content("select 2", MORNING, 2), a_content("rm -r /", Schedule("* * * * *", "UTC"), 9)


def test_what_we_sent_once_is_no_foreign_edit_however_it_is_released() -> None:
    for one, online in product((V1, V2), YES_NO):
        assert foreign(holds(one, online=online, schedule_online=False), [V2, V1]) == {}
    assert foreign(holds(V1, schedule=MORNING), [V2, V1]) == {}, "the schedule of another version of ours"
    assert foreign(holds(V1, schedule=None, schedule_online=False), [V2]).keys() == {"definition"}


def test_a_foreign_part_is_named_with_its_digest_and_only_that_one_can_be_overruled() -> None:
    live = holds(V1, schedule=THEIRS.schedule)
    strange = foreign(live, [V1, V2])
    assert strange == {"schedule": parts(live)["schedule"]}
    assert foreign(live, [V1, V2], list(strange.values())) == {}
    both = foreign(holds(THEIRS), [V1, V2], list(strange.values()))
    assert both.keys() == {"definition"}
    assert foreign(holds(replace(V1, schedule=None), schedule=None), [V1]) == {}, "no schedule is no edit"


def test_content_is_read_only_as_far_as_it_is_needed() -> None:
    read: list[int] = []

    def sent() -> object:
        for one in (V2, V1, THEIRS):
            read.append(one.version_no)
            yield one

    assert foreign(holds(V2), sent()) == {}  # type: ignore[arg-type]
    assert read == [2]


# --- late writes ---------------------------------------------------------------------------------

CONFIRMED = Desired("w", V1, online=True, schedule_online=True)


@pytest.mark.parametrize(
    ("live", "steps", "is_ours"),
    [
        (holds(V2), {"deploy"}, True),
        (holds(V2), {"bring_online"}, True),  # whichever it was: it is content of ours that nobody confirmed
        (holds(V1, schedule=MORNING), {"put_schedule"}, True),
        (holds(V1, online=False, schedule_online=False), {"take_offline"}, True),
        (holds(V1, online=False, schedule_online=False), {"deploy"}, False),
        (holds(V1, schedule_online=False), {"put_schedule"}, True),
        (holds(V1, schedule_online=False), {"deploy"}, False),
        (holds(V1, schedule=None, schedule_online=False), {"schedule_online"}, False),
    ],
)
def test_only_what_a_late_write_explains_is_taken_for_one(live: Held, steps: set[str], is_ours: bool) -> None:
    assert explained(live, CONFIRMED, steps) is is_ours


def test_a_late_start_is_one_where_it_was_confirmed_offline() -> None:
    offline = Desired("w", V1, online=False, schedule_online=False)
    assert explained(holds(V1, schedule_online=False), offline, {"bring_online"})
    assert not explained(holds(V1, schedule_online=False), offline, {"take_offline"})


# --- what is brought back ------------------------------------------------------------------------


def test_what_was_there_before_is_the_confirmed_version_released_as_found() -> None:
    found = Found(present=True, online=True, schedule_online=True, schedule=NIGHTLY)
    assert before("w", V1, found) == Desired("w", V1, online=True, schedule_online=True)
    assert before("w", replace(V1, schedule=None), found).schedule_online is False
    assert before("w", V1, Found(present=False)) == Desired("w", None, online=False, schedule_online=False)


def test_where_nothing_was_confirmed_only_the_release_is_brought_back() -> None:
    desired = before("w", None, Found(present=True, online=True, schedule_online=True))
    assert plan(desired, holds(V2)) == ()
    offline = holds(V2, online=False, schedule_online=False)
    assert [type(step).__name__ for step in plan(desired, offline)] == ["BringOnline", "ScheduleOnline"]
    bare = holds(replace(V2, schedule=None), online=False, schedule_online=False)
    assert [type(step).__name__ for step in plan(desired, bare)] == ["BringOnline"], (
        "there is no schedule to bring back"
    )


def test_a_restore_wants_its_target_and_finds_it_too() -> None:
    target = Target(1, online=True, schedule_online=True)
    assert restored("w", V1, target) == Desired("w", V1, online=True, schedule_online=True)
    assert restored("w", V1, Target(1, online=False, schedule_online=True)).schedule_online is False
    live = holds(V2, online=False, schedule_online=False)
    assert first_found(live, None, target) == Found(True, True, True, MORNING)
    assert first_found(live, Found(True, True, False), None) == Found(True, True, False, MORNING)
