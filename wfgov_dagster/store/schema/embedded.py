"""The memory of the embedded engine: what it holds and what it ran. The platform reads it through the port only."""

import sqlalchemy as sa

from wfgov_dagster.store.schema.types import Id, UtcDateTime, flag, identity, key, metadata, moment, one_of

INSTANCE_STATES = ("submitted", "running", "success", "failed", "stopped")
TASK_STATES = ("waiting", "running", "success", "failed", "skipped", "stopped")

embedded_workflow = sa.Table(
    "embedded_workflow",
    metadata,
    identity(),
    sa.Column("engine_name", key(100), nullable=False, comment="Which embedded engine."),
    sa.Column("workflow_code", key(100), nullable=False, comment="Workflow."),
    sa.Column("version", sa.Integer, nullable=False, comment="The engine's own version, from 1."),
    sa.Column("document", sa.Text, nullable=False, comment="w1 document without its schedule."),
    sa.Column("marker", sa.Text, nullable=False, server_default="{}", comment="JSON: whose version this is."),
    flag("online", "1 = instances may start."),
    sa.Column("schedule", sa.Text, comment="JSON of the schedule; NULL = none."),
    flag("schedule_online", "1 = its cron fires."),
    moment("next_fire_at", "First time that may still fire; NULL = none.", nullable=True),
    moment("updated_at", "When it last changed."),
    sa.UniqueConstraint("engine_name", "workflow_code"),
    sa.Index(None, "next_fire_at"),
    comment="What an embedded engine holds.",
)

embedded_workflow_version = sa.Table(
    "embedded_workflow_version",
    metadata,
    sa.Column("workflow_id", Id, primary_key=True, autoincrement=False, comment="embedded_workflow.id."),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False, comment="From 1."),
    sa.Column("document", sa.Text, nullable=False, comment="w1 document without its schedule."),
    sa.Column("marker", sa.Text, nullable=False, comment="JSON: whose version this is."),
    moment("created_at", "When."),
    comment="Every definition an embedded engine held.",
)

embedded_instance = sa.Table(
    "embedded_instance",
    metadata,
    identity(),
    sa.Column("engine_name", key(100), nullable=False, comment="Which embedded engine."),
    sa.Column("workflow_code", key(100), nullable=False, comment="Workflow."),
    sa.Column("version", sa.Integer, nullable=False, comment="Version of the definition that runs."),
    sa.Column("document", sa.Text, nullable=False, comment="What is run, frozen at the start."),
    sa.Column("marker", sa.Text, nullable=False, comment="JSON: whose version this is."),
    sa.Column("request_key", key(100), nullable=False, comment="Caller's key: asking twice starts once."),
    sa.Column("trigger", sa.String(20), nullable=False, comment="manual or schedule."),
    sa.Column("started_by", key(100), nullable=False, comment="Who."),
    sa.Column("state", sa.String(20), nullable=False, server_default="submitted", comment="State."),
    sa.Column("error", sa.Text, comment="Why it failed."),
    flag("stop_requested", "1 = stop it."),
    sa.Column("run_id", key(100), comment="Dagster run that has it."),
    sa.Column("heartbeat_at", UtcDateTime, comment="Last sign of life, by the database's clock."),
    moment("submitted_at", "When it was asked for."),
    moment("started_at", "When it began.", nullable=True),
    moment("ended_at", "When it ended.", nullable=True),
    one_of("trigger", ("manual", "schedule")),
    one_of("state", INSTANCE_STATES),
    sa.UniqueConstraint("engine_name", "workflow_code", "request_key"),
    sa.Index("ix_embedded_instance_state", "engine_name", "state"),
    comment="Runs of workflows on an embedded engine.",
)

embedded_task_instance = sa.Table(
    "embedded_task_instance",
    metadata,
    sa.Column("instance_id", Id, primary_key=True, autoincrement=False, comment="embedded_instance.id."),
    sa.Column("task_code", key(255), primary_key=True, comment="Task."),
    sa.Column("state", sa.String(20), nullable=False, server_default="waiting", comment="State."),
    sa.Column("attempt", sa.Integer, nullable=False, server_default="0", comment="Tries so far."),
    sa.Column("exit_code", sa.Integer, comment="Of the last try."),
    sa.Column("error", sa.Text, comment="Why it failed."),
    sa.Column("log_path", sa.Text, comment="Log file, relative to the folder of all logs of instances."),
    moment("started_at", "When its first try began.", nullable=True),
    moment("ended_at", "When its last try ended.", nullable=True),
    one_of("state", TASK_STATES),
    comment="Runs of tasks inside an instance.",
)

embedded_fire = sa.Table(
    "embedded_fire",
    metadata,
    identity(),
    sa.Column("engine_name", key(100), nullable=False, comment="Which embedded engine."),
    sa.Column("workflow_code", key(100), nullable=False, comment="Workflow."),
    sa.Column("scheduled_at", UtcDateTime, nullable=False, comment="The time that its cron says."),
    sa.Column("instance_id", Id, nullable=False, comment="embedded_instance.id that it made."),
    sa.Column("skipped", sa.Integer, nullable=False, comment="Due times before it that were left out."),
    moment("fired_at", "When."),
    sa.UniqueConstraint("engine_name", "workflow_code", "scheduled_at"),
    comment="Each time that a schedule of an embedded engine fired.",
)
