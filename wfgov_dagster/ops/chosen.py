"""Jobs about one workflow: it is chosen as partition, at the top of the Launchpad."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from resources import keys, names
from resources.store import StoreResource


def config_of(op: str, config: Mapping[str, object]) -> "dg.PartitionedConfig[Any]":
    """What the Launchpad fills in when a workflow is chosen."""
    return dg.PartitionedConfig(
        partitions_def=keys.WORKFLOWS,
        run_config_for_partition_key_fn=lambda _key: {"ops": {op: {"config": dict(config)}}},
        tags_for_partition_key_fn=lambda key: {keys.TAG_WORKFLOW: key},
    )


def chosen_workflow(context: dg.OpExecutionContext, store: StoreResource) -> str:
    """Its code. Raises dg.Failure without a partition."""
    if not context.has_partition_key:
        raise dg.Failure(
            f"invalid: no workflow is chosen — job {context.job_name} — choose one as partition, at the top of the "
            "Launchpad",
            allow_retries=False,
        )
    with store.open().read() as work:
        known = work.workflows.all()["code"].to_list()
    return names.workflow_code(context.partition_key, known)
