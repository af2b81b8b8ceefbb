"""Comparing: versions, the current definition and what an engine holds, with class, tables and readers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration.cli_support import Cli
from wfgov_dagster.domain.change_class import ChangeClass

ORDERS = "CREATE OR REPLACE TABLE dwd.orders AS\nSELECT id, amount, shop\nFROM ods.orders\nWHERE amount > 0"
SALES = "INSERT INTO dws.sales\nSELECT id, sum(amount) AS total\nFROM dwd.orders\nGROUP BY id"
SHOPS = "INSERT INTO dws.shops\nSELECT o.id, o.shop\nFROM dwd.orders AS o"
VIEWED = "INSERT INTO ads.viewed\nSELECT v.id\nFROM dwd.seen AS v"
SEEN = "CREATE VIEW dwd.seen AS SELECT id, shop FROM dwd.orders"
TEXTS = {"orders": ORDERS, "sales": SALES, "shops": SHOPS, "viewed": VIEWED, "seen": SEEN}


EDITS: dict[str, dict[str, str | None]] = {
    "formatted": {"orders": "create or replace table dwd.orders as select id, amount, shop -- why\n"
                            "from ods.orders where amount > 0"},
    "dropped": {"orders": ORDERS.replace(", shop", "")},
    "computed": {"orders": ORDERS.replace("amount, shop", "amount * 2 AS amount, shop")},
    "widened": {"orders": ORDERS.replace(", shop", ", shop, day")},
    "rows": {"orders": ORDERS.replace("> 0", "> 1")},
    "gone": {"orders": None},
    "elsewhere": {"sales": SALES.replace("dwd.orders", "ods.orders")},
    "back": {},
}  # fmt: skip
NUMBERS = {name: str(number) for number, name in enumerate(EDITS, start=2)}  # V1 is TEXTS


class Estate:
    """SQL texts that are derived, one more version each time."""

    def __init__(self, url: str, folder: Path) -> None:
        self.wfgov, self.folder = Cli(url, folder / "home"), folder / "sql"
        self.folder.mkdir()

    def derive(self, **changes: str | None) -> Cli:
        for name, text in (TEXTS | changes).items():
            file = self.folder / f"{name}.sql"
            if text is None:
                file.unlink(missing_ok=True)
            else:
                file.write_text(text, encoding="utf-8")
        self.wfgov.ok("import", "sql", self.folder, "--dialect", "duckdb")
        self.wfgov.ok("orchestrate")
        return self.wfgov


@pytest.fixture(scope="module")
def edited(new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """Every edit once; at last everything is as it was, so that today's readers are those of V1."""
    estate = Estate(new_database(), tmp_path_factory.mktemp("compare"))
    for edit in ({}, *EDITS.values()):
        wfgov = estate.derive(**edit)
    return wfgov


@pytest.fixture
def estate(database_url: str, tmp_path: Path) -> Callable[..., Cli]:
    return Estate(database_url, tmp_path).derive


def code_of(wfgov: Cli) -> str:
    (one,) = wfgov.json("workflow", "list")
    return str(one["workflow_code"])


def compared(wfgov: Cli, before: str = "1", after: str = "2") -> dict[str, Any]:
    result = wfgov.run("version", "diff", code_of(wfgov), before, after, "-o", "json")
    assert result.exit_code in {0, 3}, result.stderr
    found = json.loads(result.stdout)
    assert (result.exit_code == 0) == found["equal"] == (found["class"] == ChangeClass.NONE)
    return dict(found)


def table(found: dict[str, Any], name: str = "dwd.orders") -> tuple[Any, ...]:
    """(fate, dropped, changed, added, readers, unaffected)"""
    (one,) = [each for each in found["tables"] if each["change"]["table"] == name]
    change = one["change"]
    readers = [(each["task_code"], each["columns"]) for each in one["readers"]]
    columns = (change["columns_dropped"], change["columns_changed"], change["columns_added"])
    return (change["fate"], *columns, readers, one["unaffected"])


def test_a_text_that_is_only_written_otherwise_changes_no_table(edited: Cli) -> None:
    found = compared(edited, "1", NUMBERS["formatted"])
    assert (found["class"], found["formatting_only"], found["tables"]) == ("ordering", ["orders"], [])


def test_a_column_that_is_dropped_names_those_who_read_it(edited: Cli) -> None:
    found = compared(edited, "1", NUMBERS["dropped"])
    assert found["class"] == "breaking"
    assert table(found) == (
        "changed", ["shop"], [], [], [("seen", ["shop"]), ("shops", ["shop"]), ("viewed", None)], 1,
    )  # fmt: skip
    assert "without shop; read by" in found["reasons"][0]["told"]


def test_a_column_that_is_computed_otherwise_breaks_its_readers_only(edited: Cli) -> None:
    found = compared(edited, "1", NUMBERS["computed"])
    assert found["class"] == "breaking"
    assert table(found) == ("changed", [], ["amount"], [], [("sales", ["amount"]), ("viewed", None)], 2)


