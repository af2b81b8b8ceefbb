"""Each safeguard taken out is seen, or it is a second wall: then what stands behind it is taken out with it (R3)."""

import sys
from collections.abc import Iterator

import pytest

from tests.simulation.__main__ import row
from tests.simulation.campaign import campaign, simulate
from tests.simulation.mutants import MUTANTS, SECOND_WALLS
from tests.support.size import SEED, size

# Harsh schedules that were once enough, to begin with: another one does as well.
FIRST = {
    "no_lease": 6, "no_leases": 1, "no_look_before_sending": 3, "no_settle": 1, "timeout_is_no": 1, "no_pause": 1,
    "late_is_nobodys": 253, "no_compensation": 4, "no_resume_at_once": 10,
}  # fmt: skip
MOST = size(60, 300)


def seeds(mutant: str) -> Iterator[int]:
    if mutant in FIRST:
        yield FIRST[mutant]
    yield from range(MOST)


@pytest.mark.parametrize("mutant", [name for name in MUTANTS if name not in SECOND_WALLS])
def test_a_safeguard_taken_out_is_seen(mutant: str) -> None:
    assert any(simulate(seed, mutant, harsh=True).violations for seed in seeds(mutant)), MUTANTS[mutant].__doc__


def test_a_wall_that_nobody_misses_has_another_one_behind_it_that_is_missed_with_it() -> None:
    assert set(SECOND_WALLS) <= set(MUTANTS)
    assert set(SECOND_WALLS.values()) <= set(MUTANTS) - set(SECOND_WALLS)


def test_the_table_of_all(capsys: pytest.CaptureFixture[str]) -> None:
    """At soak size the table is printed; at small size one row shows that nothing is found where nothing is out."""
    first, runs = size((0, 3), (SEED, 300))
    unharmed = campaign(range(first, first + runs), harsh=True, processes=size(1, 2))
    rows = [row("nothing taken out", unharmed)]
    rows += [
        row(mutant, campaign(range(first, first + runs), mutant, harsh=True, processes=2))
        for mutant in size((), tuple(MUTANTS))
    ]
    with capsys.disabled():
        sys.stdout.write("\n".join(["", *rows, ""]))
    assert not unharmed.bad
