"""The platform's own database, as a Dagster resource."""

from resources.platform import PlatformResource
from wfgov_dagster.ports.store import Store


class StoreResource(PlatformResource):
    def open(self) -> Store:
        """Raises DatabaseMissing, DatabaseOlder or DatabaseNewer."""
        return self.platform.store
