"""Names that assets, ops and sensors share: asset keys, the partitions, tags of runs."""

from typing import Final

import dagster as dg

TASK_DEPENDENCY_VIEW: Final = dg.AssetKey("task_dependency_view")
WORKFLOW_DEFINITIONS: Final = dg.AssetKey("workflow_definitions")
WORKFLOW_VERSIONS: Final = dg.AssetKey("workflow_versions")
ENGINE_DEPLOYMENTS: Final = dg.AssetKey("engine_deployments")
METADATA_TABLES: Final = ("data_task", "data_table", "data_lineage", "table_task_relation")
GOVERNANCE: Final = "governance"  # asset group
METADATA: Final = "metadata"  # asset group

WORKFLOWS: Final = dg.DynamicPartitionsDefinition(name="workflow")

TAG_WORKFLOW: Final = "wfgov/workflow"
TAG_VERSION: Final = "wfgov/version"
TAG_RECORD: Final = "wfgov/publish_record"
TAG_CHANGE_SET: Final = "wfgov/change_set"
TAG_INSTANCE: Final = "wfgov/instance"
TAG_ACTOR: Final = "wfgov/actor"
TAG_REVISION: Final = "wfgov/revision"  # of the platform, as far as Dagster has been told
DATA_VERSION: Final = "dagster/data_version"
