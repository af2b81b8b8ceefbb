"""wfgov demo: the whole path on the sample estates."""

import time
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING

from wfgov_dagster.cli.groups import cli
from wfgov_dagster.cli.output import Table, fields
from wfgov_dagster.cli.session import Session, command
from wfgov_dagster.errors import Conflict

if TYPE_CHECKING:
    from wfgov_dagster.usecases.demonstrate import Ran

_RETAIL = "retail"
_WAREHOUSE, _FINAL = "warehouse", "ads"  # data source and schema of the retail sample's last layer
_RUN_SECONDS = 240.0
_WFGOV = ".venv/bin/wfgov"  # where `make` puts it


@command(cli, "demo")
def demo_command(session: Session) -> None:
    """Import the sample estates, derive, publish the retail workflows on the embedded engine and run them.

    It works in WFGOV_HOME and may be run again: what is there already is not made twice.
    """
    _derive(session)
    codes = _retail_workflows(session)
    _publish(session, codes)
    ran = _run(session, codes)
    _summary(session, ran)
    failed = [one.instance.workflow_code for one in ran if one.instance.state != "success"]
    if failed:
        raise Conflict(f"instances did not succeed: {', '.join(failed)}", hint="wfgov instance list")


def _derive(session: Session) -> None:
    from wfgov_dagster.settings import CHECKOUT
    from wfgov_dagster.usecases.import_metadata import import_metadata
    from wfgov_dagster.usecases.orchestrate import Options, orchestrate
    from wfgov_dagster.wiring import read_csv, read_sql

    store = session.platform.store
    samples = CHECKOUT / "sql" / "samples"
    batches = {_RETAIL: read_sql(samples / _RETAIL, "duckdb"), "bigquery-etl": read_csv(samples / "bigquery-etl")}
    for source, batch in batches.items():
        report = import_metadata(store, session.actor, source, batch)
        session.say([f"import {source}: {len(batch.tasks)} tasks, {report.changes} rows changed"])
    made = orchestrate(store, session.actor, Options(session.settings.time_zone)).versions
    session.say([f"orchestrate: {len(made)} new versions"])


def _retail_workflows(session: Session) -> list[str]:
    from wfgov_dagster.usecases.demonstrate import in_order
    from wfgov_dagster.usecases.show_workflows import list_workflows

    store = session.platform.store
    return in_order(
        store, [row.workflow_code for row in list_workflows(store) if row.workflow_code.startswith(_RETAIL)]
    )


def _publish(session: Session, codes: Sequence[str]) -> None:
    from wfgov_dagster.usecases.demonstrate import publish_all

    platform, name = session.platform, session.settings.default_engine
    engine = platform.engine(name, session.actor)
    for code, operation, end in publish_all(platform.store, platform.flows(), session.actor, engine, codes, time.sleep):
        session.say([f"publish {code} {operation}: {end.status}, V{end.version_no}, {end.steps} writes to the engine"])
        if end.status != "success":
            raise Conflict(f"publish record {end.record_id}: {end.message}", where=f"workflow {code}")


def _run(session: Session, codes: Sequence[str]) -> "list[Ran]":
    from wfgov_dagster.usecases.demonstrate import run_all
    from wfgov_dagster.usecases.start_instance import launch

    platform = session.platform

    def run(instance_id: str) -> tuple[str, str]:
        run_id = launch(platform.runs, instance_id)
        return run_id, platform.runs.wait(run_id, _RUN_SECONDS)

    engine = platform.engine(session.settings.default_engine, session.actor)
    found = []
    for one in run_all(platform.store, engine, session.actor, codes, run, str(uuid.uuid4())):
        instance = one.instance
        session.say([f"run {instance.workflow_code}: instance {instance.instance_id} {instance.state}, {one.run_id}"])
        found.append(one)
    return found


def _summary(session: Session, ran: "Sequence[Ran]") -> None:
    from wfgov_dagster.usecases.summarise_estate import summarise_estate
    from wfgov_dagster.wiring import count_rows

    estate = summarise_estate(session.platform.store)
    rows = count_rows(session.platform.data_root / f"{_WAREHOUSE}.duckdb", _FINAL)
    kinds = estate.dependencies
    told = dict(estate.totals) | {
        "dependencies": sum(kinds.values()),
        "dependencies_direct": kinds["direct"],
        "dependencies_through_views": kinds["view"],
        "dependencies_declared": kinds["declared"],
        "drafts": len(estate.drafts),
    }
    instances = [(one.instance.workflow_code, one.instance.instance_id, one.instance.state, one.run_id) for one in ran]
    next_steps = [
        ("Dagster's UI, with the runs above", "make up"),
        ("why a task waits for which", f"{_WFGOV} deps ads_daily_kpi --up"),
        ("a workflow and its versions", f"{_WFGOV} workflow show {ran[-1].instance.workflow_code}"),
        ("what keeps a draft from being a version", f"{_WFGOV} workflow show {estate.drafts[0].workflow_code}")
        if estate.drafts
        else ("all workflows", f"{_WFGOV} workflow list"),
        ("edit the metadata, then", f"{_WFGOV} orchestrate"),
    ]
    value = told | {"instances": [one.instance for one in ran], "final_rows": rows}
    session.put(
        value,
        fields(told.items()),
        Table(("workflow_code", "instance_id", "state", "Dagster run"), instances),
        Table(("final table", "rows"), [(f"{_FINAL}.{name}", count) for name, count in rows.items()]),
        Table(("where to look next", "command"), next_steps),
    )
