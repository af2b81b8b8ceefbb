"""All tables. Importing this package fills `metadata`."""

from wfgov_dagster.store.schema import alert, derived, embedded, given, publish, workflow
from wfgov_dagster.store.schema.types import metadata

__all__ = ["alert", "derived", "embedded", "given", "metadata", "publish", "workflow"]
