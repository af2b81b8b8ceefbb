"""All writes of definitions go through the three functions of usecases/save.py (design rule 5)."""

import ast
import re
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

from wfgov_dagster.settings import CHECKOUT

SAVING = CHECKOUT / "wfgov_dagster/usecases/save.py"
PUBLISHING = CHECKOUT / "wfgov_dagster/usecases/request_publish.py"
WRITERS = {"keep", "add_tasks", "add", "touch_members", "relate"}  # of ports.store.Versions
PROPOSING = CHECKOUT / "wfgov_dagster/usecases/propose.py"
# A publish keeps the text of its snapshot by hash, beside those of versions: that is no version, nor is a candidate.
ALLOWED = {SAVING: WRITERS, PUBLISHING: {"keep"}, PROPOSING: {"keep"}}
TABLES = {
    "canonical_document", "task_definition", "task_definition_log", "workflow_edge", "workflow_edge_log",
    "workflow_task_log", "workflow_version",
}  # fmt: skip
STORE = CHECKOUT / "wfgov_dagster/store/versions.py"
REMOVAL = CHECKOUT / "wfgov_dagster/store/removal.py"  # for clean-ups
ROOMS = ("wfgov_dagster", "assets", "sensors", "resources")


def sources() -> Iterator[Path]:
    for room in ROOMS:
        yield from sorted((CHECKOUT / room).rglob("*.py"))


def calls_of_writers(tree: ast.AST) -> set[str]:
    """Writing methods that are called on something named `versions`: `work.versions.add(…)`."""
    return {
        node.func.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in WRITERS
        and _name(node.func.value) == "versions"
    }


def _name(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def tables_written(tree: ast.AST, words: Collection[str] = ("insert", "update", "delete", "go_on")) -> set[str]:
    """Tables handed to a statement that writes: `sa.insert(workflow_edge)`, `insert(conn, workflow_edge, …)`."""
    return {
        _name(argument)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and _name(node.func) in words
        for argument in node.args[:2]
    } & TABLES


STATEMENT = re.compile(rf"\b(INSERT\s+INTO|UPDATE|DELETE\s+FROM)\s+({'|'.join(sorted(TABLES))})\b", re.IGNORECASE)


def said_in_sql(tree: ast.AST) -> set[str]:
    """The same as plain text."""
    texts = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return {found[2] for text in texts for found in STATEMENT.finditer(text)}


def makes_current(tree: ast.AST) -> bool:
    """It sets the column of data_workflow that says which version is the current one."""
    return any(
        (isinstance(node, ast.keyword) and node.arg == "current_version_id")
        or (isinstance(node, ast.Dict) and any(_text(key) == "current_version_id" for key in node.keys))
        for node in ast.walk(tree)
    )  # fmt: skip


def _text(node: ast.AST | None) -> object:
    return node.value if isinstance(node, ast.Constant) else None


@pytest.mark.parametrize("source", list(sources()), ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_nothing_else_writes_versions(source: Path) -> None:
    tree = ast.parse(source.read_text(encoding="utf-8"))
    assert calls_of_writers(tree) <= ALLOWED.get(source, set())
    if source not in {STORE, REMOVAL}:
        assert tables_written(tree) == set()
    assert said_in_sql(tree) == set()
    assert makes_current(tree) == (source == STORE)


def test_removal_removes_only() -> None:
    tree = ast.parse(REMOVAL.read_text(encoding="utf-8"))
    assert tables_written(tree, {"insert"}) == set()
    assert tables_written(tree, {"update"}) == {"workflow_version"}  # one that is named for ever is emptied


def test_the_three_functions_use_every_writer() -> None:
    tree = ast.parse(SAVING.read_text(encoding="utf-8"))
    assert calls_of_writers(tree) == WRITERS
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert {"save_workflow_definition", "save_task_definitions", "save_task_relations"} <= functions


def test_the_store_writes_the_tables_there_alone() -> None:
    written = tables_written(ast.parse(STORE.read_text(encoding="utf-8")))
    assert {
        "workflow_version",
        "workflow_edge_log",
        "workflow_task_log",
        "task_definition_log",
        "canonical_document",
    } <= written


@pytest.mark.parametrize(
    "text",
    ["work.versions.add(actor, rows, sync=True)", "versions = work.versions\nversions.relate(a, b, c, sync=True)",
     "self.work.versions.touch_members([], [])"],
)  # fmt: skip
def test_a_call_from_elsewhere_would_be_seen(text: str) -> None:
    assert calls_of_writers(ast.parse(text))


@pytest.mark.parametrize("text", ["sa.update(workflow_version).values()", "insert(conn, workflow_edge, (), [])"])
def test_a_statement_from_elsewhere_would_be_seen(text: str) -> None:
    assert tables_written(ast.parse(text))


@pytest.mark.parametrize("text", ["run('update  workflow_version set x = 1')", "f'DELETE FROM task_definition {x}'"])
def test_plain_sql_from_elsewhere_would_be_seen(text: str) -> None:
    assert said_in_sql(ast.parse(text))


@pytest.mark.parametrize("text", ["update.values(current_version_id=1)", "update.values({'current_version_id': 1})"])
def test_another_way_to_the_current_version_would_be_seen(text: str) -> None:
    assert makes_current(ast.parse(text))