def test_a_column_more_breaks_nobody(edited: Cli) -> None:
    found = compared(edited, "1", NUMBERS["widened"])
    assert (found["class"], table(found)) == ("non-breaking", ("widened", [], [], ["day"], [], 0))


def test_other_rows_break_everybody_who_reads_them(edited: Cli) -> None:
    found = compared(edited, "1", NUMBERS["rows"])
    assert found["class"] == "breaking"
    assert [one for one, _ in table(found)[4]] == ["sales", "seen", "shops", "viewed"]


def test_a_task_that_is_gone_leaves_its_table_unwritten(edited: Cli) -> None:
    found = compared(edited, "1", NUMBERS["gone"])
    assert (found["class"], table(found)[0], table(found)[5]) == ("breaking", "dropped", 0)
    shown = edited.run("version", "diff", code_of(edited), "1", NUMBERS["gone"]).stdout
    assert "table dwd.orders is no longer written; read by" in shown
    back = compared(edited, NUMBERS["gone"], "1")
    assert (back["class"], table(back)[0]) == ("non-breaking", "added")


def test_an_edge_that_goes_with_what_it_carried_is_an_order(edited: Cli) -> None:
    told = {one["told"]: one["class"] for one in compared(edited, "1", NUMBERS["elsewhere"])["reasons"]}
    assert told["sales does not wait for orders any more, and reads nothing of it"] == "ordering"


def test_the_current_definition_is_a_side_too(estate: Callable[..., Cli]) -> None:
    estate()
    wfgov = estate(sales=SALES + " ")
    assert compared(wfgov, "2", "current")["equal"] is True
    found = compared(wfgov, "current", "1")
    assert (found["before"], found["after"], found["class"]) == ("current", 1, "ordering")


def test_what_an_engine_holds_is_a_side_too(estate: Callable[..., Cli]) -> None:
    wfgov = estate()
    code = code_of(wfgov)
    refused = wfgov.run("version", "diff", code, "1", "engine")
    assert (refused.exit_code, "does not hold it" in refused.stderr) == (1, True)
    wfgov.ok("publish", code, "--operation", "deploy")
    estate(orders=ORDERS.replace(", shop", ""))
    assert compared(wfgov, "1", "engine")["equal"] is True
    found = compared(wfgov, "engine:embedded", "2")
    assert (found["before"], found["class"]) == ("engine:embedded", "breaking")
    assert [one["code"] for one in found["diff"]["tasks_changed"]] == ["orders"]
    both = wfgov.run("version", "diff", code, "engine", "engine")
    assert (both.exit_code, "both sides are engines" in both.stderr) == (1, True)


def test_it_is_shown_for_people_and_as_one_unified_text(estate: Callable[..., Cli]) -> None:
    estate()
    wfgov = estate(orders=ORDERS.replace(", shop", ""))
    code = code_of(wfgov)
    told = wfgov.run("version", "diff", code, "1", "2")
    assert told.exit_code == 3
    assert told.stdout.startswith("~task orders\n  --- text V1\n  +++ text V2\n")
    assert "class: breaking\n" in told.stdout
    unified = wfgov.run("version", "diff", code, "1", "2", "--unified")
    assert unified.exit_code == 3
    assert unified.stdout.startswith(f"--- {code} V1\n+++ {code} V2\n@@")
    assert "-    SELECT id, amount, shop\n+    SELECT id, amount\n" in unified.stdout
    assert wfgov.run("version", "diff", code, "1", "2", "--dialect", "klingon").exit_code == 1
    assert wfgov.run("version", "diff", code, "1", "nonsense").exit_code == 2


def test_history_live_and_blame_on_the_command_line(estate: Callable[..., Cli]) -> None:
    wfgov = estate()
    code = code_of(wfgov)
    wfgov.ok("publish", code, "--operation", "deploy")
    estate(sales=SALES + "\n-- new")
    page = wfgov.json("version", "list", "--published")
    assert (page["total"], [one["version_no"] for one in page["versions"]]) == (1, [1])
    assert "page 1: 2 of 2" in wfgov.ok("version", "list", code, "--page", "1")
    shown = wfgov.json("version", "show", code, "published")
    assert [(one["engine"], one["operation"], one["status"]) for one in shown["publishes"]] == [
        ("embedded", "deploy", "success")
    ]
    live = wfgov.json("version", "live", code)
    assert (live["version_no"], live["engine"], live["operator"]) == (1, "embedded", "tester")
    assert wfgov.json("version", "live", code, "--at", "2001-01-01")["version_no"] is None
    (one,) = wfgov.json("version", "blame", code, "--task", "sales")
    assert (one["brought_in"], one["changed_in"], one["changed_by"]) == (1, 2, "tester")
    assert "orders" in wfgov.ok("version", "blame", code, "--edge", "orders", "sales")
    assert wfgov.run("version", "blame", code, "--task", "x", "--edge", "a", "b").exit_code == 2
    assert wfgov.run("version", "live", code, "--at", "soon").exit_code == 2
