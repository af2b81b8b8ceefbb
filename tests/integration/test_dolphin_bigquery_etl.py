"""The public bigquery-etl estate on a real server: deployed as one change set, online, run, offline.

The estate has no texts. Of a task without one the product makes a SHELL node that echoes its code: that is what runs.
"""

import csv
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.dolphin_front import ENGINE, Front, definitions, projects
from tests.support.dolphin import Dolphin
from tests.support.size import size
from wfgov_dagster.engines.dolphin.call import Call
from wfgov_dagster.engines.dolphin.client import Door
from wfgov_dagster.settings import CHECKOUT

SAMPLE = CHECKOUT / "sql/samples/bigquery-etl"
DECLARED = 140
RUN = size(1, 3)
SIDE_BY_SIDE = size(2, 10)  # workflows of the comparison


def declared() -> list[str]:
    with (SAMPLE / "tasks.csv").open(encoding="utf-8", newline="") as lines:
        found = sorted({row["workflow"] for row in csv.DictReader(lines)} - {""})
    assert len(found) == DECLARED
    return found[: size(3, DECLARED)]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What every request was for, at the client's door."""
    send, seen = Door.send, []

    def counted(door: Door, call: Call, seconds: float) -> Any:
        seen.append(call.what)
        return send(door, call, seconds)

    monkeypatch.setattr(Door, "send", counted)
    return seen


@pytest.fixture
def front(dolphin_server: Dolphin, sqlite_url: str, tmp_path: Path) -> Iterator[Front]:
    settings: dict[str, object] = {"engine_writes_per_second": 0, "settle_seconds": 5.0}
    front, mark = Front(sqlite_url, tmp_path / "home", settings), os.urandom(4).hex()
    for name in ("second", "third", ENGINE):  # a project each; the last one is the default
        front.project = f"{name} {mark}"
        front.add(dolphin_server, name=name)
    front.ok("import", "csv", SAMPLE, "--source", "bigquery-etl")
    front.ok("orchestrate")
    yield front
    front.platform.close()


def publish(front: Front, folder: Path, codes: list[str], operation: str, *more: object) -> float:
    """Seconds that it took as one change set."""
    file = folder / f"{operation}.json"
    file.write_text(json.dumps(codes), encoding="utf-8")
    began = time.monotonic()
    front.ok("publish", "--change-set", file, "--operation", operation, *map(str, more))
    return time.monotonic() - began


@pytest.mark.timeout(size(300, 7200))
def test_every_declared_workflow_is_deployed_online_run_and_taken_offline(
    dolphin_server: Dolphin, front: Front, calls: list[str], tmp_path: Path
) -> None:
    codes, told = declared(), []
    for operation in ("deploy", "online"):
        before = len(calls)
        seconds = publish(front, tmp_path, codes, operation)
        told.append(f"{operation} {seconds:.0f} s, {(len(calls) - before) / len(codes):.1f} calls a workflow")
    (project,) = projects(dolphin_server, front.project)
    assert {row["name"]: row["releaseState"] for row in definitions(dolphin_server, project)} == dict.fromkeys(
        codes, "ONLINE"
    )
    for code in codes[:RUN]:
        front.ok("workflow", "online", code)
        assert front.json("instance", "start", code, "--wait", "600")["state"] == "success"
    told.append(f"offline {publish(front, tmp_path, codes, 'offline'):.0f} s")
    assert {row["releaseState"] for row in definitions(dolphin_server, project)} == {"OFFLINE"}
    some = codes[:SIDE_BY_SIDE]
    took = {
        parallel: publish(front, tmp_path, some, "deploy", "--engine", engine, "--parallel", parallel)
        for parallel, engine in ((1, "second"), (len(some), "third"))
    }
    ratio = took[1] / took[len(some)]
    told.append(f"{len(some)} in parallel are {ratio:.1f} times as fast as one after the other")
    print(f"bigquery-etl, {len(codes)} workflows: {'; '.join(told)}")  # noqa: T201 - figures that are promised
