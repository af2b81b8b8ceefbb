"""Where alerts go, as a Dagster resource."""

from typing import TYPE_CHECKING

from resources.platform import PlatformResource

if TYPE_CHECKING:
    from datetime import datetime

    from wfgov_dagster.ports.runtime import Notifier
    from wfgov_dagster.usecases.deliver_alerts import DeliveryReport


class NotifierResource(PlatformResource):
    def open(self) -> "Notifier":
        return self.platform.notifier

    def deliver(self) -> "DeliveryReport":
        """Every alert that waits."""
        return self.platform.deliver_alerts()

    def run_failed(self, job: str, run_id: str, told_by: "tuple[str | None, datetime]", message: str) -> bool:
        """False: what the run was about has told it. See the use case."""
        from wfgov_dagster.usecases.raise_alerts import run_failed  # noqa: PLC0415 - a tick without failures is light

        return run_failed(self.platform.store, job, run_id, told_by, message)
