"""Failed runs become alerts, unless what they were about has raised one; and the alerts that wait are delivered.

Dagster's own sensor for failed runs looks at five a tick and falls behind in a storm. This one reads the same events
by the same cursor, and it ticks without failures too: alerts are raised by other processes as well.
"""

import time
from typing import Final

import dagster as dg

from resources import keys
from resources.notifier import NotifierResource
from sensors.runs import EVERY_SECONDS
from wfgov_dagster.ops.failures import as_dagster_failure

_AT_ONCE: Final = 100
GRACE_SECONDS: Final = 90.0  # whoever takes over from a killed run tells how that ended, and better
_SUBJECTS: Final = {keys.TAG_RECORD: "record", keys.TAG_INSTANCE: "instance"}


@dg.sensor(
    minimum_interval_seconds=EVERY_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Turns failed runs into alerts and delivers what waits. A tick fails when the database cannot be read.",
)
def run_failed(context: dg.SensorEvaluationContext, notifier: NotifierResource) -> dg.SensorResult:
    cursor = context.cursor or _newest(context.instance)
    records = _failures(context.instance, int(cursor))
    with as_dagster_failure():
        raised = sum(_raise_alert(context.instance, notifier, record) for record in records)
        report = notifier.deliver()
    if report.error is not None:
        context.log.warning("an alert is not delivered yet: %s", report.error)
    cursor = str(records[-1].storage_id) if records else cursor
    return dg.SensorResult(skip_reason=f"{raised} alerts raised, {report.delivered} delivered", cursor=cursor)


def _newest(instance: dg.DagsterInstance) -> str:
    """What failed before anybody looked is no news."""
    found = instance.fetch_run_status_changes(dg.DagsterEventType.RUN_FAILURE, limit=1).records
    return str(found[0].storage_id if found else 0)


def _failures(instance: dg.DagsterInstance, after: int) -> list[dg.EventLogRecord]:
    """The oldest first, once their time of grace is over."""
    wanted = dg.RunStatusChangeRecordsFilter(
        dg.DagsterEventType.RUN_FAILURE, after_storage_id=after, before_timestamp=time.time() - GRACE_SECONDS
    )
    return list(instance.fetch_run_status_changes(wanted, limit=_AT_ONCE, ascending=True).records)


def _raise_alert(instance: dg.DagsterInstance, notifier: NotifierResource, event: dg.EventLogRecord) -> bool:
    found = instance.get_run_record_by_id(event.run_id)
    if found is None:  # deleted meanwhile
        return False
    run = found.dagster_run
    told = [f"{what}:{run.tags[tag]}" for tag, what in _SUBJECTS.items() if tag in run.tags]
    told_by = (told[0] if told else None, found.create_timestamp)
    return notifier.run_failed(run.job_name, run.run_id, told_by, _why(event.event_log_entry.dagster_event))


def _why(failure: dg.DagsterEvent | None) -> str:
    """What the first step that failed said, else what is said of the run."""
    if failure is None:
        return "see the run"
    told = None if failure.event_specific_data is None else failure.job_failure_data
    step = None if told is None else told.first_step_failure_event
    data = None if step is None else step.step_failure_data
    if data is not None and data.user_failure_data is not None and data.user_failure_data.description:
        return data.user_failure_data.description
    if data is not None and data.error is not None:
        return data.error.message.strip()
    return failure.message or "see the run"
