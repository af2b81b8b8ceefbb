"""DAGSTER_HOME below WFGOV_HOME."""

import shutil
from pathlib import Path

from wfgov_dagster.settings import CHECKOUT

_TEMPLATE = CHECKOUT / "resources" / "dagster.yaml"


def prepare_home(root: Path) -> Path:
    """Make the folder and put our dagster.yaml into it, unless somebody's is there already."""
    home = root / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    if not (home / "dagster.yaml").exists():
        shutil.copy(_TEMPLATE, home / "dagster.yaml")
    return home
