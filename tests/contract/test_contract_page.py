"""The list of the contract's sentences in the handbook is the contract's."""

import ast
from pathlib import Path

import pytest

from wfgov_dagster.settings import CHECKOUT

SUITE = Path(__file__).with_name("engine_contract.py")
PAGE = CHECKOUT / "docs" / "handbook" / "engine-contract.md"
HEAD = """# What every engine does

The sentences of the one suite that every engine passes (`tests/contract/engine_contract.py`); a test compares this
list. It is green for the embedded engine on SQLite and PostgreSQL, for a real DolphinScheduler 3.1.1, and for doubles
of the API families 3.2 and 3.3+, which are held to the contracts of 3.2.2 and 3.4.3. What an engine makes of a
definition is its `shown`: [DolphinScheduler](dolphin.md) keeps less than it is given.
"""


def page() -> str:
    (suite,) = (node for node in ast.parse(SUITE.read_text()).body if isinstance(node, ast.ClassDef))
    names = [node.name for node in suite.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]
    sentences = [f"- {name.removeprefix('test_').replace('_', ' ')}" for name in names]
    return "\n".join([HEAD, *sentences, ""])


def test_the_page_lists_the_sentences(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--update-golden"):
        PAGE.write_text(page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page(), (
        "run: pytest tests/contract/test_contract_page.py --update-golden"
    )
