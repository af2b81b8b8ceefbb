"""A small estate that tests edit by plain SQL, and what was derived from it."""

import json
from typing import Any

import sqlalchemy as sa

from wfgov_dagster.store.db import Database
from wfgov_dagster.store.store import SqlStore
from wfgov_dagster.usecases.orchestrate import Options, OrchestrationReport, orchestrate


class Estate:
    def __init__(self, database: Database) -> None:
        self.database = database
        self.store = SqlStore(database)

    def run(self, *statements: str) -> None:
        with self.database.write() as conn:
            for statement in statements:
                conn.exec_driver_sql(statement)

    def all(self, query: str) -> list[tuple[Any, ...]]:
        with self.database.read() as conn:
            return [tuple(row) for row in conn.exec_driver_sql(query)]

    def task(self, number: int, workflow: str | None = None, *, reads: tuple[int, ...] = (), writes: int = 0) -> None:
        """Task t<number> with the id `number`; it writes the table of that number unless told otherwise."""
        self.run(f"INSERT INTO data_task (id, task_code, task_name) VALUES ({number}, 't{number}', 'T{number}')")
        for table in reads:
            self.run(
                f"INSERT INTO table_task_relation (table_id, task_id, relation_type) VALUES ({table}, {number}, 'read')"
            )
        written = writes or number
        self.run(
            f"INSERT INTO table_task_relation (table_id, task_id, relation_type) VALUES ({written}, {number}, 'write')"
        )
        if workflow is not None:
            self.declare(number, workflow)

    def declare(self, task: int, workflow: str, by: str = "anna") -> None:
        self.run(
            "INSERT INTO task_workflow_declaration (task_id, workflow_code, declared_by) "
            f"VALUES ({task}, '{workflow}', '{by}')"
        )

    def table(self, number: int, name: str, db: str = "db", domain: str = "", owner: str = "") -> None:
        self.run(
            "INSERT INTO data_table (id, db_name, table_name, business_domain, owner) "
            f"VALUES ({number}, '{db}', '{name}', '{domain}', '{owner}')"
        )

    def orchestrate(self, *, full: bool = False, rebuild_above: int = 50_000) -> OrchestrationReport:
        return orchestrate(self.store, "system", Options(full=full, rebuild_above=rebuild_above))

    def workflow(self, code: str) -> dict[str, Any]:
        with self.database.read() as conn:
            row = conn.execute(sa.text("SELECT * FROM data_workflow WHERE workflow_code = :c"), {"c": code}).one()
        return dict(row._mapping)

    def content(self, code: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.workflow(code)["definition_json"])
        return document

    def homes(self) -> dict[int, str]:
        rows = self.all(
            "SELECT r.task_id, w.workflow_code FROM workflow_task_relation AS r "
            "JOIN data_workflow AS w ON w.id = r.workflow_id"
        )
        return dict(rows)

    def versions(self) -> list[tuple[str, int, str, str]]:
        return [
            (code, number, summary, source)
            for code, number, summary, source in self.all(
                "SELECT w.workflow_code, v.version_no, v.change_summary, v.trigger_source FROM workflow_version AS v "
                "JOIN data_workflow AS w ON w.id = v.workflow_id ORDER BY v.id"
            )
        ]
