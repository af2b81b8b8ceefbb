"""What follows in a change set from how its members ended: all of it."""

from dataclasses import dataclass
from itertools import product

import pytest

from wfgov_dagster.domain.change_set import (
    Former,
    MemberState,
    OnFailure,
    SetState,
    current_wave,
    end_of,
    last_wave,
    way_back,
)
from wfgov_dagster.domain.publish import Found

WAITING, OPEN, SUCCESS, FAILED, SKIPPED = MemberState


@dataclass(frozen=True)
class One:
    wave: int
    state: MemberState


def members(*states: MemberState) -> list[One]:
    """One a wave."""
    return [One(wave, state) for wave, state in enumerate(states, 1)]


@pytest.mark.parametrize("on_failure", OnFailure)
def test_as_long_as_nobody_fails_every_wave_is_begun(on_failure: OnFailure) -> None:
    assert last_wave(members(SUCCESS, OPEN, WAITING), on_failure, canceled=False) is None
    assert last_wave(members(SUCCESS, OPEN, WAITING), on_failure, canceled=True) == 0


@pytest.mark.parametrize(("on_failure", "last"), [("stop", 2), ("restore", 0), ("go_on", None)])
def test_what_is_still_begun_after_a_failure(on_failure: str, last: int | None) -> None:
    failed = [*members(SUCCESS, FAILED, WAITING), One(2, WAITING)]
    assert last_wave(failed, OnFailure(on_failure), canceled=False) == last


def test_the_current_wave_is_the_first_with_somebody_who_moves() -> None:
    for states in product(MemberState, repeat=3):
        moving = [wave for wave, state in enumerate(states, 1) if state in {WAITING, OPEN}]
        assert current_wave(members(*states)) == (moving[0] if moving else None)
    assert current_wave([]) is None


@pytest.mark.parametrize("canceled", [True, False])
def test_only_a_set_whose_members_all_succeeded_is_a_success(canceled: bool) -> None:
    for states in product((SUCCESS, FAILED, SKIPPED), repeat=3):
        whole = set(states) == {SUCCESS}
        other = SetState.CANCELED if canceled else SetState.FAILED
        assert end_of(members(*states), canceled=canceled) == (SetState.SUCCESS if whole else other)


def test_a_member_comes_back_to_the_version_that_was_confirmed_released_as_it_was_found() -> None:
    before = Former(3, online=True, schedule_online=True, publishes=True)
    assert way_back(before, Found(True, online=True, schedule_online=False)) == Former(3, True, False, True)
    assert way_back(before, Found(True)) == Former(3, False, False, True)


@pytest.mark.parametrize("before", [None, Former(3, online=True, schedule_online=True, publishes=True)])
def test_a_member_that_was_not_there_is_taken_offline(before: Former | None) -> None:
    assert way_back(before, Found(present=False)) == Former(None, False, False, False)
    assert way_back(None, Found(True, online=True)) == Former(None, False, False, False)
