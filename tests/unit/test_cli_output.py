"""What is printed: the same value as a table for people, JSON and YAML for programs."""

import json
from datetime import UTC, datetime

import pytest
import yaml

from wfgov_dagster.cli.output import Format, Table, clean, fields, put

VALUE = {
    "工作流": "订单/日汇总",
    "count": 3,
    "at": datetime(2026, 1, 31, 2, 3, 4, tzinfo=UTC),
    "none": None,
    "list": ["a", "b"],
}


def printed(capsys: pytest.CaptureFixture[str], *blocks: str | Table, format_: Format = Format.TABLE) -> str:
    put(VALUE, blocks, format_)
    return capsys.readouterr().out


def test_json_keeps_order_and_writes_times_in_utc(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(printed(capsys, format_=Format.JSON))
    assert found == VALUE | {"at": "2026-01-31T02:03:04Z"}
    assert list(found) == list(VALUE)


def test_yaml_says_what_json_says(capsys: pytest.CaptureFixture[str]) -> None:
    said = printed(capsys, format_=Format.YAML)
    assert yaml.safe_load(said) == json.loads(printed(capsys, format_=Format.JSON))
    assert "订单/日汇总" in said


def test_a_table_that_is_piped_is_not_cut(capsys: pytest.CaptureFixture[str]) -> None:
    wide = "x" * 5_000
    assert f"{wide}  1\n" in printed(capsys, Table(("text", "number"), [(wide, 1)]))


def test_columns_stand_below_each_other_although_chinese_is_twice_as_wide(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, Table(("a", "b"), [("订单", 1), ("abcd", 2)])) == "a     b\n订单  1\nabcd  2\n"


def test_a_row_stays_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, Table(("a",), [("one\ntwo",)])) == "a\none\\ntwo\n"


def test_nothing_yes_times_and_lists_have_their_words(capsys: pytest.CaptureFixture[str]) -> None:
    said = printed(capsys, fields([("a", None), ("b", True), ("c", VALUE["at"]), ("d", ["x", "y"]), ("e", False)]))
    assert said == "a:  -\nb:  yes\nc:  2026-01-31 02:03:04Z\nd:  x, y\ne:  no\n"


def test_blocks_are_apart_and_titled(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, "first", Table(("a",), [(1,)], title="Second")) == "first\n\nSecond\na\n1\n"


def test_a_table_without_rows_is_its_header(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, Table(("a", "b"), [])) == "a  b\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\rb", "a\\x0db"),
        ("a\tb\n", "a\tb\n"),
        ("订单 ← é", "订单 ← é"),
        ("\x9b", "\\x9b"),
    ],
)
def test_nobody_steers_a_terminal_by_a_name(text: str, shown: str) -> None:
    assert clean(text) == shown
