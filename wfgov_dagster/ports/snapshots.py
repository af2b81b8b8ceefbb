"""Snapshots as people look at them: what was frozen for a publish, and what came of it. Field names are the keys of
their JSON."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from wfgov_dagster.ports.version_history import PublishOf


@dataclass(frozen=True, slots=True)
class SnapshotFilter:
    """None = any. `status`: draft, failed or published."""

    workflow_code: str | None = None
    engine: str | None = None
    status: str | None = None


@dataclass(frozen=True, slots=True)
class SnapshotRow:
    """`attempts`: publishes that sent it; a retry uses it again. `error`: how the last one failed."""

    snapshot_id: int
    workflow_key: str
    workflow_code: str
    version_no: int
    engine: str
    status: str
    is_baseline: bool
    attempts: int
    error: str | None
    content_hash: str
    publisher: str
    trigger_source: str
    rollback_of: int | None
    created_at: datetime
    updated_at: datetime


class Snapshots(Protocol):
    def page(self, wanted: SnapshotFilter, page: int, size: int) -> Sequence[SnapshotRow]:
        """The newest first."""

    def count(self, wanted: SnapshotFilter) -> int: ...

    def get(self, snapshot_id: int) -> SnapshotRow | None: ...

    def publishes(self, snapshot_id: int) -> Sequence[PublishOf]:
        """Those that sent it, the newest first."""

    def body(self, snapshot_id: int) -> str:
        """Its w1 document, as it was signed. Raises NotFound."""
