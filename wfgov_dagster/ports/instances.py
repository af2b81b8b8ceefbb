"""What engines ran, as it was last seen. Times of instances are by the engine's clock, all others by the database's."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from wfgov_dagster.ports.engine import Instance, TaskInstance


@dataclass(frozen=True, slots=True)
class SyncState:
    """`read_at`: when what is kept was asked for, None = never. `quiet_until`: what ended by then is no news.
    `now`: when this was read."""

    tried_at: datetime
    read_at: datetime | None
    failures: int
    error_code: str | None
    error: str | None
    newest_instance: str | None
    newest_at: datetime | None
    quiet_until: datetime | None
    now: datetime

    @property
    def age_seconds(self) -> float | None:
        return None if self.read_at is None else max(0.0, (self.now - self.read_at).total_seconds())


@dataclass(frozen=True, slots=True)
class Deployed:
    """A workflow of ours on an engine. `versions`: the engine's version → ours. `task_codes`: the engine's → ours."""

    workflow_id: int
    workflow_code: str
    engine_workflow_code: str
    versions: Mapping[int, int]
    task_codes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CachedInstance:
    """`instance.workflow_code` and `.version_no` are ours. `tasks_due`: its tasks are not read yet as they are now."""

    workflow_id: int
    instance: Instance
    page: str | None = None
    tasks_due: bool = True


@dataclass(frozen=True, slots=True)
class Ran:
    """An instance that has ended and that Dagster knows nothing of yet. `task_codes`: those that succeeded."""

    engine_id: int
    engine: str
    cached: CachedInstance
    task_codes: Sequence[str]


class InstanceCache(Protocol):
    # --- syncing ---------------------------------------------------------------------------------

    def begin_sync(self, engine_id: int) -> SyncState:
        """Writes down that its instances are asked for now; how it stood before, with the new `tried_at`."""

    def sync_failed(self, engine_id: int, begun: SyncState, error: tuple[str, str]) -> None:
        """What is kept stays. `error`: code and sentence."""

    def sync_done(self, engine_id: int, begun: SyncState, newest: Instance | None, quiet: datetime | None) -> bool:
        """False: one that began later was quicker, so this one's view is old. Nobody else syncs the engine until the
        transaction ends. `quiet` counts for the first sync only."""

    def deployed(self, engine_id: int, workflow_code: str | None = None) -> Sequence[Deployed]:
        """Every workflow of ours that was ever seen on the engine, by code, or this one."""

    def known(self, engine_id: int) -> Mapping[str, CachedInstance]:
        """Instance id → what is kept of it."""

    def put(self, engine_id: int, rows: Sequence[CachedInstance], *, untold: Collection[str]) -> None:
        """Insert or replace. What has another `run` than before, or is new, waits to be told if it is among the ids
        `untold`, and never is otherwise."""

    def put_tasks(self, engine_id: int, instance_id: str, tasks: Sequence[TaskInstance]) -> None:
        """All tasks of the instance, in place of those before."""

    def remove(self, engine_id: int, instance_ids: Collection[str]) -> None: ...

    # --- telling Dagster -------------------------------------------------------------------------

    def untold(self, limit: int) -> Sequence[Ran]:
        """The oldest first."""

    def told(self, engine_id: int, instance_id: str, run: int) -> None: ...

    # --- looking ---------------------------------------------------------------------------------

    def sync_state(self, engine_id: int) -> SyncState | None:
        """None: nobody has asked for its instances yet."""

    def due(self, kinds_without: str, seconds: float) -> Sequence[str]:
        """Names of engines of another kind that were not asked for so long, by name."""

    def list(self, engine_id: int, workflow_code: str | None, limit: int) -> Sequence[CachedInstance]:
        """The newest first."""

    def get(self, engine_id: int, instance_id: str) -> CachedInstance | None: ...

    def tasks(self, engine_id: int, instance_id: str) -> Sequence[TaskInstance]:
        """By task code."""
