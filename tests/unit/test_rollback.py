"""To which version a rollback goes, and what speaks against it."""

import pytest

from wfgov_dagster.domain.definition import Settings, Task, make
from wfgov_dagster.domain.diff import diff
from wfgov_dagster.domain.rollback import (
    KeptVersion,
    lineage_check,
    moved_away,
    overtaken,
    same_content,
    summary_of,
    target_of,
)
from wfgov_dagster.errors import Conflict, NotFound

KEPT = {
    number: KeptVersion(number, f"hash {number % 3}", published=number < 3, created_by="ann") for number in (1, 2, 4)
}


def test_without_a_number_it_is_the_version_published_last() -> None:
    assert target_of("w", None, KEPT, (4, 2)) is KEPT[2]
    assert target_of("w", 1, KEPT, (4, 2)) is KEPT[1]


@pytest.mark.parametrize(
    ("asked", "numbers", "kind", "told"),
    [
        (None, (4, None), Conflict, "none of its versions was published"),
        (None, (2, 2), Conflict, "V2 is both current and published last"),
        (3, (4, 2), NotFound, "no version V3 is kept"),
        (None, (4, 3), NotFound, "no version V3 is kept"),
    ],
)
def test_where_there_is_none_it_says_so(
    asked: int | None, numbers: tuple[int, int | None], kind: type[Exception], told: str
) -> None:
    with pytest.raises(kind, match=told):
        target_of("w", asked, KEPT, numbers)


def test_the_same_content_is_no_rollback() -> None:
    assert "has the content of V1" in str(same_content("w", KEPT[4], KEPT[1]))
    assert same_content("w", KEPT[4], KEPT[2]) is None


def test_who_was_first_is_named() -> None:
    first = KeptVersion(5, "hash", published=False, created_by="bob", rollback_of=2)
    assert (
        str(overtaken("w", 4, first))
        == "V4 was current when this began, meanwhile there is V5 by bob, a rollback to V2"
    )
    assert "a is in x, b is in y" in str(moved_away("w", {"a": "x", "b": "y"}))


def test_todays_dependencies_are_compared_inside_the_workflow() -> None:
    target = make(Settings("w", "w"), [Task("a", "a"), Task("b", "b"), Task("c", "c")], [("a", "b"), ("b", "c")])
    found = lineage_check(target, [("a", "b"), ("a", "c"), ("elsewhere", "a"), ("c", "elsewhere")])
    assert (found.gone, found.missing) == ((("b", "c"),), (("a", "c"),))


def test_the_summary_says_where_to_and_is_cut_as_every_summary() -> None:
    many = make(Settings("w", "w"), [Task(f"task-{at:04}", "t") for at in range(200)], [])
    told = summary_of(3, diff(None, many))
    assert told.startswith("rollback to V3: +task task-0000; ")
    assert len(told) <= 1000
    assert told.endswith("more")
