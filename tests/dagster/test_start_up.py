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
_LOADED_BY_A_RUN = """
import sys
from wfgov_dagster import execute
assert execute.main() == 0
print(*sys.modules)
"""


def loaded(code: str, *arguments: str, said: str = "") -> set[str]:
    """The top-level packages that a new process names in its last line."""
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, input=said, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return {name.partition(".")[0] for name in done.stdout.splitlines()[-1].split()}


@pytest.mark.parametrize("module", ["wfgov_dagster.definitions", "wfgov_dagster.execute", "wfgov_dagster.ops.sweep"])
def test_loading_the_definitions_loads_none_of_what_derives(module: str) -> None:
    found = loaded(_LOADED_BY_IT.format(module=module))

    assert "resources" in found or module.endswith("sweep")
    assert found & HEAVY == set()


def test_a_changed_lineage_row_is_derived_without_what_only_cycles_need(
    small_estate: None, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    orchestrate(instance)
    estate.add_read("audit", "dwd", "orders")
    monkeypatch.setenv("DAGSTER_HOME", instance.root_directory)
    asked = json.dumps({"run_id": str(uuid.uuid4()), "config": {}, "tags": {}})

    found = loaded(_LOADED_BY_A_RUN, "orchestrate", said=asked)

    assert estate.versions()[estate.RETAIL] == 2
    assert found & HEAVY == {"alembic", "numpy", "polars"}  # alembic is for Dagster's own history
