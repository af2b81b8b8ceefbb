"""Change sets: many workflows published as one; and the pace of writes to each engine."""

import sqlalchemy as sa

from wfgov_dagster.store.schema.types import Id, UtcDateTime, identity, key, metadata, moment, one_of

change_set = sa.Table(
    "change_set",
    metadata,
    identity(),
    sa.Column("engine_id", Id, nullable=False, comment="Engine."),
    sa.Column("operation", sa.String(20), nullable=False, comment="deploy, online or offline."),
    sa.Column("on_failure", sa.String(20), nullable=False, comment="stop, restore; go_on for one that restores."),
    sa.Column("state", key(20), nullable=False, server_default="running", comment="How it stands."),
    sa.Column("parallel", sa.Integer, nullable=False, comment="Members that are published side by side, at most."),
    sa.Column("writes_per_second", sa.Float, nullable=False, comment="To the engine, at most; 0 = no limit."),
    sa.Column("restores", Id, comment="Change set whose members this one brings back."),
    sa.Column("flow_id", Id, comment="Durable flow that drives it."),
    sa.Column("operator", key(100), nullable=False, comment="Who."),
    sa.Column("canceled_by", key(100), comment="Who canceled it."),
    sa.Column("cancel_reason", sa.Text, comment="Why it was canceled."),
    moment("created_at", "When it was asked for."),
    moment("finished_at", "When the last member ended.", nullable=True),
    one_of("operation", ("deploy", "online", "offline")),
    one_of("on_failure", ("stop", "restore", "go_on")),
    one_of("state", ("running", "restoring", "success", "failed", "canceled", "restored", "restore_failed")),
    sa.Index(None, "state"),
    sa.Index(None, "restores"),
    comment="Many workflows published as one, in waves.",
)

change_set_member = sa.Table(
    "change_set_member",
    metadata,
    identity(),
    sa.Column("change_set_id", Id, nullable=False, comment="Change set."),
    sa.Column("workflow_id", Id, nullable=False, comment="Workflow."),
    sa.Column("wave", sa.Integer, nullable=False, comment="From 1; a wave begins when the one before has ended."),
    sa.Column("state", sa.String(20), nullable=False, server_default="waiting", comment="How it stands."),
    sa.Column("version_no", sa.Integer, comment="Version it is about; NULL = whatever the engine holds."),
    sa.Column("before", sa.Text, comment="JSON of what was confirmed before the set began; NULL = never deployed."),
    sa.Column("target", sa.Text, comment="JSON of what a set that restores brings back."),
    sa.Column("after_record", Id, comment="Restores what this record did; a newer one leaves nothing to restore."),
    sa.Column("record_id", Id, comment="Its publish record, once it was begun."),
    sa.Column("reason", sa.Text, comment="Why it failed or was skipped."),
    one_of("state", ("waiting", "open", "success", "failed", "skipped")),
    sa.UniqueConstraint("change_set_id", "workflow_id"),
    sa.Index(None, "workflow_id"),
    sa.Index(None, "record_id"),
    comment="One workflow of a change set.",
)

engine_pace = sa.Table(
    "engine_pace",
    metadata,
    sa.Column("engine_id", Id, primary_key=True, autoincrement=False, comment="Engine."),
    sa.Column("free_at", UtcDateTime, nullable=False, comment="No write is begun before that."),
    comment="When an engine may be written to again, whoever writes.",
)
