"""A small estate as CSV, and `wfgov` in this process: what it printed, and how it ended."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from wfgov_dagster.cli.app import cli

SALES, FINANCE, LOOP = "sales/每日 load", "finance", "loop"
TASKS = (
    ("load_orders", "ods.orders", "sql", "ods", "sales", "ann", SALES, "daily", "ODS"),
    ("clean_orders", "dwd.orders", "python", "dwd", "sales", "ann", SALES, "daily", "DWD"),
    ("report", "ads.report", "sql", "ads", "finance", "bob", FINANCE, "once", "ADS"),
    ("a", "t.a", "sql", "t", "", "", LOOP, "", ""),
    ("b", "t.b", "sql", "t", "", "", LOOP, "", ""),
    ("alone", "t.alone", "sql", "t", "ops", "cyd", "", "", ""),
)
LINEAGE = (
    ("ods.orders", "dwd.orders", "clean_orders"),
    ("dwd.orders", "v.inner", ""),
    ("v.inner", "v.outer", ""),
    ("v.outer", "ads.report", "report"),
    ("t.a", "t.b", "b"),
    ("t.b", "t.a", "a"),
)
TASK_HEADER = "task_code,output_table,kind,dataset,domain,owner,workflow,schedule,level"
LINEAGE_HEADER = "upstream_table,downstream_table,task_code"
Rows = Sequence[Sequence[str]]


def write_estate(folder: Path, tasks: Rows = TASKS, lineage: Rows = LINEAGE) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, header, rows in (("tasks", TASK_HEADER, tasks), ("lineage", LINEAGE_HEADER, lineage)):
        lines = [header, *(",".join(row) for row in rows)]
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@dataclass(frozen=True)
class Cli:
    """`wfgov` on one database and one home folder, as user `tester`."""

    url: str
    home: Path

    @property
    def env(self) -> dict[str, str | None]:
        return {"WFGOV_DATABASE_URL": self.url, "WFGOV_HOME": str(self.home), "WFGOV_ACTOR": "tester"}

    def run(self, *arguments: str | Path, **env: str) -> Result:
        return CliRunner().invoke(cli, [str(one) for one in arguments], env=self.env | env)

    def ok(self, *arguments: str | Path) -> str:
        result = self.run(*arguments)
        assert result.exit_code == 0, result.stderr
        return result.stdout

    def json(self, *arguments: str | Path) -> Any:
        return json.loads(self.ok(*arguments, "-o", "json"))

    def derived(self, folder: Path) -> "Cli":
        """With the small estate imported and orchestrated."""
        self.ok("import", "csv", write_estate(folder), "--source", "estate")
        self.ok("orchestrate")
        return self
