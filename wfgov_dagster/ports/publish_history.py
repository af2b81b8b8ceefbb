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


@dataclass(frozen=True, slots=True)
class Untold:
    """A confirmed deployment that Dagster was not told of. `record_id`: of the last publish that succeeded; None = it
    was adopted."""

    engine_id: int
    workflow_id: int
    engine: str
    workflow_code: str
    version_no: int
    confirmed_at: datetime
    record_id: int | None


class PublishHistory(Protocol):
    def records(self, wanted: RecordFilter, page: int, size: int) -> Sequence[RecordRow]:
        """The newest first."""

    def count(self, wanted: RecordFilter) -> int: ...

    def record(self, record_id: int) -> RecordRow:
        """Raises NotFound."""

    def untold(self, limit: int, older_than_seconds: float) -> Sequence[Untold]:
        """The oldest first; those confirmed so long ago at least: whoever confirms tells it, if it can."""

    def told(self, engine: str, workflow_code: str, confirmed_at: datetime | None = None) -> None:
        """Unless it was confirmed again since; `confirmed_at` None = as it is now."""

    def workflow_of(self, task_code: str) -> str | None:
        """Code of the workflow that the task is in; None = unknown, deleted or placed nowhere."""
