"""Whatever is lost, late, killed or edited: no schedule ends in a state that the platform does not know (R1, R2)."""

import pytest

from tests.simulation.__main__ import figures
from tests.simulation.campaign import Tally, campaign, simulate
from tests.support.size import SEED, size

SCHEDULES = size(25, 10_000)
FIRST = size(0, SEED)
SETS = size(3, 3_000)


@pytest.fixture(scope="module")
def tally() -> Tally:
    return campaign(range(FIRST, FIRST + SCHEDULES), processes=size(1, 2))


def test_nothing_is_ever_divergent_stuck_or_a_lie(tally: Tally) -> None:
    assert not tally.bad, "\n".join([figures(tally, 0.0), *(simulate(seed).told() for seed in tally.bad[:3])])


@pytest.mark.parametrize("seed", [5071, 5189])
def test_what_a_superseded_publish_wrote_is_somebodys_though_its_successors_never_see_the_engine(seed: int) -> None:
    outcome = simulate(seed)
    assert not outcome.violations, outcome.told()


def test_the_schedules_are_as_wild_as_they_should_be(tally: Tally) -> None:
    assert tally.schedules == SCHEDULES
    assert tally.crashes > 5 * SCHEDULES
    assert tally.stalls > SCHEDULES
    often = {
        "confirmed", "settling", "superseded", "compensating", "rejected", "sent deploy", "sent bring_online",
        "sent take_offline", "sent put_schedule", "sent schedule_online", "edit of release",
    }  # fmt: skip
    rarely = {"parked", "paused", "aborted", "edit of content", "edit of cron", "edit of marker", "sent by a zombie"}
    assert often | size(set(), rarely) <= set(tally.seen)


# --- change sets ---------------------------------------------------------------------------------


def test_change_sets_keep_their_waves_and_end_as_they_say() -> None:
    tally = campaign(range(FIRST, FIRST + SETS), processes=size(1, 2), kind="sets")
    told = [figures(tally, 0.0), *(simulate(seed, kind="sets").told() for seed in tally.bad[:3])]
    assert not tally.bad, "\n".join(told)
    often = {"set success", "member success", "sent deploy", "confirmed"}
    rarely = {"set failed", "set restored", "set canceled", "cancel_set", "cancel_flow", "stop_flow", "cancel_record"}
    assert often | size(set(), rarely) <= set(tally.seen)
