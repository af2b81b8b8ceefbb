"""Dependencies from columns are those that a plain search finds, with the same evidence."""

import json
from random import Random

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.lineage_oracle import Facts, naive_dependencies
from tests.support.size import size
from wfgov_dagster.domain.lineage import DEPENDENCY_SCHEMA, Lineage, dependencies

TASKS, TABLES = st.integers(1, 7), st.integers(1, 8)
PAIRS = {
    "reads": st.tuples(TASKS, TABLES),
    "writes": st.tuples(TASKS, TABLES),
    "views": st.tuples(TABLES, TABLES),
    "declared": st.tuples(TASKS, TASKS),
}
NAMES = st.text("abZ_é中😀", max_size=3)


@st.composite
def estates(draw: st.DrawFn) -> tuple[dict[str, list[tuple[int, int]]], dict[int, str]]:
    """Few tasks and tables, so that circles of views, self-reads, several writers and ties happen all the time."""
    rows = {name: draw(st.lists(pair, max_size=14)) for name, pair in PAIRS.items()}
    return rows, draw(st.dictionaries(TABLES, NAMES))  # tables without a name are dangling


def lineage(rows: dict[str, list[tuple[int, int]]], names: dict[int, str]) -> Lineage:
    def frame(pairs: list[tuple[int, int]], *columns: str) -> pl.DataFrame:
        return pl.DataFrame(pairs, schema=dict.fromkeys(columns, pl.Int64), orient="row")

    used = {table for _, table in (*rows["reads"], *rows["writes"])} | {end for pair in rows["views"] for end in pair}
    facts = facts_of(rows, names)
    ranked = sorted(used, key=facts.name)
    return Lineage(
        reads=frame(rows["reads"], "task", "table"),
        writes=frame([(table, task) for task, table in rows["writes"]], "table", "task"),
        views=frame(rows["views"], "view", "source"),
        declared=frame(rows["declared"], "task", "upstream"),
        names=frame([(table, rank) for rank, table in enumerate(ranked)], "table", "rank"),
    )


def facts_of(rows: dict[str, list[tuple[int, int]]], names: dict[int, str]) -> Facts:
    return Facts(*(frozenset(rows[name]) for name in ("reads", "writes", "views", "declared")), names)


def told(found: pl.DataFrame) -> dict[tuple[int, int], tuple[object, ...]]:
    assert found.schema == pl.Schema(DEPENDENCY_SCHEMA)
    rows = {
        (task, up): (kind, read, written, None if chain is None else tuple(json.loads(chain)))
        for task, up, kind, read, written, chain in found.iter_rows()
    }
    assert len(rows) == found.height, "a pair occurs twice"
    return rows


@settings(max_examples=size(200, 5000))
@given(estates())
def test_pairs_and_evidence_are_those_of_a_plain_search(
    estate: tuple[dict[str, list[tuple[int, int]]], dict[int, str]],
) -> None:
    assert told(dependencies(lineage(*estate))) == naive_dependencies(facts_of(*estate))


@given(estates(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(
    estate: tuple[dict[str, list[tuple[int, int]]], dict[int, str]], chance: Random
) -> None:
    rows, names = estate
    shuffled = {name: chance.sample(pairs, len(pairs)) for name, pairs in rows.items()}
    assert told(dependencies(lineage(shuffled, names))) == told(dependencies(lineage(rows, names)))


def found(
    *,
    reads: tuple[tuple[int, int], ...] = (),
    writes: tuple[tuple[int, int], ...] = (),
    views: tuple[tuple[int, int], ...] = (),
    declared: tuple[tuple[int, int], ...] = (),
    names: dict[int, str] | None = None,
) -> dict[tuple[int, int], tuple[object, ...]]:
    rows = {"reads": list(reads), "writes": list(writes), "views": list(views), "declared": list(declared)}
    return told(dependencies(lineage(rows, names or {})))


def test_nothing_given_is_nothing_found() -> None:
    assert found() == {}


def test_a_task_that_reads_what_it_writes_depends_on_no_one() -> None:
    assert found(reads=((1, 5),), writes=((1, 5),)) == {}


def test_a_task_that_reads_its_own_table_through_a_view_depends_on_no_one() -> None:
    assert found(reads=((1, 6),), writes=((1, 5),), views=((6, 5),)) == {}


def test_every_writer_of_a_table_is_upstream_of_its_readers() -> None:
    assert set(found(reads=((1, 5),), writes=((2, 5), (3, 5)))) == {(1, 2), (1, 3)}


def test_of_two_tables_the_first_by_name_is_the_evidence() -> None:
    rows = found(reads=((1, 5), (1, 6)), writes=((2, 5), (2, 6)), names={5: "b", 6: "a"})
    assert rows == {(1, 2): ("direct", 6, 6, None)}


def test_reading_a_table_itself_outranks_a_view_of_it() -> None:
    rows = found(reads=((1, 5), (1, 6)), writes=((2, 5),), views=((6, 5),), names={5: "z", 6: "a"})
    assert rows == {(1, 2): ("direct", 5, 5, None)}


def test_a_short_chain_of_views_outranks_a_long_one() -> None:
    rows = found(reads=((1, 8),), writes=((2, 5),), views=((8, 7), (7, 5), (8, 6), (6, 4), (4, 5)))
    assert rows == {(1, 2): ("view", 8, 5, (8, 7, 5))}


def test_of_two_equal_chains_the_one_whose_names_come_first_is_the_evidence() -> None:
    rows = found(
        reads=((1, 8),),
        writes=((2, 5),),
        views=((8, 7), (7, 5), (8, 6), (6, 5)),
        names={7: "b", 6: "a", 8: "v", 5: "t"},
    )
    assert rows == {(1, 2): ("view", 8, 5, (8, 6, 5))}


def test_names_are_compared_by_their_bytes() -> None:
    assert found(reads=((1, 5), (1, 6)), writes=((2, 5), (2, 6)), names={5: "a", 6: "Z"})[1, 2][1] == 6


def test_a_circle_of_views_ends() -> None:
    rows = found(reads=((1, 6),), writes=((2, 8),), views=((6, 7), (7, 6), (7, 8), (6, 6)))
    assert rows == {(1, 2): ("view", 6, 8, (6, 7, 8))}


def test_a_declared_dependency_gives_way_to_what_lineage_shows() -> None:
    rows = found(reads=((1, 5),), writes=((2, 5),), declared=((1, 2), (1, 3), (3, 3)))
    assert rows == {(1, 2): ("direct", 5, 5, None), (1, 3): ("declared", None, None, None)}
