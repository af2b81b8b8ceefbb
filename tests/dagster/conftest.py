"""A real Dagster instance and a platform database that its resources find by the environment."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from tests.dagster import estate
from tests.dagster.runs import orchestrate


@pytest.fixture
def platform_url(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A migrated, empty platform. What is asked of the database is tested elsewhere, on PostgreSQL too."""
    monkeypatch.setenv("WFGOV_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("WFGOV_HOME", str(tmp_path / "home"))
    return sqlite_url


@pytest.fixture
def small_estate(platform_url: str) -> None:
    estate.fill()


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """On disk, as in production; an ephemeral one would not show what a second process sees."""
    home = tmp_path / "dagster"
    home.mkdir()
    with dg.DagsterInstance.local_temp(str(home)) as instance:
        yield instance


@pytest.fixture(scope="session")
def derived_template(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A platform's home, and in `instance` Dagster's, after the small estate was orchestrated by its job."""
    with estate.at_home(sqlite_template, tmp_path_factory.mktemp("derived")) as home:
        (home / "instance").mkdir()
        with dg.DagsterInstance.local_temp(str(home / "instance")) as instance:
            assert orchestrate(instance).success
        return home


@pytest.fixture
def derived(derived_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """The small estate, orchestrated: a copy for each test."""
    home = shutil.copytree(derived_template, tmp_path / "derived")
    monkeypatch.setenv("WFGOV_DATABASE_URL", f"sqlite:///{home / 'wfgov.db'}")
    monkeypatch.setenv("WFGOV_HOME", str(home))
    with dg.DagsterInstance.local_temp(str(home / "instance")) as instance:
        yield instance
