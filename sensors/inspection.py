"""Schedule `inspection`: off until somebody turns it on, for it asks engines that others pay for."""

import dagster as dg

from wfgov_dagster.ops.inspect import inspect_job

inspection = dg.ScheduleDefinition(
    name="inspection",
    job=inspect_job,
    cron_schedule="*/15 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="One list call an engine where nothing moved; the age of a difference is known as closely as it looks.",
)
