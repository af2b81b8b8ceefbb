"""An installation that publishes workflow w to a project of a real server, without the command line."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.doubles.engine import FaultyEngine
from tests.integration.publish_support import Office
from tests.support.dolphin import Dolphin
from wfgov_dagster.domain.definition import Definition
from wfgov_dagster.engines.dolphin.engine import DolphinEngine
from wfgov_dagster.ports.publishing import RegisteredEngine
from wfgov_dagster.store.db import Database
from wfgov_dagster.store.dolphin import SqlDolphinMemory

CODE = "w"
SECONDS = 120.0  # of a call: what is tested is what the server says, not how soon
_HEAD = ("name", "description", "globalParams", "timeout", "executionType", "locations", "tenantCode")


@dataclass
class Site:
    office: Office
    server: Dolphin
    project: int

    # --- what the server says --------------------------------------------------------------------

    def definition(self) -> Any:
        """Whatever the server says of it."""
        return self.server.call("GET", self.path())

    def versions(self) -> list[int]:
        return [one.version for one in self.office.inner.versions(CODE)]

    def task_versions(self) -> dict[str, int]:
        return {row["name"]: row["version"] for row in self.definition()["taskDefinitionList"]}

    def path(self, rest: str = "") -> str:
        """Of the definition."""
        code = self.office.seen(CODE).engine_workflow_code
        return f"/projects/{self.project}/process-definition/{code}{rest}"

    # --- what we do ------------------------------------------------------------------------------

    def publish(self, definition: Definition, operation: str = "deploy") -> None:
        self.office.save(definition)
        self.done(operation)

    def done(self, operation: str) -> None:
        said = self.office.publish(operation)
        assert (said.status, said.phase) == ("success", "confirmed"), said

    # --- what somebody does there ----------------------------------------------------------------

    def form(self, **changed: object) -> dict[str, object]:
        """As the server's page sends it: everything as it is, but for what is changed."""
        found = self.definition()
        return {
            **{name: found["processDefinition"][name] for name in _HEAD},
            "taskDefinitionJson": json.dumps(found["taskDefinitionList"]),
            "taskRelationJson": json.dumps(found["processTaskRelationList"]),
            **changed,
        }

    def send_back(self, **changed: object) -> None:
        self.server.call("PUT", self.path(), **self.form(**changed))


@contextmanager
def dolphin_site(url: str, server: Dolphin) -> Iterator[Site]:
    database = Database(url)
    office = Office(database)
    name, project = server.project()
    row = RegisteredEngine(9, "ds", "dolphin", server.url, name, "env:TOKEN", server.tenant)
    engine = DolphinEngine(row, lambda: server.token, SqlDolphinMemory(database, row.id), SECONDS)
    office.inner, office.engine = engine, FaultyEngine(engine)
    yield Site(office, server, project)
    engine.close()
    database.dispose()
