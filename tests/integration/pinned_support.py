"""The small estate of two workflows, edited again and again, and what its workflow SALES has become."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from tests.integration.cli_support import LINEAGE, SALES, TASKS, Cli, Rows, write_estate
from wfgov_dagster.store.db import Database

WITHOUT_EDGE = LINEAGE[1:]  # load_orders → clean_orders is gone
EDGE_GONE, EDGE_BACK = "-edge load_orders → clean_orders", "+edge load_orders → clean_orders (reads ods.orders)"


def more(code: str = SALES) -> Rows:
    """TASKS, and one more in this workflow."""
    return (*TASKS, ("fresh", "t.fresh", "sql", "t", "", "", code, "", ""))


class Yard:
    """`wfgov` over one database, and the folder that its metadata is imported from."""

    def __init__(self, url: str, folder: Path) -> None:
        self.cli = Cli(url, folder / "home")
        self.folder = folder / "estate"

    def derive(self, tasks: Rows = TASKS, lineage: Rows = LINEAGE, *options: str) -> Any:
        """Import them in place of those before; what orchestrate said."""
        self.cli.ok("import", "csv", write_estate(self.folder, tasks, lineage), "--source", "estate")
        return self.cli.json("orchestrate", *options)

    def versions(self, code: str = SALES) -> list[str]:
        """Their summaries, from V1 on."""
        return [one["change_summary"] for one in self.cli.json("version", "list", code)]

    def hashes(self, code: str = SALES) -> list[str]:
        return [one["content_hash"] for one in self.cli.json("version", "list", code)]

    def waiting(self, state: str = "open") -> list[tuple[str, str]]:
        found = self.cli.json("candidate", "list", "--state", state)
        return [(one["workflow_code"], one["change_summary"]) for one in found]

    def refused(self, *arguments: str) -> str:
        """What it said; it ended with 1."""
        result = self.cli.run(*arguments)
        assert (result.exit_code, result.stdout) == (1, "")
        return result.stderr

    def audit(self, *actions: str) -> list[tuple[str, str, str]]:
        rows = self.sql("SELECT action, object_code, outcome FROM workflow_operation_log ORDER BY id")
        return [(row[0], row[1], row[2]) for row in rows if row[0] in actions]

    def sql(self, statement: str) -> Sequence[Sequence[Any]]:
        database = Database(self.cli.url)
        try:
            with database.write() as conn:
                done = conn.execute(sa.text(statement))
                return done.all() if done.returns_rows else []
        finally:
            database.dispose()

    def end_pins(self) -> None:
        """The time of every pin that has one is over."""
        over = "'2020-01-01 00:00:00.000000'" if "sqlite" in self.cli.url else "'2020-01-01 00:00:00Z'"
        self.sql(f"UPDATE data_workflow SET pinned_until = {over} WHERE pinned_until IS NOT NULL")
