"""An installation that a person set up by commands: its engine is a project of a real server, made by `engine add`."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from pydantic import SecretStr

from tests.support.dolphin import Dolphin
from wfgov_dagster.cli.app import cli
from wfgov_dagster.settings import Settings
from wfgov_dagster.wiring import Platform

ENGINE = "ds"
Row = dict[str, Any]


@dataclass
class Front:
    """`settings`: names without WFGOV_. `project`: on the server."""

    url: str
    home: Path
    settings: dict[str, object] = field(default_factory=dict)
    project: str = ""

    @cached_property
    def platform(self) -> Platform:
        return Platform(Settings(home=self.home, database_url=SecretStr(self.url), actor="tester", **self.settings))  # type: ignore[arg-type]

    # --- commands --------------------------------------------------------------------------------

    def run(self, *arguments: str | Path, stdin: str | None = None) -> Result:
        told = {"database_url": self.url, "home": self.home, "actor": "tester", **self.settings}
        env = {f"WFGOV_{name.upper()}": str(value) for name, value in told.items()}
        return CliRunner().invoke(cli, [str(one) for one in arguments], env=env, input=stdin)

    def ok(self, *arguments: str | Path, stdin: str | None = None) -> str:
        said = self.run(*arguments, stdin=stdin)
        assert said.exit_code == 0, f"{arguments}: {said.output}"
        return said.stdout

    def json(self, *arguments: str | Path) -> Any:
        return json.loads(self.ok(*arguments, "-o", "json"))

    def add(self, server: Dolphin, url: str | None = None, *, name: str = ENGINE) -> None:
        """The project is not there before; its token goes in by stdin and is sealed."""
        self.ok("engine", "add", name, "--kind", "dolphin", "--url", url or server.url, "--project", self.project,
                "--tenant", server.tenant, "--token-stdin", stdin=server.token.get_secret_value())  # fmt: skip
        self.settings["default_engine"] = name

    def publish(self, code: str, operation: str = "deploy") -> Row:
        found: Row = self.json("publish", code, "--operation", operation)
        return found


def projects(server: Dolphin, name: str) -> list[int]:
    """Codes of the projects with exactly this name."""
    rows = server.call("GET", "/projects", searchVal=name, pageNo=1, pageSize=100)["totalList"]
    return [int(row["code"]) for row in rows if row["name"] == name]


def definitions(server: Dolphin, project: int) -> list[Row]:
    """What a person sees on the server's list."""
    found = server.call("GET", f"/projects/{project}/process-definition", pageNo=1, pageSize=1000)
    return list(found["totalList"])


def schedules(server: Dolphin, project: int, codes: Sequence[int]) -> dict[int, list[Row]]:
    """By definition. The list tells of every one."""
    rows = server.call("POST", f"/projects/{project}/schedules/list")
    return {code: [row for row in rows if row["processDefinitionCode"] == code] for code in codes}
