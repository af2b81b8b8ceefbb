"""The outbox of alerts: `add` inside the transaction that makes something fail, the rest by whoever delivers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from wfgov_dagster.domain.alert import Alert


@dataclass(frozen=True, slots=True)
class AlertRow:
    """`count`: faults that it speaks for, itself included. `lead_id`: which alert speaks for it, None = it does itself.

    `state`: waiting, delivered, grouped or dead. `attempts`: deliveries that were begun.
    """

    id: int
    alert: Alert
    state: str
    count: int
    lead_id: int | None
    attempts: int
    due_at: datetime
    delivered_at: datetime | None
    last_error: str | None


class Alerts(Protocol):
    def add(self, alert: Alert) -> bool:
        """False: this fault is told already. Within `TOGETHER_SECONDS` of one that waits for delivery or was delivered
        a fault of the same kind, workflow and, without a workflow, step is grouped with it."""

    def about(self, subject: str, since: datetime) -> bool:
        """Whether an alert about it was raised at or after `since`."""

    def due(self, limit: int) -> Sequence[int]:
        """Alerts to deliver now, the oldest first."""

    def claim(self, alert_id: int, seconds: float) -> AlertRow | None:
        """For so long nobody else delivers it. None: somebody else does, or did."""

    def delivered(self, alert_id: int) -> None: ...

    def failed(self, alert_id: int, error: str, again_after_seconds: float | None) -> None:
        """None: it is not tried again."""

    def list(self, limit: int, *, undelivered: bool = False) -> Sequence[AlertRow]:
        """The newest first; those that are grouped are counted, not listed."""

    def of(self, subject: str) -> Sequence[AlertRow]:
        """About it, the oldest first; those that another one speaks for, too."""

    def get(self, alert_id: int) -> AlertRow:
        """Raises NotFound."""
