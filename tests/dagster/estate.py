"""A small estate: two workflows, and names as people write them."""

from contextlib import closing
from typing import Final

import sqlalchemy as sa

from wfgov_dagster.domain.definition import Definition
from wfgov_dagster.ports.metadata import ImportBatch, LineageRow, MembershipDeclaration, TableRow, TaskRow
from wfgov_dagster.settings import Settings
from wfgov_dagster.store.db import Database
from wfgov_dagster.usecases.import_metadata import import_metadata
from wfgov_dagster.wiring import Platform

RETAIL: Final = "retail"
REPORT: Final = "数据/日报"

BATCH: Final = ImportBatch(
    tables=[
        TableRow("ods.orders", "ODS", "sales/eu", owner="owner-01"),
        TableRow("dwd.orders", "DWD", "销售", owner="ann@example.com"),
        TableRow("ads.report", "ADS", None, owner=""),
    ],
    tasks=[
        TaskRow("load", "Load orders", node_type="SHELL", text="echo load"),
        TaskRow("clean", "Clean orders", node_type="SHELL", text="echo clean"),
        TaskRow("report", "Daily report", node_type="SHELL", text="echo report"),
    ],
    lineage=[
        LineageRow(None, "ods.orders", "load"),
        LineageRow("ods.orders", "dwd.orders", "clean"),
        LineageRow("dwd.orders", "ads.report", "report"),
    ],
    memberships=[
        MembershipDeclaration("load", RETAIL),
        MembershipDeclaration("clean", RETAIL),
        MembershipDeclaration("report", REPORT),
    ],
)


def fill() -> None:
    """Import BATCH into the database that the environment names."""
    platform = Platform()
    with closing(platform):
        import_metadata(platform.store, "test", "sample", BATCH)


def execute(statement: str, **values: object) -> list[tuple[object, ...]]:
    """Run SQL beside the product, as a portal would."""
    database = Database(Settings().url())
    try:
        with database.write() as conn:
            result = conn.execute(sa.text(statement), values)
            return [tuple(row) for row in result] if result.returns_rows else []
    finally:
        database.dispose()


def add_read(task: str, table: str) -> None:
    """One lineage row: `task` reads `table` (without its database's name) too."""
    execute(
        "INSERT INTO data_lineage (task_id, upstream_table_id, lineage_type) SELECT t.id, d.id, 'input' "
        "FROM data_task t, data_table d WHERE t.task_code = :task AND d.table_name = :table_name",
        task=task,
        table_name=table,
    )


def versions() -> dict[str, int]:
    """Workflow code → newest version number."""
    rows = execute(
        "SELECT w.workflow_code, max(v.version_no) FROM data_workflow w "
        "JOIN workflow_version v ON v.workflow_id = w.id GROUP BY w.workflow_code"
    )
    return {str(code): int(str(number)) for code, number in rows}


def current(code: str) -> Definition:
    platform = Platform()
    with closing(platform), platform.store.read() as work:
        return work.versions.definition(code, versions()[code])
