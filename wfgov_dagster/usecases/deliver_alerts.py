"""Deliver the alerts that wait: at least once, and once more only when whoever delivered it died before saying so."""

from dataclasses import dataclass
from typing import Final

from wfgov_dagster.domain.redact import redact
from wfgov_dagster.errors import NotDelivered
from wfgov_dagster.ports.alerts import AlertRow
from wfgov_dagster.ports.runtime import Notifier
from wfgov_dagster.ports.store import Store


@dataclass(frozen=True, slots=True)
class DeliveryLimits:
    """`claim_seconds` has to be longer than one delivery takes. After so many `attempts` an alert is dead."""

    attempts: int = 12
    claim_seconds: float = 60.0
    first_wait_seconds: float = 5.0
    longest_wait_seconds: float = 3600.0
    at_once: int = 100

    def wait(self, attempts: int) -> float:
        """Seconds until the next try, after so many that failed."""
        return min(self.longest_wait_seconds, self.first_wait_seconds * 2.0 ** min(attempts - 1, 30))


LIMITS: Final = DeliveryLimits()


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """`error`: why the channel did not take one; then the others wait, too."""

    delivered: int = 0
    error: str | None = None


def deliver_alerts(store: Store, notifier: Notifier, limits: DeliveryLimits = LIMITS) -> DeliveryReport:
    """One query when nothing waits. No transaction is open while the channel is called."""
    with store.read() as work:
        waiting = work.alerts.due(limits.at_once)
    delivered = 0
    for alert_id in waiting:
        with store.write() as work:
            claimed = work.alerts.claim(alert_id, limits.claim_seconds)
        if claimed is None:
            continue
        error = _deliver(store, notifier, limits, claimed)
        if error is not None:
            return DeliveryReport(delivered, error)
        delivered += 1
    return DeliveryReport(delivered)


def _deliver(store: Store, notifier: Notifier, limits: DeliveryLimits, claimed: AlertRow) -> str | None:
    try:
        if claimed.attempts > limits.attempts:
            raise NotDelivered("whoever delivered it died of it, or was killed, each time", where=f"alert {claimed.id}")
        notifier.notify(claimed.alert, claimed.count)
    except NotDelivered as exc:
        again = None if claimed.attempts >= limits.attempts else limits.wait(claimed.attempts)
        with store.write() as work:
            work.alerts.failed(claimed.id, exc.sentence(), again)
        return redact(exc.sentence())
    with store.write() as work:
        work.alerts.delivered(claimed.id)
    return None
