"""What the adapter of DolphinScheduler servers has to remember."""

import sqlalchemy as sa

from wfgov_dagster.store.schema.types import Id, identity, key, metadata, moment

engine_task_code = sa.Table(
    "engine_task_code",
    metadata,
    identity(),
    sa.Column("engine_id", Id, nullable=False, comment="Engine."),
    sa.Column("workflow_code", key(100), nullable=False, comment="Workflow."),
    sa.Column("task_code", key(255), nullable=False, comment="Task; empty = the workflow itself."),
    sa.Column("engine_code", sa.BigInteger, nullable=False, comment="What the engine calls it; kept for life."),
    moment("created_at", "When it was allocated."),
    sa.UniqueConstraint("engine_id", "workflow_code", "task_code"),
    sa.Index(None, "engine_id", "engine_code"),
    comment="Codes that an engine gave our workflows and tasks, written down before they were sent.",
)

engine_start = sa.Table(
    "engine_start",
    metadata,
    identity(),
    sa.Column("engine_id", Id, nullable=False, comment="Engine."),
    sa.Column("workflow_code", key(100), nullable=False, comment="Workflow."),
    sa.Column("request_key", key(100), nullable=False, comment="Whoever asks again with it gets the same instance."),
    sa.Column("started_by", key(100), nullable=False, comment="Who asked."),
    sa.Column("newest", sa.BigInteger, nullable=False, comment="Newest instance of the workflow before it; 0 = none."),
    sa.Column("instance_id", sa.BigInteger, comment="The engine's instance; NULL = not seen yet."),
    moment("created_at", "When it was asked for."),
    sa.UniqueConstraint("engine_id", "workflow_code", "request_key"),
    sa.Index(None, "engine_id", "instance_id"),
    comment="Starts of instances on engines that know no request keys.",
)
