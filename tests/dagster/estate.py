"""A small estate: two workflows, and names as people write them."""

import shutil
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import pytest
import sqlalchemy as sa

from wfgov_dagster.domain.definition import Definition
from wfgov_dagster.domain.publish import Operation
from wfgov_dagster.ports.engine import Instance
from wfgov_dagster.ports.metadata import ImportBatch, LineageRow, MembershipDeclaration, TableRow, TaskRow
from wfgov_dagster.settings import Settings
from wfgov_dagster.store.db import Database
from wfgov_dagster.usecases.import_metadata import import_metadata
from wfgov_dagster.usecases.publish import drive
from wfgov_dagster.usecases.request_publish import Request, request
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
        TaskRow("audit", "Audit orders", node_type="SHELL", text="echo audit"),
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
        MembershipDeclaration("audit", RETAIL),
        MembershipDeclaration("report", REPORT),
    ],
)


def fill() -> None:
    """Import BATCH into the database that the environment names."""
    platform = Platform()
    with closing(platform):
        import_metadata(platform.store, "test", "sample", BATCH)


@contextmanager
def at_home(template: Path, home: Path) -> Iterator[Path]:
    """While it lasts the environment names a new platform that holds BATCH."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WFGOV_HOME", str(home))
        patch.setenv("WFGOV_DATABASE_URL", f"sqlite:///{shutil.copy(template, home / 'wfgov.db')}")
        fill()
        yield home


def execute(statement: str, **values: object) -> list[tuple[object, ...]]:
    """Run SQL beside the product, as a portal would."""
    database = Database(Settings().url())
    try:
        with database.write() as conn:
            result = conn.execute(sa.text(statement), values)
            return [tuple(row) for row in result] if result.returns_rows else []
    finally:
        database.dispose()


def add_read(task: str, db: str, table: str) -> None:
    """One lineage row: `task` reads `db.table`."""
    execute(
        "INSERT INTO data_lineage (task_id, upstream_table_id, lineage_type) SELECT t.id, d.id, 'input' "
        "FROM data_task t, data_table d WHERE t.task_code = :task AND d.db_name = :db AND d.table_name = :name",
        task=task,
        db=db,
        name=table,
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


def summary(code: str) -> str:
    """Of the newest version."""
    rows = execute(
        "SELECT v.change_summary FROM workflow_version v JOIN data_workflow w ON w.current_version_id = v.id "
        "WHERE w.workflow_code = :code",
        code=code,
    )
    return str(rows[0][0])


def deploy_online(code: str) -> None:
    """On the embedded engine."""
    with closing(Platform()) as platform:
        platform.engine("embedded", "test")
        for operation in (Operation.DEPLOY, Operation.ONLINE):
            record_id = request(platform.store, "test", Request(code, operation, "embedded"))
            assert drive(platform.publisher(), record_id, time.sleep).status == "success"


def submit(code: str, key: str = "once") -> int:
    with closing(Platform()) as platform:
        return int(platform.engine("embedded", "test").start(code, key, "ann"))


def instance(number: int) -> Instance:
    with closing(Platform()) as platform:
        return platform.engine("embedded", "test").instance(str(number))


def task_states(number: int) -> dict[str, str]:
    with closing(Platform()) as platform:
        return {one.task_code: one.state for one in platform.embedded_store.task_instances(number)}
