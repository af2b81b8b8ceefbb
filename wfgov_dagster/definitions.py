"""The one dagster.Definitions. It loads without a database: nothing is opened before a run or a tick."""

import dagster as dg

from assets.checks import drift_check, estate_checks
from assets.governance import (
    engine_deployments,
    metadata_tables,
    task_dependency_view,
    workflow_definitions,
    workflow_versions,
)
from assets.governed import governed_tables
from resources.dolphin import DolphinResource
from resources.embedded_engine import EmbeddedEngineResource
from resources.notifier import NotifierResource
from resources.store import StoreResource
from sensors.embedded_instances import embedded_instances
from sensors.engine_history import engine_history
from sensors.flow_watch import flow_watch
from sensors.inspection import inspection
from sensors.metadata_changed import metadata_changed
from sensors.retention import retention
from sensors.run_failed import run_failed
from wfgov_dagster.ops.advance_flows import advance_flows_job
from wfgov_dagster.ops.clean_up import clean_up_versions_job
from wfgov_dagster.ops.inspect import inspect_job
from wfgov_dagster.ops.orchestrate import orchestrate_job
from wfgov_dagster.ops.publish import publish_job
from wfgov_dagster.ops.publish_change_set import publish_change_set_job
from wfgov_dagster.ops.rollback import rollback_job
from wfgov_dagster.ops.run_workflow import run_workflow_job
from wfgov_dagster.ops.sync_history import sync_history_job

defs = dg.Definitions(
    assets=[
        *metadata_tables,
        task_dependency_view,
        workflow_definitions,
        workflow_versions,
        engine_deployments,
        *governed_tables,
    ],
    asset_checks=[*estate_checks, drift_check],
    jobs=[
        orchestrate_job,
        publish_job,
        publish_change_set_job,
        rollback_job,
        run_workflow_job,
        advance_flows_job,
        sync_history_job,
        inspect_job,
        clean_up_versions_job,
    ],
    schedules=[inspection, retention],
    sensors=[metadata_changed, embedded_instances, flow_watch, engine_history, run_failed],
    resources={
        "store": StoreResource(),
        "dolphin": DolphinResource(),
        "embedded_engine": EmbeddedEngineResource(),
        "notifier": NotifierResource(),
    },
    loggers={"console": dg.colored_console_logger.configured({"log_level": "WARNING"})},
    executor=dg.in_process_executor,  # a process for each step would cost 2.5 s a step
)
