"""The outbox of alerts: written in the transaction that makes something fail, delivered by whoever looks next."""

import sqlalchemy as sa

from wfgov_dagster.store.schema.types import Id, identity, key, metadata, moment, one_of

ALERT_STATES = ("waiting", "delivered", "grouped", "dead")

alert = sa.Table(
    "alert",
    metadata,
    identity(),
    sa.Column("kind", key(50), nullable=False, comment="What failed: publish_failed, instance_failed …"),
    sa.Column("dedupe_key", key(255), nullable=False, unique=True, comment="A fault has one: it is told once."),
    sa.Column("workflow_code", key(100), comment="Workflow."),
    sa.Column("version_no", sa.Integer, comment="Version of it."),
    sa.Column("task_code", key(255), comment="Task that failed."),
    sa.Column("step", key(100), comment="Publish step, flow node or job that failed."),
    sa.Column("engine_name", key(100), comment="On which engine."),
    sa.Column("error_code", sa.String(50), comment="Code of the error."),
    sa.Column("message", sa.Text, nullable=False, comment="What happened, without secrets."),
    sa.Column("links", sa.Text, nullable=False, comment="JSON: name → command, or path on the webserver."),
    moment("raised_at", "When it failed."),
    sa.Column("state", key(20), nullable=False, server_default="waiting", comment="State."),
    sa.Column("lead_id", Id, comment="Alert that speaks for this one; NULL = it speaks for itself."),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0", comment="Deliveries begun."),
    moment("due_at", "Not before; while one delivers it, when another may."),
    moment("delivered_at", "When it was delivered.", nullable=True),
    sa.Column("last_error", sa.Text, comment="How the last delivery failed."),
    one_of("state", ALERT_STATES),
    sa.Index(None, "state", "due_at"),
    sa.Index(None, "lead_id", "workflow_code", "kind", "raised_at"),
    comment="Failures to tell people about.",
)
