"""A real Dagster instance and a platform database that its resources find by the environment."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from tests.dagster import estate


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
