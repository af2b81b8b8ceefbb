"""Dagster starts a process for every run: what a run does not need, it does not load."""

import json
import subprocess
import sys
import uuid

import dagster as dg
import pytest

from tests.dagster import estate
from tests.dagster.runs import orchestrate

HEAVY = {"alembic", "duckdb", "httpx", "networkx", "numpy", "pandas", "polars", "psycopg", "scipy", "sqlglot"}
_LOADED_BY_IT = """
import sys
import dagster
before = set(sys.modules)
import {module}
print(*set(sys.modules) - before)
"""
_SHOWN = """
from wfgov_dagster.definitions import defs
print(*(spec.key.to_user_string() for spec in defs.resolve_all_asset_specs()))
"""
_REBUILT_FOR_A_RUN = """
from dagster._core.code_pointer import CodePointer
from dagster._core.definitions.reconstruct import ReconstructableRepository
pointer = CodePointer.from_module("wfgov_dagster.definitions", "defs", None)
repository = ReconstructableRepository(pointer).get_definition()
print(*(key.to_user_string() for key in repository.asset_graph.get_all_asset_keys()))
"""
_LOADED_BY_A_RUN = """
import sys
from wfgov_dagster import execute
assert execute.main() == 0
print(*sys.modules)
"""


def last_line(code: str, *arguments: str, said: str = "") -> set[str]:
    """The words that a new process ends with."""
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, input=said, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


def packages(modules: set[str]) -> set[str]:
    return {module.partition(".")[0] for module in modules}


@pytest.mark.parametrize("module", ["wfgov_dagster.definitions", "wfgov_dagster.execute", "wfgov_dagster.ops.sweep"])
def test_loading_the_definitions_loads_none_of_what_derives(module: str) -> None:
    found = packages(last_line(_LOADED_BY_IT.format(module=module)))

    assert "resources" in found or module.endswith("sweep")
    assert found & HEAVY == set()


def test_a_changed_lineage_row_is_derived_without_what_only_cycles_need(
    small_estate: None, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    orchestrate(instance)
    estate.add_read("audit", "dwd", "orders")
    monkeypatch.setenv("DAGSTER_HOME", instance.root_directory)
    asked = json.dumps({"run_id": str(uuid.uuid4()), "config": {}, "tags": {}})

    found = packages(last_line(_LOADED_BY_A_RUN, "orchestrate", said=asked))

    assert estate.versions()[estate.RETAIL] == 2
    assert found & HEAVY == {"alembic", "numpy", "polars"}  # alembic is for Dagster's own history


def test_a_run_finds_its_job_without_the_governed_tables(small_estate: None, instance: dg.DagsterInstance) -> None:
    orchestrate(instance)

    shown, rebuilt = last_line(_SHOWN), last_line(_REBUILT_FOR_A_RUN)

    assert shown - rebuilt == {"table/ods/orders", "table/dwd/orders", "table/ads/report"}
    assert "workflow_versions" in rebuilt
