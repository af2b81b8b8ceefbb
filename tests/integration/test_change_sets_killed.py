"""A change set whose process is killed anywhere is finished by the next one: all new or all old, as asked."""

import random
from collections.abc import Iterator

import pytest

from tests.integration.change_set_support import OLD, Sets, in_threads, states
from tests.integration.publish_support import Office
from tests.support.size import SEED, size
from wfgov_dagster.domain.change_set import OnFailure
from wfgov_dagster.store.db import Database
from wfgov_dagster.usecases.end_change_set import restore

EVERY = size(13, 1)  # of so many points one: in soak each of them


class Killed(BaseException):
    """As kill -9: nothing in the program catches it."""


class Fuse:
    """Burns at the n-th commit or engine call, before or after it: from then on nobody in the process does anything."""

    def __init__(self, office: Office) -> None:
        self.left = self.count = 0
        self.armed = self.burnt = False
        office.store.hook = office.engine.hook = self

    def __call__(self) -> None:
        self.count += 1
        self.left -= 1
        if self.armed and self.left <= 0:  # below: threads may pass each other here
            self.burnt = True
        if self.burnt:
            raise Killed

    def set_to(self, left: int) -> None:
        """0 = it does not burn."""
        self.left, self.count, self.armed, self.burnt = left, 0, left > 0, False


@pytest.fixture
def small(sqlite_url: str) -> Iterator[Sets]:
    database = Database(sqlite_url)
    yield Sets(Office(database))
    database.dispose()


@pytest.fixture
def sets(database: Database) -> Sets:
    return Sets(Office(database))


def killed(sets: Sets, fuse: Fuse, change_set_id: int, at: int) -> bool:
    """Killed at its point; the next process, after the leases have run out, brings it to an end. False: it has no
    point so late."""
    fuse.set_to(at)
    try:
        sets.drive(change_set_id)
    except Killed:
        sets.office.lapse()
    burnt = fuse.burnt
    fuse.set_to(0)
    sets.drive(change_set_id)
    return burnt


# --- at every point of a small set ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("on_failure", "refused", "end", "texts"),
    [("stop", False, "success", "nn"), ("stop", True, "failed", "no"), ("restore", True, "restored", "oo")],
)
def test_killed_at_any_point_the_next_process_finishes_it(
    small: Sets, on_failure: str, refused: bool, end: str, texts: str
) -> None:
    fuse, at, burnt = Fuse(small.office), 1 - EVERY, True
    while burnt:
        at += EVERY
        codes = [f"{at}a", f"{at}b"]
        small.estate(codes, online=False)
        if refused:
            small.refuse(codes[1])
        change_set_id = small.make(codes, on_failure=OnFailure(on_failure))
        burnt = killed(small, fuse, change_set_id, at)
        shown = small.show(change_set_id)
        assert (shown.change_set.state, small.texts(codes)) == (end, texts), at
        assert "waiting" not in states(shown).values()
    assert at > 35


def test_killed_at_any_point_of_rolling_back_the_next_process_finishes_it(small: Sets) -> None:
    fuse, at, burnt = Fuse(small.office), 1 - EVERY, True
    while burnt:
        at += EVERY
        codes = [f"{at}a", f"{at}b"]
        small.estate(codes, online=False)
        shown = small.publish(codes)
        with small.office.store.write() as work:
            back = restore(work, "ann", shown.change_set.id)
        assert back is not None
        burnt = killed(small, fuse, back, at)
        assert (small.show(shown.change_set.id).change_set.state, small.texts(codes)) == ("restored", "oo"), at
    assert at > 35


# --- at random points of a large one --------------------------------------------------------------


@pytest.mark.parametrize("whole", ["new", "old"])
def test_a_large_set_that_is_killed_ends_all_new_or_all_old_as_asked(sets: Sets, whole: str) -> None:
    chance, fuse = random.Random(SEED), Fuse(sets.office)
    codes = [f"w{no:03}" for no in range(size(8, 140))]
    sets.versions(codes, "echo 0")
    sets.drive(sets.make(codes))
    for no, code in enumerate(codes[1:]):
        sets.chain([codes[no // 3], code])  # a tree of five levels, or of three
    sets.side_by_side = in_threads
    sets.versions(codes, OLD)
    fuse.set_to(0)
    sets.drive(sets.make(codes))
    points = fuse.count * 9 // 10  # of an update; another one has as many, give or take a few
    if whole == "old":
        sets.refuse(codes[-1])
    for turn in range(size(2, 20)):
        text = f"echo turn {turn}"
        sets.versions(codes, text)
        on_failure = OnFailure.STOP if whole == "new" else OnFailure.RESTORE
        change_set_id = sets.make(codes, on_failure=on_failure)
        assert killed(sets, fuse, change_set_id, chance.randint(1, points))
        shown = sets.show(change_set_id)
        assert shown.change_set.state == ("success" if whole == "new" else "restored"), turn
        assert {sets.office.state(code)[0] for code in codes} == {text if whole == "new" else OLD}, turn
        assert len(shown.members) == len(codes)
