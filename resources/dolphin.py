"""A registered DolphinScheduler, as a Dagster resource."""

from pydantic import Field

from resources.platform import PlatformResource
from wfgov_dagster.ports.engine import Engine


class DolphinResource(PlatformResource):
    """Holds the engine's name and no more: its token is read when the server is asked something, never configured."""

    engine: str = Field(
        default="", description="Name of a registered engine (wfgov engine list); empty = the setting default_engine."
    )

    def open(self, actor: str) -> Engine:
        """Raises NotFound."""
        return self.platform.engine(self.engine or self.settings.default_engine, actor)
