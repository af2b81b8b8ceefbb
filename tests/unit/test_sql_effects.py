"""What a diff means: column by column where SQL tells, by the metadata where it does not, and never a guess."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from wfgov_dagster.domain.change_class import ChangeClass, Effects, Verdict, judge
from wfgov_dagster.domain.definition import CrossEdge, Definition, Parameter, Schedule, Settings, Task, make
from wfgov_dagster.domain.diff import diff
from wfgov_dagster.domain.extra import pack
from wfgov_dagster.domain.sql_change import Column, Fate, TableChange, Written, table_changes
from wfgov_dagster.importers.sql_reader import SqlglotReader
from wfgov_dagster.ports.table_use import TableReader
from wfgov_dagster.usecases.sql_effects import Sides, effects

SQL = SqlglotReader("duckdb")
FILL = "INSERT INTO t SELECT a, b FROM s"


class Metadata:
    """What the metadata say: task → tables, and who reads which."""

    def __init__(
        self, writes: Mapping[str, Collection[str]] | None = None, readers: Sequence[TableReader] = ()
    ) -> None:
        self._writes, self._readers = writes or {}, readers

    def written_by(self, task_codes: Collection[str]) -> Mapping[str, Collection[str]]:
        return {code: self._writes[code] for code in task_codes if code in self._writes}

    def readers(self, tables: Collection[str]) -> Sequence[TableReader]:
        return [one for one in self._readers if one.table in tables]


def flow(
    *tasks: Task, edges: Sequence[tuple[str, str]] = (), cross: Sequence[CrossEdge] = (), **told: Any
) -> Definition:
    return make(Settings("w", "W", **told), tasks, edges, cross)


def node(code: str, text: str = "", **told: Any) -> Task:
    return Task(code, code, text=text, **told)


def effects_of(before: Definition, after: Definition, metadata: Metadata, moved: Collection[str] = ()) -> Effects:
    sides = Sides(
        before, after, lambda codes: {one.code: one for one in after.tasks if codes is None or one.code in codes}
    )
    return effects(metadata, lambda: SQL, diff(before, after), sides, moved)


def judged(
    before: Definition, after: Definition, metadata: Metadata | None = None, moved: Collection[str] = ()
) -> Verdict:
    return judge(diff(before, after), effects_of(before, after, metadata or Metadata(), moved))


def table_of(before: str, after: str, **told: Any) -> TableChange | None:
    found = effects_of(flow(node("x", before)), flow(node("x", after, **told)), Metadata()).tables
    return found[0].change if found else None


# --- a text ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("insert into t select a,b from s; -- done", None),
        ("INSERT INTO t SELECT a, b, c FROM s", TableChange("t", Fate.WIDENED, columns_added=("c",))),
        ("INSERT INTO t SELECT a FROM s", TableChange("t", Fate.CHANGED, columns_dropped=("b",))),
        ("INSERT INTO t SELECT a, b + 1 AS b FROM s", TableChange("t", Fate.CHANGED, columns_changed=("b",))),
        ("INSERT INTO t SELECT b, a FROM s", TableChange("t", Fate.CHANGED, whole=True)),
        ("INSERT INTO t SELECT z, a, b FROM s", TableChange("t", Fate.CHANGED, True, (), (), ("z",))),
        ("INSERT INTO t SELECT a, b FROM s WHERE a > 0", TableChange("t", Fate.CHANGED, whole=True)),
        ("INSERT INTO t SELECT a, b FROM r", TableChange("t", Fate.CHANGED, whole=True)),
        ("INSERT INTO t SELECT DISTINCT a, b FROM s", TableChange("t", Fate.CHANGED, whole=True)),
        ("INSERT INTO t SELECT a, b, unnest(c) AS d FROM s", TableChange("t", Fate.CHANGED, True, (), (), ("d",))),
        ("INSERT INTO t SELECT * FROM s", TableChange("t", Fate.CHANGED, whole=True)),
        ("INSERT INTO t SELECT a, b FROM s UNION ALL SELECT a, b FROM r", TableChange("t", Fate.CHANGED, whole=True)),
        ("DELETE FROM t; INSERT INTO t SELECT a, b FROM s", TableChange("t", Fate.CHANGED, whole=True)),
    ],
)  # fmt: skip
def test_what_a_changed_text_does_to_its_table(text: str, wanted: TableChange | None) -> None:
    assert table_of(FILL, text) == wanted


def test_a_grouping_by_number_hangs_on_the_columns() -> None:
    before, after = (f"INSERT INTO t (a, n) SELECT {one}, count(*) FROM s GROUP BY 1" for one in ("a", "b"))
    assert table_of(before, after) == TableChange("t", Fate.CHANGED, True, (), ("a",))


def test_another_table_leaves_the_old_one_unwritten() -> None:
    found = effects_of(flow(node("x", FILL)), flow(node("x", FILL.replace("t", "u", 1))), Metadata()).tables
    texts = flow(node("x", "INSERT INTO t SELECT 1 AS a")), flow(node("x", "INSERT INTO u SELECT 1 AS a"))
    assert [(one.change.table, one.change.fate) for one in effects_of(*texts, Metadata()).tables] == [
        ("t", Fate.DROPPED), ("u", Fate.ADDED),
    ]  # fmt: skip
    assert found  # a text that is no SQL any more is told, too


def test_another_data_source_or_statement_beside_changes_all_of_it() -> None:
    whole = TableChange("t", Fate.CHANGED, whole=True)
    assert table_of(FILL, FILL, datasource="other") == whole
    assert table_of(FILL, FILL, extra=pack({"preStatements": ["SET x = 1"]})) == whole
    assert table_of(FILL, FILL, extra=pack({"displayRows": 20})) is None
    assert table_of(FILL, FILL, timeout=60) is None


def test_a_task_that_is_switched_off_writes_nothing() -> None:
    assert table_of(FILL, FILL, flags=("FORBIDDEN",)) == TableChange("t", Fate.DROPPED)


def test_a_task_under_another_code_that_writes_the_same_changes_nothing() -> None:
    assert effects_of(flow(node("x", FILL)), flow(node("y", FILL)), Metadata()).tables == ()
    wide = flow(node("y", FILL.replace(", b", ", b, c")))
    assert effects_of(flow(node("x", FILL)), wide, Metadata()).tables[0].change.fate is Fate.WIDENED


def test_a_task_that_moved_still_writes_its_table() -> None:
    assert judged(flow(node("x", FILL)), flow()).change_class is ChangeClass.BREAKING
    assert judged(flow(node("x", FILL)), flow(), moved=["x"]).change_class is ChangeClass.NON_BREAKING


def test_what_speaks_no_sql_is_known_by_the_metadata() -> None:
    before, after = (flow(node("x", text, node_type="SHELL")) for text in ("echo 1", "echo  1"))
    assert judged(before, after).change_class is ChangeClass.NON_BREAKING
    metadata = Metadata({"x": ["t"]}, [TableReader("t", "r", "v", "SQL", "SELECT a FROM t", False)])
    (effect,) = effects_of(before, after, metadata).tables
    assert effect.change == TableChange("t", Fate.CHANGED, whole=True)
    told = judged(before, after, metadata)
    assert told.reasons[0].told == "table t: its rows, or all its columns, are others; read by v/r"


def test_no_sql_is_compared_as_text() -> None:
    before, after = flow(node("x", "SELECT 'open")), flow(node("x", "SELECT  'open"))
    assert effects_of(before, after, Metadata()).formatted == frozenset()
    assert judged(before, after).change_class is ChangeClass.NON_BREAKING


def test_a_hint_or_an_executed_comment_is_no_formatting() -> None:
    mysql = SqlglotReader("mysql")
    assert mysql.only_formatted("select 1 /* a */", "SELECT 1 -- b")
    assert not mysql.only_formatted("SELECT 1 /*!40001 SQL_NO_CACHE */", "SELECT 1")
    assert not mysql.only_formatted("SELECT /*+ MAX_EXECUTION_TIME(1) */ 1", "SELECT 1")
    assert not mysql.only_formatted("SELECT 'a'", "SELECT 'A'")


# --- readers ---------------------------------------------------------------------------------------

READERS = [
    ("SELECT a FROM t", ["r"]),
    ("SELECT b FROM t", []),
    ("SELECT * FROM t", ["r"]),
    ("SELECT count(*) FROM t", []),
    ("SELECT x.b FROM t AS x WHERE x.a > 0", ["r"]),
    ("SELECT x.b, y.a FROM t AS x JOIN u AS y ON x.b = y.b", []),
    ("SELECT x.b FROM t AS x JOIN u AS y USING (a)", ["r"]),
    ("SELECT b FROM t NATURAL JOIN u", ["r"]),
    ("WITH c AS (SELECT a AS z FROM t) SELECT z FROM c", ["r"]),
    ("hello world", ["r"]),
]


@pytest.mark.parametrize(("text", "affected"), READERS)
def test_only_who_may_read_the_column_is_affected(text: str, affected: list[str]) -> None:
    before, after = flow(node("x", FILL)), flow(node("x", "INSERT INTO t SELECT a + 1 AS a, b FROM s"))
    metadata = Metadata(readers=[TableReader("t", "r", None, "SQL", text, False)])
    (effect,) = effects_of(before, after, metadata).tables
    assert [one.task_code for one in effect.readers] == affected
    assert effect.unaffected == 1 - len(affected)


def test_who_reads_by_a_view_or_speaks_no_sql_may_read_anything() -> None:
    before, after = flow(node("x", FILL)), flow(node("x", "INSERT INTO t SELECT b FROM s"))
    readers = [TableReader("t", "r", "v", "SQL", "SELECT b FROM view", True),
               TableReader("t", "p", "v", "PYTHON", "print()", False)]  # fmt: skip
    (effect,) = effects_of(before, after, Metadata(readers=readers)).tables
    assert [one.task_code for one in effect.readers] == ["r", "p"]


def test_a_reader_that_changes_along_is_asked_for_its_new_text() -> None:
    reads = [TableReader("t", "r", "w", "SQL", "SELECT b FROM t", False)]
    before = flow(node("x", FILL), node("r", "SELECT b FROM t"))
    after = flow(node("x", "INSERT INTO t SELECT a FROM s"), node("r", "SELECT a FROM t"))
    (effect,) = effects_of(before, after, Metadata(readers=reads)).tables
    assert (effect.readers, effect.unaffected) == ((), 1)


# --- waits and parameters --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("upstream", "downstream", "wanted"),
    [
        (node("x", FILL), node("y", "SELECT a FROM t"), ChangeClass.BREAKING),
        (node("x", FILL), node("y", "SELECT a FROM T"), ChangeClass.BREAKING),
        (node("x", FILL), node("y", "SELECT a FROM u"), ChangeClass.ORDERING),
        (node("x", "echo", node_type="SHELL"), node("y", "SELECT a FROM u"), ChangeClass.NON_BREAKING),
        (node("x", FILL), node("y", "echo", node_type="SHELL"), ChangeClass.NON_BREAKING),
    ],
)  # fmt: skip
def test_an_edge_that_is_gone_is_as_grave_as_what_it_carried(
    upstream: Task, downstream: Task, wanted: ChangeClass
) -> None:
    tasks = (upstream, downstream)
    found = judged(flow(*tasks, edges=[("x", "y")]), flow(*tasks))
    assert found.change_class is wanted
    assert judged(flow(*tasks), flow(*tasks, edges=[("x", "y")])).change_class is ChangeClass.ORDERING


def test_a_wait_for_another_workflow_is_judged_by_the_metadata() -> None:
    reads = [TableReader("t", "y", "w", "SHELL", "", False)]
    before, after = (flow(node("y", node_type="SHELL"), cross=cross) for cross in ([CrossEdge("v", "x", "y")], []))
    assert judged(before, after, Metadata({"x": ["t"]}, reads)).change_class is ChangeClass.BREAKING
    assert judged(before, after).change_class is ChangeClass.NON_BREAKING
    window = flow(node("y", node_type="SHELL"), cross=[CrossEdge("v", "x", "y", "day/yesterday")])
    assert [one.told for one in judged(before, window).reasons] == ["y waits for v/x in another window"]


def test_a_parameter_that_is_gone_breaks_who_still_names_it() -> None:
    text = "INSERT INTO t SELECT ${day} AS a FROM s"
    day = (Parameter("day", "1"),)
    mine, theirs = flow(node("x", text, parameters=day)), flow(node("x", text), parameters=day)
    nowhere = flow(node("x", text))
    for before in (mine, theirs):
        found = judged(before, nowhere)
        assert found.change_class is ChangeClass.BREAKING
        assert found.reasons[0].told == "parameter day is gone, and x still names it"
    assert judged(mine, replace(theirs)).change_class is ChangeClass.NON_BREAKING
    assert judged(flow(node("x", "SELECT 1"), parameters=day), flow(node("x", "SELECT 1"))).change_class is (
        ChangeClass.NON_BREAKING
    )


# --- the table of the handbook ---------------------------------------------------------------------

ONE = flow(node("x", "SELECT 1"), node("y", "SELECT 2"))


def with_x(**told: Any) -> Definition:
    return replace(ONE, tasks=(replace(ONE.tasks[0], **told), ONE.tasks[1]))


@pytest.mark.parametrize(
    ("after", "wanted"),
    [
        (ONE, ChangeClass.NONE),
        (with_x(name="X"), ChangeClass.METADATA),
        (replace(ONE, settings=replace(ONE.settings, description="d")), ChangeClass.METADATA),
        (with_x(text="select  1;"), ChangeClass.ORDERING),
        (with_x(priority=5), ChangeClass.ORDERING),
        (replace(ONE, edges=(("x", "y"),)), ChangeClass.ORDERING),
        (with_x(timeout=5), ChangeClass.NON_BREAKING),
        (with_x(text="SELECT 3"), ChangeClass.NON_BREAKING),
        (replace(ONE, settings=replace(ONE.settings, schedule=Schedule("0 1 * * *", "UTC"))), ChangeClass.NON_BREAKING),
        (replace(ONE, tasks=ONE.tasks[:1]), ChangeClass.NON_BREAKING),
        (with_x(text=FILL), ChangeClass.NON_BREAKING),
    ],
)
def test_each_kind_of_change_has_its_class(after: Definition, wanted: ChangeClass) -> None:
    assert judged(ONE, after).change_class is wanted


def test_several_that_write_one_table_are_compared_as_a_whole() -> None:
    one, other = Written("t", (Column("a", "1"),), "r"), Written("T", (Column("a", "2"),), "r")
    assert table_changes([one, other], [other, one]) == ()
    assert table_changes([one, other], [one])[0].whole
    assert table_changes([one], [one, other])[0].fate is Fate.CHANGED
