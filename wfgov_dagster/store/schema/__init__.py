"""All tables. Importing this package fills `metadata`."""

from wfgov_dagster.store.schema import (
    alert,
    candidate,
    change_set,
    derived,
    dolphin,
    embedded,
    flow,
    given,
    instances,
    publish,
    retention,
    workflow,
)
from wfgov_dagster.store.schema.types import metadata

__all__ = [
    "alert",
    "candidate",
    "change_set",
    "derived",
    "dolphin",
    "embedded",
    "flow",
    "given",
    "instances",
    "metadata",
    "publish",
    "retention",
    "workflow",
]
