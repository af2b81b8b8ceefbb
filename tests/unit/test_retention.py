"""What a rule keeps, and where growth leads."""

from datetime import UTC, datetime, timedelta

import pytest

from wfgov_dagster.domain.retention import (
    EngineHeld,
    HeldVersion,
    Month,
    Rule,
    RuleChange,
    effective,
    engine_going,
    forecast,
    is_needed,
    judge,
    without_gaps,
)
from wfgov_dagster.errors import InvalidInput

NOW = datetime(2026, 11, 27, tzinfo=UTC)
RULE = Rule(keep_last=2, keep_days=30)


def versions(*reasons: tuple[str, ...], days: int = 100) -> list[HeldVersion]:
    """V1, V2 … of this age."""
    at = NOW - timedelta(days=days)
    return [HeldVersion(no, no, at, 10, why) for no, why in enumerate(reasons, 1)]


def going(held: list[HeldVersion], rule: Rule = RULE) -> list[int]:
    return sorted(one.version.version_no for one in judge(held, rule, NOW) if not one.reasons)


def test_what_no_part_of_the_rule_keeps_goes() -> None:
    assert going(versions((), (), (), ())) == [1, 2]
    assert going(versions((), (), (), (), days=29)) == []
    assert going(versions((), (), (), (), days=0), Rule(1, 0)) == [1, 2, 3]


@pytest.mark.parametrize("reason", ["tagged", "published"])
def test_tags_and_publishes_keep_while_the_rule_says_so(reason: str) -> None:
    held = versions((reason,), (), (), ())
    assert going(held) == [2]
    assert going(held, Rule(2, 30, keep_tagged=False, keep_published=False)) == [1, 2]


def test_what_else_protects_holds_whatever_the_rule_says() -> None:
    assert going(versions(("current",), ("what a later feature says",), (), (), ()), Rule(1, 0, False, False)) == [3, 4]


def test_a_rollback_target_stays_as_long_as_what_came_of_it() -> None:
    held = versions(("rollback target",), (), ("rollback target",), (), ())
    held[1] = HeldVersion(2, 2, NOW - timedelta(days=100), 10, (), 1)
    held[4] = HeldVersion(5, 5, NOW - timedelta(days=100), 10, (), 3)
    assert going(held, Rule(1, 0)) == [1, 2, 4]


def test_the_nearest_word_counts_and_the_defaults_for_what_nobody_said() -> None:
    assert effective([]) == effective([None]) == Rule(50, 180, True, True)
    assert effective([RuleChange(10, 20), RuleChange(keep_days=5, keep_tagged=False)]) == Rule(10, 5, False, True)


@pytest.mark.parametrize("said", [RuleChange(keep_last=0), RuleChange(keep_days=-1), RuleChange(keep_last=10**9)])
def test_a_rule_that_makes_no_sense_is_refused(said: RuleChange) -> None:
    with pytest.raises(InvalidInput, match="keep_"):
        said.check()


@pytest.mark.parametrize(
    ("first", "last", "needed"),
    [(1, 2, False), (1, 3, True), (3, 3, True), (4, 6, False), (4, 7, True), (8, 9, True), (1, 9, True)],
)
def test_an_interval_is_needed_while_a_kept_version_lies_in_it(first: int, last: int, needed: bool) -> None:
    assert is_needed([3, 7], first, last) is needed


def test_an_engine_keeps_its_current_version_the_last_ones_the_young_ones_and_those_of_others() -> None:
    old, young = NOW - timedelta(days=100), NOW - timedelta(days=1)
    held = [EngineHeld(no, no != 3, young if no == 4 else old) for no in range(1, 8)]
    assert engine_going(held, 2, RULE, NOW) == [1, 5]


def test_a_forecast_is_a_straight_line_through_the_totals() -> None:
    assert forecast([10, 10, 10], 12) == 150
    assert forecast([10], 12) == 10
    assert forecast([], 12) == 0
    assert forecast([10, 0, 0, 0], 12) >= 10


def test_months_in_which_nothing_was_added_count() -> None:
    found = without_gaps([Month("2026-02", 1, 5), Month("2025-11", 2, 7)])
    assert [(one.month, one.rows) for one in found] == [("2025-11", 2), ("2025-12", 0), ("2026-01", 0), ("2026-02", 1)]
