"""What Dagster shows, by name; compared with a file, so that a change is seen by whoever reads the diff.

`python -m tests.dagster.test_definitions` writes it anew.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from wfgov_dagster.definitions import defs
from wfgov_dagster.settings import CHECKOUT

GOLDEN = Path(__file__).with_name("definitions.golden.txt")
LOADING = """
from dagster._core.remote_representation.external_data import RepositorySnap
from dagster._serdes import serialize_value
from wfgov_dagster.definitions import defs
repository = defs.get_repository_def()
repository.load_all_definitions()
print(len(repository.asset_graph.get_all_asset_keys()), file=__import__("sys").stderr)
print(serialize_value(RepositorySnap.from_def(repository)))
"""


def shown() -> Iterator[str]:
    repository = defs.get_repository_def()
    graph = repository.asset_graph
    for key in sorted(graph.get_all_asset_keys(), key=str):
        node = graph.get(key)
        parts = [node.group_name, "executable" if node.is_executable else "external"]
        parts += ["by workflow"] if node.is_partitioned else []
        parts += [f"from {', '.join(sorted(parent.to_user_string() for parent in node.parent_keys))}"]
        yield f"asset {key.to_user_string()}: {'; '.join(parts).removesuffix('; from ')}"
    for check in sorted(graph.asset_check_keys, key=str):
        yield f"check {check.name} on {check.asset_key.to_user_string()}"
    for job in sorted(name for name in repository.job_names if not name.startswith("__")):
        yield f"job {job}"
    for sensor in sorted(repository.sensor_defs, key=lambda one: one.name):
        yield f"sensor {sensor.name}: {sensor.default_status.value}, every {sensor.minimum_interval_seconds} s"
    for schedule in sorted(repository.schedule_defs, key=lambda one: one.name):
        yield f"schedule {schedule.name}: {schedule.cron_schedule}"
    for resource in sorted(repository.get_top_level_resources()):
        yield f"resource {resource}"


def test_what_is_shown_is_what_the_file_says() -> None:
    assert list(shown()) == GOLDEN.read_text().splitlines()


@pytest.fixture
def loaded(tmp_path: Path) -> "subprocess.CompletedProcess[str]":
    """The code location, loaded while its database is out of reach; stdout: all that Dagster's servers get of it."""
    away = {"WFGOV_DATABASE_URL": "postgresql://wfgov:hush@127.0.0.1:1/none", "WFGOV_HOME": str(tmp_path / "none")}
    command = [sys.executable, "-W", "error", "-W", "ignore::DeprecationWarning", "-c", LOADING]
    env = {**os.environ, **away}
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=CHECKOUT, env=env)


def test_it_loads_without_a_database_and_without_a_warning(loaded: "subprocess.CompletedProcess[str]") -> None:
    assert (loaded.returncode, loaded.stderr) == (0, "8\n")


def test_no_secret_reaches_dagster(loaded: "subprocess.CompletedProcess[str]") -> None:
    assert "hush" not in loaded.stdout
    assert "metadata_changed" in loaded.stdout


if __name__ == "__main__":
    GOLDEN.write_text("".join(f"{line}\n" for line in shown()))
