"""One workflow from its tables to no drift at all, by the commands that a person gives, on every engine that runs."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integration.dolphin_front import ENGINE, Front, definitions, projects
from tests.support.dolphin import Dolphin
from wfgov_dagster.ports.engine import Observed
from wfgov_dagster.ports.metadata import ImportBatch, MembershipDeclaration, RelationRow, TableRow, TaskRow
from wfgov_dagster.usecases.import_metadata import import_metadata

CODE = "daily sales"
ENGINES = ["embedded", pytest.param("dolphin", marks=pytest.mark.dolphin)]
# task → (reads, writes)
CHAIN = {"extract": (None, "ods.sales"), "clean": ("ods.sales", "dwd.sales"), "report": ("dwd.sales", "ads.sales")}
ADDED = {"alert": ("ads.sales", None)}
EDGES = {("extract", "clean"), ("clean", "report")}
Tasks = dict[str, tuple[str | None, str | None]]


@dataclass
class Life:
    front: Front
    engine: str
    server: Dolphin | None

    def metadata(self, tasks: Tasks, text: str = "echo") -> None:
        """What the portal knows now, and what follows from it."""
        tables = {table for ends in tasks.values() for table in ends if table is not None}
        relations = [RelationRow(reads, task, "read") for task, (reads, _) in tasks.items() if reads]
        relations += [RelationRow(writes, task, "write") for task, (_, writes) in tasks.items() if writes]
        batch = ImportBatch(
            tables=[TableRow(table) for table in sorted(tables)],
            tasks=[
                TaskRow(one, one, node_type="SHELL", text=f"{text} {one}", schedule_cron="30 2 * * *") for one in tasks
            ],
            relations=relations,
            memberships=[MembershipDeclaration(one, CODE) for one in tasks],
        )
        import_metadata(self.front.platform.store, "ann", "portal", batch)
        self.front.ok("orchestrate")

    def publish(self, operation: str, version: str) -> None:
        done = self.front.publish(CODE, operation)
        assert (done["status"], done["phase"], done["version_no"]) == ("success", "confirmed", int(version[1:]))

    def held(self) -> Observed:
        found = self.front.platform.engine(self.engine, "ann").observe(CODE)
        assert found is not None
        return found

    def edges(self) -> set[tuple[str, str]]:
        """As the engine holds them; of a real server as its own page draws them."""
        if self.server is None:
            return set(self.held().definition.edges)
        (project,) = projects(self.server, self.front.project)
        (row,) = definitions(self.server, project)
        found = self.server.call("GET", f"/projects/{project}/process-definition/{row['code']}")
        names = {one["code"]: one["name"] for one in found["taskDefinitionList"]}
        links = [(one["preTaskCode"], one["postTaskCode"]) for one in found["processTaskRelationList"]]
        return {(names[pre], names[post]) for pre, post in links if pre}

    def derived(self, version: int) -> set[tuple[str, str]]:
        """The edges of a version."""
        with self.front.platform.store.read() as work:
            return set(work.versions.definition(CODE, version).edges)

    def run(self) -> Any:
        return self.front.json("instance", "start", CODE, "--wait", "120")


@pytest.fixture(params=ENGINES)
def life(request: pytest.FixtureRequest, sqlite_url: str, tmp_path: Path) -> Iterator[Life]:
    front = Front(sqlite_url, tmp_path / "home", project=f"life {os.urandom(4).hex()}")
    server = None
    if request.param == "dolphin":
        server = request.getfixturevalue("dolphin_server")
        front.add(server)
    yield Life(front, ENGINE if server else "embedded", server)
    front.platform.close()


def test_workflow_lifecycle_full(life: Life) -> None:
    front = life.front
    life.metadata(CHAIN)
    assert life.derived(1) == EDGES
    life.publish("deploy", "V1")
    assert (life.held().online, life.edges()) == (False, EDGES)
    life.publish("online", "V1")
    front.ok("workflow", "online", CODE)
    assert (life.held().online, life.held().schedule_online) == (True, True)
    instance = life.run()
    assert (instance["state"], instance["version_no"]) == ("success", 1)
    tasks = front.json("instance", "show", instance["instance_id"], "--engine", life.engine)["tasks"]
    assert {one["task_code"]: one["state"] for one in tasks} == dict.fromkeys(CHAIN, "success")
    life.publish("offline", "V1")
    assert (life.held().online, life.held().schedule_online) == (False, False)
    life.metadata(CHAIN | ADDED)
    assert life.derived(2) == EDGES | {("report", "alert")}
    life.publish("deploy", "V2")
    assert life.edges() == life.derived(2)
    life.metadata(CHAIN | ADDED, text="echo edited")
    life.publish("deploy", "V3")
    assert {task.text for task in life.held().definition.tasks} == {f"echo edited {one}" for one in CHAIN | ADDED}
    drift = front.run("drift", CODE, "-o", "json")
    assert (drift.exit_code, json.loads(drift.stdout)["findings"]) == (0, []), drift.output
    assert front.run("drift", "--all", "--full").exit_code == 0
