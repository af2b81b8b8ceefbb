"""The one dagster.Definitions. It loads without a database: nothing is opened before a run or a tick."""

import dagster as dg

from assets.checks import estate_checks
from assets.governance import (
    engine_deployments,
    metadata_tables,
    task_dependency_view,
    workflow_definitions,
    workflow_versions,
)
from resources.store import StoreResource
from sensors.metadata_changed import metadata_changed
from wfgov_dagster.ops.orchestrate import orchestrate_job

defs = dg.Definitions(
    assets=[*metadata_tables, task_dependency_view, workflow_definitions, workflow_versions, engine_deployments],
    asset_checks=estate_checks,
    jobs=[orchestrate_job],
    sensors=[metadata_changed],
    resources={"store": StoreResource()},
    executor=dg.in_process_executor,  # a process for each step would cost 2.5 s a step
)
