"""What engines ran, as it was last seen, and how long ago that was."""

from collections.abc import Sequence
from dataclasses import dataclass

from wfgov_dagster.ports.engine import TaskInstance
from wfgov_dagster.ports.instances import CachedInstance, SyncState
from wfgov_dagster.ports.store import Store
from wfgov_dagster.usecases import engines

_UNITS = (("days", 172_800, 86_400), ("hours", 7200, 3600), ("minutes", 0, 60))  # name, from so many seconds, length


@dataclass(frozen=True, slots=True)
class History:
    """`state`: None = its instances were never asked for."""

    engine: str
    state: SyncState | None
    instances: Sequence[CachedInstance]

    def sentence(self) -> str:
        """How old it is, and why it is not newer."""
        if self.state is None or self.state.read_at is None:
            told = f"engine {self.engine} was never read: wfgov instance sync --engine {self.engine}"
        else:
            told = f"as of {self.state.read_at:%Y-%m-%d %H:%M:%S}Z ({age(self.state.age_seconds or 0.0)} old)"
        if self.state is not None and self.state.error is not None:
            told += f"; tried at {self.state.tried_at:%Y-%m-%d %H:%M:%S}Z: {self.state.error}"
        return told


def list_history(store: Store, engine: str, workflow_code: str | None, limit: int) -> History:
    """The newest first. Raises NotFound for an engine that is not registered."""
    with store.read() as work:
        registered = engines.get(work, engine)
        kept = work.instances.list(registered.id, workflow_code, limit)
        return History(engine, work.instances.sync_state(registered.id), kept)


def show_instance(store: Store, engine: str, instance_id: str) -> tuple[History, Sequence[TaskInstance]]:
    """With its tasks; no instance if it is not kept. Raises NotFound for an engine that is not registered."""
    with store.read() as work:
        registered = engines.get(work, engine)
        kept = work.instances.get(registered.id, instance_id)
        tasks = work.instances.tasks(registered.id, instance_id)
        history = History(engine, work.instances.sync_state(registered.id), [] if kept is None else [kept])
    return history, tasks


def age(seconds: float) -> str:
    """In whole units, rounded down: `0 minutes`, `90 minutes`, `26 hours`."""
    name, length = next((name, length) for name, least, length in _UNITS if seconds >= least)
    number = int(seconds // length)
    return f"{number} {name.removesuffix('s') if number == 1 else name}"
