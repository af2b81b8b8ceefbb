"""Rollback on a real DolphinScheduler: a task that was deleted is there again, as it was."""

import os
from pathlib import Path
from typing import Any

from tests.integration.cli_support import write_estate
from tests.integration.dolphin_front import ENGINE, Front, definitions, projects
from tests.support.dolphin import Dolphin

CODE = "w"
TASKS = [(one, f"t.{one}", "python", "t", "", "", CODE, "daily", "") for one in ("extract", "check", "load")]
LINEAGE = [("t.extract", "t.check", "check"), ("t.check", "t.load", "load")]


def test_the_engine_holds_the_old_content_again_with_the_deleted_task(
    dolphin_server: Dolphin, sqlite_url: str, tmp_path: Path
) -> None:
    front = Front(sqlite_url, tmp_path / "home", project=f"back {os.urandom(4).hex()}")
    front.add(dolphin_server)
    try:
        derive(front, tmp_path, TASKS, LINEAGE)
        front.publish(CODE)
        front.publish(CODE, "online")
        before = drawn(front, dolphin_server)
        derive(front, tmp_path, [TASKS[0], TASKS[2]], [("t.extract", "t.load", "load")])
        front.publish(CODE)
        assert drawn(front, dolphin_server) != before
        done = front.json("rollback", CODE, "--to", "1", "--reason", "the check is missed")
        assert (done["version"]["version_no"], done["restored"], done["publish"]["status"]) == (3, ["check"], "success")
        assert drawn(front, dolphin_server) == before
        seen = front.platform.engine(ENGINE, "tester").observe(CODE)
        with front.platform.store.read() as work:
            first = work.versions.definition(CODE, 1)
        assert seen is not None
        engine = front.platform.engine(ENGINE, "tester")
        assert (seen.definition, seen.online) == (engine.shown(first), True)
        assert front.json("publish", CODE, "--operation", "deploy")["steps"] == 0
    finally:
        front.platform.close()


def derive(front: Front, folder: Path, tasks: Any, lineage: Any) -> None:
    front.ok("import", "csv", write_estate(folder / "estate", tasks, lineage), "--source", "estate")
    front.ok("orchestrate")


def drawn(front: Front, server: Dolphin) -> tuple[set[tuple[str, str, str]], set[tuple[int, int]]]:
    """Tasks (name, type, what they run) and edges, as the server says them."""
    (project,) = projects(server, front.project)
    (row,) = definitions(server, project)
    found = server.call("GET", f"/projects/{project}/process-definition/{row['code']}")
    tasks = {(one["name"], one["taskType"], str(one["taskParams"])) for one in found["taskDefinitionList"]}
    return tasks, {(one["preTaskCode"], one["postTaskCode"]) for one in found["processTaskRelationList"]}
