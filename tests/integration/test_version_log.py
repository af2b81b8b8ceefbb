"""Any series of definitions, written by the three save functions: what the logs give back, and who brought what."""

from collections.abc import Callable, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.integration.publish_support import Office
from tests.support.definitions import definitions
from tests.support.size import size
from wfgov_dagster.domain import snapshot
from wfgov_dagster.domain.definition import Definition
from wfgov_dagster.domain.diff import diff
from wfgov_dagster.domain.patch import apply
from wfgov_dagster.importers.sql_lineage import read_tables
from wfgov_dagster.store.db import Database
from wfgov_dagster.usecases.compare_versions import Side, compare_in
from wfgov_dagster.usecases.version_history import blame
from wfgov_dagster.wiring import sql_reader

read_tables("select 1", "duckdb", "")  # it raises the recursion limit, which Hypothesis minds amid an example


@settings(max_examples=size(2, 60))
@given(st.lists(definitions(), min_size=6, max_size=size(10, 40)))
def test_every_version_comes_back_from_the_logs_as_it_was(
    new_database: Callable[[], str], series: Sequence[Definition]
) -> None:
    database = Database(new_database())
    office = Office(database)
    told = [snapshot.hashes(one).content for one in series]
    series = [one for one, now, before in zip(series, told, ["", *told], strict=False) if now != before]
    for number, definition in enumerate(series, start=1):
        assert office.save(definition) == number
        assert office.save(definition) == number  # equal content is no version
    with office.store.read() as work:
        rows = {row.version_no: row for row in work.queries.versions("w")}
        for number, definition in enumerate(series, start=1):
            rebuilt = work.versions.definition("w", number)
            hashes = snapshot.hashes(rebuilt)
            assert (hashes.content, hashes.functional) == (rows[number].content_hash, rows[number].functional_hash)
            assert hashes == snapshot.hashes(definition)
        _compare_neighbours(work, len(series))
    _blame_each(office, series)
    database.dispose()


def _compare_neighbours(work: object, count: int) -> None:
    """By outlines as by the whole ones, there and back."""
    for one, other in [(number, number + 1) for number in range(1, count)] + [(1, count)]:
        for before, after in ((one, other), (other, one)):
            whole = [work.versions.definition("w", number) for number in (before, after)]  # type: ignore[attr-defined]
            sides = Side(before), Side(after)
            found = compare_in(work, lambda: sql_reader("duckdb"), "w", sides).comparison  # type: ignore[arg-type]
            assert (found.diff, found.diff.bodies) == (diff(*whole), diff(*whole).bodies)
            assert apply(found.diff, whole[0]) == whole[1]
            hashes = [snapshot.hashes(each) for each in whole]
            assert (found.verdict.change_class.value == "none") == (hashes[0] == hashes[1])
            assert (found.verdict.change_class.value in {"none", "metadata"}) == (
                hashes[0].functional == hashes[1].functional
            )


def _blame_each(office: Office, series: Sequence[Definition]) -> None:
    """Against a plain walk back from each version."""
    for number in {1, len(series) // 2, len(series)}:
        found = {one.task_code or (one.upstream, one.downstream): (one.brought_in, one.changed_in)
                 for one in blame(office.store, "w", number)}  # fmt: skip
        past = [snapshot.parse(snapshot.document(one)) for one in series[:number]]
        wanted: dict[object, tuple[int, int]] = {}
        for task in past[-1].tasks:
            wanted[task.code] = _walk([one.by_code().get(task.code) for one in past])
        for edge in past[-1].edges:
            ends = [tuple(one.by_code().get(code) for code in edge) if edge in one.edges else None for one in past]
            wanted[edge] = _walk(ends)
        assert found == wanted


def _walk(values: Sequence[object]) -> tuple[int, int]:
    """(since when it is there without a break, since when as it is now)"""
    brought = changed = len(values)
    while brought > 1 and values[brought - 2] is not None:
        brought -= 1
    while changed > brought and values[changed - 2] == values[-1]:
        changed -= 1
    return brought, changed
