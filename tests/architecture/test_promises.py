"""Every behaviour that the handbook promises in a table with a test has a test of that name."""

import re
from functools import cache

import pytest

from wfgov_dagster.settings import CHECKOUT

HANDBOOK = CHECKOUT / "docs" / "handbook"
ROW = re.compile(r"^\| (.+) \| `(test_\w+)` \|$", re.MULTILINE)
PAGES = {"flows.md": 22, "versions.md": 16, "dolphin.md": 10}  # rows at least


@cache
def there() -> frozenset[str]:
    texts = [file.read_text(encoding="utf-8") for file in (CHECKOUT / "tests" / "integration").glob("test_*.py")]
    return frozenset(name for text in texts for name in re.findall(r"^def (test_\w+)\(", text, re.MULTILINE))


@pytest.mark.parametrize(("page", "rows"), PAGES.items())
def test_every_promise_has_a_test(page: str, rows: int) -> None:
    promised = ROW.findall((HANDBOOK / page).read_text(encoding="utf-8"))
    assert len(promised) >= rows
    assert sorted(name for _, name in promised if name not in there()) == []


def test_every_behaviour_of_flows_has_a_test_of_its_own() -> None:
    promised = ROW.findall((HANDBOOK / "flows.md").read_text(encoding="utf-8"))
    assert len({name for _, name in promised}) == len(promised)


def test_no_other_page_has_such_a_table() -> None:
    found = {page.name for page in HANDBOOK.glob("*.md") if ROW.search(page.read_text(encoding="utf-8"))}
    assert found == PAGES.keys()
