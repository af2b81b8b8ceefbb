"""Every behaviour that the handbook promises of flows has a test of that name."""

import re

from wfgov_dagster.settings import CHECKOUT

PAGE = CHECKOUT / "docs" / "handbook" / "flows.md"
ROW = re.compile(r"^\| (.+) \| `(test_\w+)` \|$", re.MULTILINE)


def test_every_behaviour_of_flows_has_a_test_of_its_own() -> None:
    promised = ROW.findall(PAGE.read_text(encoding="utf-8"))
    texts = [file.read_text(encoding="utf-8") for file in (CHECKOUT / "tests" / "integration").glob("test_*.py")]
    there = {name for text in texts for name in re.findall(r"^def (test_\w+)\(", text, re.MULTILINE)}
    assert len(promised) >= 22
    assert len({name for _, name in promised}) == len(promised)
    assert sorted(name for _, name in promised if name not in there) == []
