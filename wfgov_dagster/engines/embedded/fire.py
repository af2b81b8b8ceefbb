"""Fires the schedules that have come due. Any process may call it, any number of them at once."""

from datetime import datetime
from typing import Final

from wfgov_dagster.domain.firing import firing
from wfgov_dagster.errors import InvalidInput
from wfgov_dagster.ports.embedded import EmbeddedStore, Fired, FireReport

AT_ONCE: Final = 200  # at most so many a call: a sensor's tick has to end


def fire_due(store: EmbeddedStore, now: datetime | None = None) -> FireReport:
    """One instance for each schedule that is due, for the latest of its due times; one query when nothing is.

    `now`: None = the database's clock, which is one for all machines.
    """
    fired, refused = [], []
    for due in store.due(now, AT_ONCE):
        try:
            found = firing(due.schedule, due.next_fire_at, due.now)
        except InvalidInput as exc:
            refused.append(f"workflow {due.workflow_code} on engine {due.engine}: {exc.sentence()}")
            continue
        instance_id = store.fire(due, found)
        if instance_id is not None and found.scheduled_at is not None:
            fired.append(Fired(due.engine, due.workflow_code, found.scheduled_at, instance_id, found.skipped))
    return FireReport(fired, refused)
