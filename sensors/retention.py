"""Schedule `retention`: off until somebody turns it on, for what it removes does not come back."""

import dagster as dg

from wfgov_dagster.ops.clean_up import OP, clean_up_versions_job

retention = dg.ScheduleDefinition(
    name="retention",
    job=clean_up_versions_job,
    cron_schedule="30 4 * * 0",
    execution_timezone="UTC",
    run_config={"ops": {OP: {"config": {"dry_run": False}}}},
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="Removes what no retention rule keeps, of every workflow; engines keep their versions. Look first: "
    "`wfgov clean-up --all --dry-run`, or the job as it comes.",
)
