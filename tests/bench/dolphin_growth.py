"""What the definition tables of a real DolphinScheduler hold before and after edits that are sent to it one by one."""

import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.dolphin import STARTER, Dolphin, shared_dolphin
from wfgov_dagster.domain.definition import Definition
from wfgov_dagster.engines.dolphin.engine import DolphinEngine
from wfgov_dagster.ports.engine import Marker
from wfgov_dagster.ports.publishing import RegisteredEngine
from wfgov_dagster.store import migrate
from wfgov_dagster.store.db import Database
from wfgov_dagster.store.dolphin import SqlDolphinMemory

_KINDS = ("process_definition", "task_definition", "process_task_relation")
TABLES = tuple(f"t_ds_{kind}{log}" for kind in _KINDS for log in ("", "_log"))
_PATIENCE_SECONDS = 600.0  # of a call: bytes are measured here, not time
_HASH = "w1:" + "0" * 64
_WRITTEN_SECONDS = 5.0  # H2 writes what was committed within half a second
_URL = "jdbc:h2:file:{};MODE=MySQL;DATABASE_TO_LOWER=TRUE;NON_KEYWORDS=VALUE,USER,KEY"


@dataclass(frozen=True, slots=True)
class Held:
    """`file_bytes`: of its database, as it runs and compacted. `rows`: a CSV file a table. `schema`: its tables were
    made by that."""

    file_bytes: tuple[int, int]
    rows: Path
    schema: Path


def before_and_after(folder: Path, definitions: Sequence[Definition]) -> tuple[Held, Held]:
    """With the first of them, and with all."""
    with shared_dolphin(folder) as server:
        return sent(server, folder, definitions)


def sent(server: Dolphin, folder: Path, definitions: Sequence[Definition]) -> tuple[Held, Held]:
    url = f"sqlite:///{folder / 'memory.db'}"
    migrate.upgrade(url)
    database, (project, _) = Database(url), server.project()
    row = RegisteredEngine(1, "dolphin", "dolphin", server.url, project, "env:TOKEN", server.tenant)
    engine = DolphinEngine(row, lambda: server.token, SqlDolphinMemory(database, 1), _PATIENCE_SECONDS)
    engine.deploy(definitions[0], Marker(definitions[0].code, 1, _HASH))
    before = _held(server, folder / "before")
    for number, one in enumerate(definitions[1:], start=2):
        engine.deploy(one, Marker(one.code, number, _HASH))
    engine.close()
    database.dispose()
    return before, _held(server, folder / "after")


def _held(server: Dolphin, folder: Path) -> Held:
    """Of a copy, because nobody but the server opens its database: what a crash would leave, which H2 opens."""
    time.sleep(_WRITTEN_SECONDS)
    folder.mkdir()
    copy = folder / "db.mv.db"
    shutil.copy(server.folder / "data" / "db.mv.db", copy)
    running = copy.stat().st_size
    exports = [f"CALL CSVWRITE('{folder / table}.csv', 'SELECT * FROM {table}')" for table in TABLES]
    _sql(folder, "; ".join([*exports, "SHUTDOWN COMPACT"]))
    return Held((running, copy.stat().st_size), folder, server.folder / "data" / "schema.sql")


def _sql(folder: Path, statement: str) -> None:
    libraries = Path(os.environ.get("DOLPHIN_LIB", Path.home() / ".cache" / "dolphin-server" / "3.1.1"))
    assert STARTER.exists()
    subprocess.run(
        ["java", "-cp", f"{libraries}/*", "org.h2.tools.Shell", "-url", _URL.format(folder / "db"), "-user", "sa",
         "-password", "", "-sql", statement],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
