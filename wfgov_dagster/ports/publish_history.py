"""Publish records as people look at them. Field names are the keys of their JSON."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class RecordFilter:
    """None = any."""

    workflow_code: str | None = None
    engine: str | None = None
    status: str | None = None
    phase: str | None = None


@dataclass(frozen=True, slots=True)
class RecordRow:
    """`restore`: it brings back what an engine held. `error`: why it ended or waits; None for a success."""

    record_id: int
    workflow_code: str
    engine: str
    operation: str
    restore: bool
    version_no: int
    status: str
    phase: str
    attempts: int
    round: int
    steps: int
    snapshot_id: int | None
    flow_id: int | None
    operator: str
    created_at: datetime
    finished_at: datetime | None
    error_code: str | None
    error: str | None


class PublishHistory(Protocol):
    def records(self, wanted: RecordFilter, page: int, size: int) -> Sequence[RecordRow]:
        """The newest first."""

    def count(self, wanted: RecordFilter) -> int: ...

    def record(self, record_id: int) -> RecordRow:
        """Raises NotFound."""

    def workflow_of(self, task_code: str) -> str | None:
        """Code of the workflow that the task is in; None = unknown, deleted or placed nowhere."""
