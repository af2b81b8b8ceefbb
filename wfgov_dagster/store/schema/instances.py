"""What engines ran, as we last saw it; and which of our versions a version of an engine is."""

import sqlalchemy as sa

from wfgov_dagster.store.schema.types import Id, flag, key, metadata, moment, one_of

INSTANCE_STATES = ("submitted", "running", "success", "failed", "stopped", "lost")
TASK_STATES = ("waiting", "running", "success", "failed", "skipped", "stopped")

workflow_instance_cache = sa.Table(
    "workflow_instance_cache",
    metadata,
    sa.Column("engine_id", Id, primary_key=True, autoincrement=False, comment="Engine."),
    sa.Column("instance_id", key(100), primary_key=True, comment="The engine's own id of it."),
    sa.Column("workflow_id", Id, nullable=False, comment="Workflow."),
    sa.Column("version_no", sa.Integer, comment="Our version that ran; NULL = none of ours, or not known."),
    sa.Column("engine_version", sa.Integer, comment="The engine's own version that ran."),
    sa.Column("run", sa.Integer, nullable=False, server_default="1", comment="From 1; counts where it was run again."),
    sa.Column("state", sa.String(20), nullable=False, comment="State; lost = the engine forgot it before its end."),
    sa.Column("trigger", sa.String(50), nullable=False, comment="manual, schedule or the engine's own word."),
    sa.Column("started_by", sa.String(255), nullable=False, comment="Who, on the engine."),
    moment("submitted_at", "When it was asked for, by the engine's clock."),
    moment("started_at", "When it began, by the engine's clock.", nullable=True),
    moment("ended_at", "When it ended, by the engine's clock.", nullable=True),
    sa.Column("error", sa.Text, comment="Why it failed, if the engine says."),
    sa.Column("page", sa.Text, comment="Its page on the engine."),
    flag("tasks_due", "1 = its tasks are not read yet as they are now."),
    moment("told_at", "When Dagster was told what it wrote, or need not be; NULL = not yet.", nullable=True),
    moment("changed_at", "When we saw it change last."),
    one_of("state", INSTANCE_STATES),
    sa.Index("ix_workflow_instance_cache_workflow", "workflow_id", "submitted_at"),
    comment="The last runs of each workflow on each engine. They stay when the engine forgets them.",
)

task_instance_cache = sa.Table(
    "task_instance_cache",
    metadata,
    sa.Column("engine_id", Id, primary_key=True, autoincrement=False, comment="Engine."),
    sa.Column("instance_id", key(100), primary_key=True, comment="The engine's own id of the workflow's run."),
    sa.Column("task_code", key(255), primary_key=True, comment="Task."),
    sa.Column("state", sa.String(20), nullable=False, comment="State."),
    sa.Column("attempt", sa.Integer, nullable=False, server_default="0", comment="Tries so far."),
    sa.Column("exit_code", sa.Integer, comment="Of the last try, if the engine says."),
    moment("started_at", "When its first try began, by the engine's clock.", nullable=True),
    moment("ended_at", "When its last try ended, by the engine's clock.", nullable=True),
    sa.Column("error", sa.Text, comment="Why it failed, if the engine says."),
    one_of("state", TASK_STATES),
    comment="Runs of tasks inside the runs that are kept.",
)

engine_sync = sa.Table(
    "engine_sync",
    metadata,
    sa.Column("engine_id", Id, primary_key=True, autoincrement=False, comment="Engine."),
    moment("tried_at", "When its instances were asked for last."),
    moment("read_at", "When what is kept was asked for; NULL = never read.", nullable=True),
    sa.Column("failures", sa.Integer, nullable=False, server_default="0", comment="Tries in a row that failed."),
    sa.Column("error_code", sa.String(50), comment="Code of the last try's error; NULL = it went well."),
    sa.Column("error", sa.Text, comment="Its sentence."),
    sa.Column("newest_instance", key(100), comment="Newest instance seen."),
    moment("newest_at", "When it was asked for, by the engine's clock.", nullable=True),
    moment("quiet_until", "What ended by then, by the engine's clock, is no news.", nullable=True),
    comment="How old the kept runs of an engine are.",
)

engine_deployment_version = sa.Table(
    "engine_deployment_version",
    metadata,
    sa.Column("engine_id", Id, primary_key=True, autoincrement=False, comment="Engine."),
    sa.Column("workflow_id", Id, primary_key=True, autoincrement=False, comment="Workflow."),
    sa.Column("engine_version", sa.Integer, primary_key=True, autoincrement=False, comment="The engine's own version."),
    sa.Column("version_id", Id, nullable=False, comment="Version of ours that it was seen to be."),
    moment("confirmed_at", "When we last saw it."),
    sa.Index("ix_engine_deployment_version_workflow", "workflow_id"),
    comment="Which of our versions a version of an engine is.",
)
