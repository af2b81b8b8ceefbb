"""The embedded engine, as a Dagster resource: what runs instances on this machine."""

from collections.abc import Callable, Sequence

from resources.platform import PlatformResource
from wfgov_dagster.ports.embedded import FireReport
from wfgov_dagster.ports.engine import Engine
from wfgov_dagster.usecases.engines import EMBEDDED


class EmbeddedEngineResource(PlatformResource):
    def open(self, name: str, actor: str) -> Engine:
        """An engine by name. Raises NotFound."""
        return self.platform.engine(name, actor)

    def run(self, instance_id: int, run_id: str, tell: Callable[[str], None]) -> str | None:
        """To its end; the final state, None if somebody else has it. Raises Conflict when it was lost meanwhile."""
        return self.platform.run_instance(instance_id, run_id, tell)

    def fire_due(self) -> FireReport:
        """Instances for the schedules that have come due."""
        return self.platform.fire_due()

    def submitted(self) -> Sequence[tuple[str, int]]:
        """(engine, instance) that nobody has claimed, by engine, the oldest first."""
        with self.platform.store.read() as work:
            engines = [engine.name for engine in work.publishing.engines() if engine.kind == EMBEDDED]
        found = self.platform.embedded_store
        return [(engine, instance_id) for engine in engines for instance_id in found.submitted(engine)]

    def fail_silent(self, seconds: float) -> Sequence[int]:
        """Fail the running instances without a sign of life for so long; their ids."""
        return self.platform.embedded_store.fail_silent(seconds)
