"""One lock, whole and hashed, that says nothing about where its packages came from."""

import re
from collections import defaultdict

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from wfgov_dagster.settings import CHECKOUT

LOCK = (CHECKOUT / "requirements.lock").read_text()
PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;]+)", re.MULTILINE)
PINNED: dict[str, set[str]] = defaultdict(set)  # more than one where Python releases differ
for _name, _version in PIN.findall(LOCK):
    PINNED[canonicalize_name(_name)].add(_version)
ASKED = [
    Requirement(line)
    for file in ("requirements.in", "requirements-dev.in")
    for line in (CHECKOUT / file).read_text().splitlines()
    if line and not line.startswith("#")
]


@pytest.mark.parametrize("requirement", ASKED, ids=str)
def test_what_we_ask_for_is_pinned_at_a_version_that_we_asked_for(requirement: Requirement) -> None:
    pins = PINNED[canonicalize_name(requirement.name)]
    assert pins
    assert all(requirement.specifier.contains(pin) for pin in pins)


def test_every_pin_has_a_hash() -> None:
    blocks = re.split(r"\n(?=[A-Za-z0-9])", LOCK)
    assert [block.splitlines()[0] for block in blocks if "--hash=sha256:" not in block] == []
    assert len(blocks) >= len(ASKED)


def test_the_lock_names_no_index() -> None:
    assert re.findall(r"://|^\s*--(?!hash=)\S+|^-\S+|@ \S+", LOCK, re.MULTILINE) == []
    assert re.findall(r"\b[\w-]+\.(?:org|com|net|io|dev|cn|local|internal)\b", LOCK) == []


def test_psycopg_is_version_3() -> None:
    assert "psycopg2" not in PINNED
    assert "psycopg2-binary" not in PINNED
