"""The walls of pyproject.toml stand, and each of them would be noticed if it fell."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from wfgov_dagster.settings import CHECKOUT

ROOMS = ("wfgov_dagster", "assets", "sensors", "resources")
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
CONTRACTS = {contract["id"]: contract for contract in PROJECT["tool"]["importlinter"]["contracts"]}

# Contract → offences: importer, imported. Every forbidden thing is tried from somewhere.
CORE = ("wfgov_dagster.domain", "wfgov_dagster.ports", "wfgov_dagster.usecases")
OFFENCES: dict[str, list[tuple[str, str]]] = {
    "one-way": [
        ("sensors", "wfgov_dagster.definitions"),
        ("assets", "sensors"),
        ("wfgov_dagster.ops", "assets"),
        ("resources", "wfgov_dagster.ops"),
        ("wfgov_dagster.serve", "resources"),
        ("wfgov_dagster.portal", "wfgov_dagster.serve"),
        ("wfgov_dagster.api", "wfgov_dagster.portal"),
        ("wfgov_dagster.api", "wfgov_dagster.cli"),
        ("wfgov_dagster.cli", "wfgov_dagster.api"),
        ("wfgov_dagster.wiring", "wfgov_dagster.cli"),
        ("wfgov_dagster.store", "wfgov_dagster.wiring"),
        ("wfgov_dagster.store", "wfgov_dagster.usecases"),
        ("wfgov_dagster.usecases", "wfgov_dagster.store"),
        ("wfgov_dagster.usecases", "wfgov_dagster.engines"),
        ("wfgov_dagster.usecases", "wfgov_dagster.importers"),
        ("wfgov_dagster.usecases", "wfgov_dagster.runners"),
        ("wfgov_dagster.usecases", "wfgov_dagster.notifiers"),
        ("wfgov_dagster.usecases", "wfgov_dagster.vault"),
        ("wfgov_dagster.logs", "wfgov_dagster.notifiers"),
        ("wfgov_dagster.ports", "wfgov_dagster.logs"),
        ("wfgov_dagster.sources", "wfgov_dagster.runners"),
        ("wfgov_dagster.runs", "wfgov_dagster.store"),
        ("wfgov_dagster.ports", "wfgov_dagster.usecases"),
        ("wfgov_dagster.domain", "wfgov_dagster.ports"),
        ("wfgov_dagster.errors", "wfgov_dagster.domain"),
        ("wfgov_dagster.settings", "wfgov_dagster.domain"),
    ],
    "core-no-io": [(room, name) for room in CORE for name in CONTRACTS["core-no-io"]["forbidden_modules"]],
    "domain-order": [
        ("wfgov_dagster.domain.lineage", "wfgov_dagster.domain.graph"),
        ("wfgov_dagster.domain.graph", "wfgov_dagster.domain.grouping"),
        ("wfgov_dagster.domain.grouping", "wfgov_dagster.domain.definition"),
        ("wfgov_dagster.domain.definition", "wfgov_dagster.domain.version"),
        ("wfgov_dagster.domain.snapshot", "wfgov_dagster.domain.version"),
        ("wfgov_dagster.domain.snapshot", "wfgov_dagster.domain.diff"),
        ("wfgov_dagster.domain.diff", "wfgov_dagster.domain.publish"),
        ("wfgov_dagster.domain.publish", "wfgov_dagster.domain.plan"),
    ],
    "dagster-in-shells": [
        *[(f"wfgov_dagster.{room}", "dagster") for room in ("errors", "domain", "usecases", "store", "engines", "cli")],
        ("wfgov_dagster.ops", "dagster_graphql"),
        ("wfgov_dagster.runs", "dagster_webserver"),
    ],
    "database-in-store": [
        *[
            (room, "sqlalchemy")
            for room in ("assets", "sensors", "resources", "wfgov_dagster.cli", "wfgov_dagster.usecases")
        ],
        ("wfgov_dagster.engines", "sqlite3"),
        ("wfgov_dagster.importers", "psycopg"),
        ("wfgov_dagster.wiring", "alembic"),
    ],
    "wire-in-engines": [
        *[(f"wfgov_dagster.{room}", "httpx") for room in ("store", "usecases", "cli", "ops", "wiring")],
        ("assets", "httpx"),
        ("wfgov_dagster.engines", "requests"),
    ],
    "adapters-apart": [
        ("wfgov_dagster.store", "wfgov_dagster.engines"),
        ("wfgov_dagster.engines", "wfgov_dagster.runners"),
        ("wfgov_dagster.importers", "wfgov_dagster.store"),
        ("wfgov_dagster.runners", "wfgov_dagster.store"),
        ("wfgov_dagster.notifiers", "wfgov_dagster.store"),
        ("wfgov_dagster.engines", "wfgov_dagster.vault"),
    ],
    "engines-apart": [
        ("wfgov_dagster.engines.dolphin", "wfgov_dagster.engines.embedded"),
        ("wfgov_dagster.engines.embedded", "wfgov_dagster.engines.dinky"),
    ],
    "through-wiring": [
        ("wfgov_dagster.cli", "wfgov_dagster.store"),
        ("wfgov_dagster.ops", "wfgov_dagster.engines"),
        ("assets", "wfgov_dagster.store"),
        ("sensors", "wfgov_dagster.importers"),
        ("resources", "wfgov_dagster.runners"),
        ("resources", "wfgov_dagster.notifiers"),
        ("resources", "wfgov_dagster.vault"),
    ],
}


def lint_imports(tree: Path) -> "subprocess.CompletedProcess[str]":
    program = Path(sys.executable).with_name("lint-imports")
    return subprocess.run([program, "--no-cache"], cwd=tree, capture_output=True, text=True, check=False)


def offend(tree: Path, importer: str, imported: str) -> str:
    """Write the import into a copy of the tree, making what is missing; returns the module that holds it."""
    if imported.partition(".")[0] in ROOMS and not exists(tree, imported):
        file_of(tree, imported).write_text("")
    if (tree / importer.replace(".", "/")).is_dir():
        importer = f"{importer}.offender"
    with file_of(tree, importer).open("a") as file:
        file.write(f"\nimport {imported}\n")
    return importer


def exists(tree: Path, module: str) -> bool:
    return file_of(tree, module).exists() or (tree / module.replace(".", "/")).is_dir()


def file_of(tree: Path, module: str) -> Path:
    return tree / f"{module.replace('.', '/')}.py"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for room in ROOMS:
        shutil.copytree(CHECKOUT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CHECKOUT / "pyproject.toml", tmp_path)
    return tmp_path


def test_every_wall_stands() -> None:
    done = lint_imports(CHECKOUT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Contracts: {len(CONTRACTS)} kept, 0 broken." in done.stdout


@pytest.mark.parametrize("contract", CONTRACTS)
def test_a_broken_wall_is_reported_by_name(contract: str, copy: Path) -> None:
    assert contract in OFFENCES, f"the contract {contract} is new: add offences against it"
    offences = [(offend(copy, importer, imported), imported) for importer, imported in OFFENCES[contract]]
    done = lint_imports(copy)
    assert done.returncode == 1
    name = CONTRACTS[contract]["name"]
    assert f"{name} BROKEN" in done.stdout
    report = done.stdout.partition("Broken contracts")[2].partition(f"\n{name}\n")[2]
    unseen = [pair for pair in offences if not re.search(r"{} -> {}\b".format(*map(re.escape, pair)), report)]
    assert unseen == []


def test_no_offences_are_kept_against_a_contract_that_is_gone() -> None:
    assert set(OFFENCES) <= set(CONTRACTS)


def test_every_room_has_its_place_in_the_one_way() -> None:
    placed = set(re.findall(r"wfgov_dagster\.(\w+)", " ".join(CONTRACTS["one-way"]["layers"])))
    entries = (CHECKOUT / "wfgov_dagster").iterdir()
    rooms = {
        entry.stem for entry in entries if (entry.is_dir() or entry.suffix == ".py") and not entry.stem.startswith("__")
    }
    assert rooms <= placed
