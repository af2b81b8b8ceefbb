"""What people read in Dagster is what was meant, whatever characters it is made of."""

from wfgov_dagster.domain.definition import Settings, Task, make
from wfgov_dagster.ops import present


def test_a_dag_is_a_table_by_level() -> None:
    tasks = [Task(code, code) for code in "dcba"]

    told = present.dag(make(Settings("w", "w"), tasks, [("a", "b"), ("a", "d"), ("b", "c"), ("d", "c")]))

    assert told.value.splitlines() == [
        "| level | task | type | waits for |",
        "| --- | --- | --- | --- |",
        "| 0 | a | SQL | — |",
        "| 1 | b | SQL | a |",
        "| 1 | d | SQL | a |",
        "| 2 | c | SQL | b, d |",
    ]


def test_names_do_not_become_formats() -> None:
    told = present.table([{"name": "a|b *c* <img src=x> `d` [e](f)\nnext_line"}])

    assert told.value.splitlines()[2] == (r"| a\|b \*c\* \<img src=x\> \`d\` \[e\]\(f\) next\_line |")


def test_a_long_table_is_cut_and_says_so() -> None:
    told = present.table([{"n": n} for n in range(present.ROWS + 7)])

    assert told.value.endswith("… and 7 more")
    assert len(told.value.splitlines()) == 2 + present.ROWS + 2


def test_an_empty_table_says_none() -> None:
    assert present.table([]).value == "*none*"


def test_a_diff_is_shown_as_it_is_and_no_longer_than_a_page() -> None:
    told = present.preformatted(["+task ```", "-" + "x" * 999, *map(str, range(present.ROWS))]).value.splitlines()

    assert told[:2] == ["````diff", "+task ```"]
    assert len(told[2]) == present.WIDTH
    assert told[-3:] == ["````", "", "… and more"]
    assert len(told) == 1 + present.ROWS + 3
