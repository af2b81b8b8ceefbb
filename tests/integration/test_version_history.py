"""The history of versions on both databases: pages, blame, moves, and what an engine held at a time."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from tests.integration.publish_support import Office, a_definition
from wfgov_dagster.domain.deep import deep_hash
from wfgov_dagster.domain.definition import CrossEdge, Definition, Settings, Task, make
from wfgov_dagster.errors import InvalidInput, NotFound
from wfgov_dagster.ports.sql import SqlReader
from wfgov_dagster.ports.version_history import Blame, VersionFilter
from wfgov_dagster.store.db import Database
from wfgov_dagster.store.schema.publish import workflow_publish_record
from wfgov_dagster.store.schema.workflow import workflow_version
from wfgov_dagster.usecases.compare_versions import Side, compare_in
from wfgov_dagster.usecases.show_versions import list_versions, show_version
from wfgov_dagster.usecases.version_history import blame, live_version, page_versions


@pytest.fixture
def office(database: Database) -> Office:
    return Office(database)


def flow(tasks: str, edges: Sequence[str] = (), code: str = "w", **texts: str) -> Definition:
    made = [Task(one, one.upper(), node_type="SHELL", text=texts.get(one, "")) for one in tasks]
    return make(Settings(code, code.upper()), made, [(one[0], one[1]) for one in edges])


def numbers(office: Office, page: int = 1, size: int = 20, **wanted: object) -> list[tuple[str, int]]:
    found = page_versions(office.store, VersionFilter(**wanted), page, size)  # type: ignore[arg-type]
    assert found.total >= len(found.versions)
    return [(one.workflow_code, one.version_no) for one in found.versions]


def day(number: int) -> datetime:
    return datetime(2026, 1, number, tzinfo=UTC)


def dated(office: Office, table: sa.Table, **columns: int) -> None:
    """The row with id n happened on January n, 2026."""
    with office.database.write() as conn:
        for identity in conn.scalars(sa.select(table.c.id)).all():
            values = {name: day(identity) + timedelta(hours=hours) for name, hours in columns.items()}
            conn.execute(sa.update(table).where(table.c.id == identity).values(values))


# --- pages -----------------------------------------------------------------------------------------


def test_pages_come_from_the_newest_and_every_filter_counts(office: Office) -> None:
    for text in "1234":
        office.save(a_definition(text=text))
    office.save(a_definition("v"))
    with office.database.write() as conn:
        conn.execute(
            sa.update(workflow_version).where(workflow_version.c.id == 2).values(created_by="bob", trigger_source="api")
        )
    dated(office, workflow_version, created_at=0)
    assert numbers(office) == [("v", 1), ("w", 4), ("w", 3), ("w", 2), ("w", 1)]
    assert numbers(office, 2, 3, workflow_code="w") == [("w", 1)]
    assert numbers(office, author="bob") == numbers(office, trigger="api") == [("w", 2)]
    assert numbers(office, since=day(2), until=day(4)) == [("w", 3), ("w", 2)]
    assert numbers(office, since=day(5) + timedelta(microseconds=1)) == []
    assert page_versions(office.store, VersionFilter("w"), 1, 1).total == 4
    with pytest.raises(InvalidInput):
        page_versions(office.store, VersionFilter(), 0)
    with pytest.raises(NotFound):
        page_versions(office.store, VersionFilter("nobody"))


def test_a_version_is_as_published_as_its_snapshots(office: Office) -> None:
    office.save(a_definition(text="1"))
    office.publish("deploy")
    office.save(a_definition(text="2"))
    office.ask("deploy")
    office.save(a_definition(text="3"))
    states = [
        (one.version_no, one.state, one.published) for one in page_versions(office.store, VersionFilter()).versions
    ]
    assert states == [(3, "new", False), (2, "draft", False), (1, "published", True)]
    assert numbers(office, published=True) == numbers(office, state="published") == [("w", 1)]
    assert numbers(office, state="draft") == [("w", 2)]
    assert numbers(office, published=False) == [("w", 3), ("w", 2)]


# --- blame -----------------------------------------------------------------------------------------


def shown(found: Sequence[Blame]) -> dict[str, tuple[int, int]]:
    """(brought in, changed in)"""
    return {one.task_code or f"{one.upstream}{one.downstream}": (one.brought_in, one.changed_in) for one in found}


def test_blame_names_the_version_that_brought_each_task_and_edge(office: Office) -> None:
    for definition in (
        flow("ab", ["ab"]),
        flow("abc", ["ab", "bc"]),
        flow("ac", ["ac"]),
        flow("abc", ["ab", "bc"], a="new"),
        flow("abc", ["ab", "bc"], a="new", c="newer"),
    ):
        office.save(definition)
    assert shown(blame(office.store, "w")) == {
        "a": (1, 4), "b": (4, 4), "c": (2, 5), "ab": (4, 4), "bc": (4, 5),
    }  # fmt: skip
    assert shown(blame(office.store, "w", 2)) == {"a": (1, 1), "b": (1, 1), "c": (2, 2), "ab": (1, 1), "bc": (2, 2)}
    assert shown(blame(office.store, "w", 3)) == {"a": (1, 1), "c": (2, 2), "ac": (3, 3)}
    (one,) = blame(office.store, "w", task="c")
    assert (one.brought_by, one.changed_by, one.changed_change, one.changed_trigger) == ("ann", "ann", "told", "manual")
    assert shown(blame(office.store, "w", edge=("a", "b"))) == {"ab": (4, 4)}
    for what in ({"task": "x"}, {"edge": ("a", "c")}):
        with pytest.raises(NotFound, match="V5 has no"):
            blame(office.store, "w", **what)  # type: ignore[arg-type]
    with pytest.raises(NotFound, match="no version V9"):
        blame(office.store, "w", 9)


def test_blame_knows_no_more_than_the_number_of_a_version_that_is_gone(office: Office) -> None:
    for definition in (flow("ab", ["ab"]), flow("ab", ["ab"], b="x"), flow("ab", ["ab"], b="y")):
        office.save(definition)
    with office.database.write() as conn:
        conn.execute(sa.delete(workflow_version).where(workflow_version.c.version_no == 1))
    (edge,) = blame(office.store, "w", edge=("a", "b"))
    assert (edge.brought_in, edge.brought_by, edge.changed_in, edge.changed_by) == (1, None, 3, "ann")


# --- what was live ---------------------------------------------------------------------------------


def test_what_an_engine_held_at_a_time_is_told_by_its_publishes(office: Office) -> None:
    office.save(a_definition(text="1"))
    office.publish("deploy")  # record 1
    office.publish("online")  # record 2
    office.save(a_definition(text="2"))
    office.publish("deploy")  # record 3
    office.publish("offline")  # record 4
    dated(office, workflow_publish_record, created_at=0, finished_at=12)
    with office.database.write() as conn:
        conn.execute(sa.text("UPDATE engine_deployment SET confirmed_at = :at"), {"at": "2026-01-04 12:00:00.000000"})

    def at(when: datetime) -> tuple[object, ...]:
        one = live_version(office.store, "w", "embedded", when)
        return one.version_no, one.since, one.record_id, one.online, one.open_records

    noon = timedelta(hours=12)
    assert at(day(1)) == (None, None, None, None, [1])
    assert at(day(1) + noon) == (1, day(1) + noon, 1, False, [])
    assert at(day(2) + noon) == (1, day(1) + noon, 1, True, [])
    assert at(day(3)) == (1, day(1) + noon, 1, True, [3])
    assert at(day(3) + noon) == (2, day(3) + noon, 3, True, [])
    assert at(day(9)) == (2, day(3) + noon, 3, False, [])
    with pytest.raises(NotFound, match="no engine"):
        live_version(office.store, "w", "nobody", day(9))


# --- moves -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("other", ["a-first", "z-last"])
def test_a_task_that_moved_is_found_in_the_version_that_had_it(office: Office, other: str) -> None:
    """Whichever of the two workflows got its new version first."""
    for definition in (flow("ab", code=other), flow("c")):
        office.save(definition)
    moved = [flow("a", code=other), flow("bc")]
    for definition in moved if other == "a-first" else moved[::-1]:
        office.save(definition)
    with office.store.read() as work:
        past = work.version_history
        assert past.came_from("w", 2, ["b", "x"]) == {"b": other}
        assert past.came_from("w", None, ["b"]) == {"b": other}
        assert past.previous("w", 2) == 1


def test_what_two_versions_have_in_common_is_not_read(office: Office) -> None:
    first = flow("abc", ["ab"], a="1")
    office.save(first)
    office.save(replace(first, tasks=tuple(replace(one, text="2") if one.code == "a" else one for one in first.tasks)))
    with office.store.read() as work:
        one, other = work.version_history.outlines("w", 1, 2)
        assert (one.tasks, other.tasks) == ({"a": 1}, {"a": 2})
        assert [task.text for task in work.version_history.bodies({"a": 2})] == ["2"]
        with pytest.raises(NotFound):
            work.version_history.outlines("w", 1, 3)


# --- what was above --------------------------------------------------------------------------------


def waits(definition: Definition, *upstream: str) -> Definition:
    """Its first task waits for the first task of others."""
    return make(definition.settings, definition.tasks, definition.edges,
                [CrossEdge(one, f"{one}a", definition.tasks[0].code) for one in upstream])  # fmt: skip


def told(office: Office, code: str) -> list[str | None]:
    """Of each version against the one before it, and of the last one against now."""
    rows = list_versions(office.store, code)
    pages = [page_versions(office.store, VersionFilter(code), at, 1).versions[0] for at in range(1, len(rows) + 1)]
    assert [row.changed for row in reversed(pages)] == [row.changed for row in rows]
    last = show_version(office.store, code, rows[-1].version_no)
    assert last.row.above_hash is not None
    assert last.deep_hash == deep_hash(last.row.content_hash, last.row.above_hash)
    return [*(row.changed for row in rows), last.changed_since]


def test_itself_and_something_above_are_told_apart(office: Office) -> None:
    """far → up → w; side is above nobody."""
    office.save(waits(flow("a", code="w"), "up"))
    assert told(office, "w") == [None, "nothing"]
    for code in ("up", "far", "side"):
        office.save(flow("a", code=code))
    assert told(office, "w") == [None, "above"]  # it had none, now it has one
    office.save(waits(flow("a", code="w", a="1"), "up"))
    office.save(flow("a", code="side", a="1"))
    office.save(flow("a", code="far", a="1"))
    assert told(office, "w") == [None, "both", "nothing"]
    office.save(waits(flow("a", code="up"), "far"))
    office.save(waits(flow("a", code="w", a="2"), "up"))
    office.save(flow("a", code="far", a="2"))
    assert told(office, "w") == [None, "both", "both", "above"]
    office.save(waits(flow("a", code="w", a="1"), "up"))
    assert told(office, "w") == [None, "both", "both", "both", "nothing"]
    assert told(office, "side") == [None, "itself", "nothing"]
    with office.store.read() as work:
        assert compare_in(work, no_sql, "w", (Side(2), Side(4))).changed == "above"
        assert compare_in(work, no_sql, "side", (Side(1), Side(2))).changed == "itself"
        assert compare_in(work, no_sql, "w", (Side(2), Side(2))).changed == "nothing"


def test_a_circle_of_workflows_is_above_each_of_them(office: Office) -> None:
    office.save(waits(flow("a", code="v"), "w"))
    office.save(waits(flow("a", code="w"), "v"))
    assert (told(office, "v"), told(office, "w")) == ([None, "above"], [None, "nothing"])
    office.save(waits(flow("a", code="v", a="1"), "w"))
    assert (told(office, "v"), told(office, "w")) == ([None, "both", "nothing"], [None, "above"])


def test_of_versions_from_before_nobody_knows_what_was_above(office: Office) -> None:
    office.save(flow("a"))
    with office.database.write() as conn:
        conn.execute(sa.update(workflow_version).values(above_hash=None))
    office.save(flow("a", a="1"))
    assert [row.changed for row in list_versions(office.store, "w")] == [None, None]
    assert (show_version(office.store, "w", 1).deep_hash, show_version(office.store, "w", 1).changed_since) == (
        None,
        None,
    )


def no_sql() -> SqlReader:
    raise AssertionError("no SQL is read here")
