"""Engines, snapshots, publish records with their steps, leases, and what we last confirmed."""

import sqlalchemy as sa

from wfgov_dagster.store.schema.types import Id, UtcDateTime, flag, identity, key, metadata, moment, one_of

engine = sa.Table(
    "engine",
    metadata,
    identity(),
    sa.Column("name", key(100), nullable=False, unique=True, comment="Its name for people and workflow keys."),
    sa.Column("kind", sa.String(20), nullable=False, comment="dolphin, dinky or embedded."),
    sa.Column("url", sa.Text, comment="Where it answers; NULL for the embedded one."),
    sa.Column("project", key(255), nullable=False, server_default="default", comment="Project on the engine."),
    sa.Column("credential_ref", sa.String(255), comment="Name of the credential, never the credential."),
    moment("created_at", "When."),
    one_of("kind", ("dolphin", "dinky", "embedded")),
    comment="Registered engines.",
)

workflow_definition_snapshot = sa.Table(
    "workflow_definition_snapshot",
    metadata,
    identity(),
    sa.Column("workflow_key", key(460), nullable=False, comment="<engine>/<project>/<workflow_code>, for life."),
    sa.Column("workflow_id", Id, nullable=False, comment="Workflow."),
    sa.Column("version_id", Id, nullable=False, comment="Version that is frozen."),
    sa.Column("engine_id", Id, nullable=False, comment="Engine it is for."),
    sa.Column("content_hash", sa.String(80), nullable=False, comment="Text in canonical_document."),
    sa.Column("status", sa.String(20), nullable=False, server_default="draft", comment="draft → published / failed."),
    flag("is_baseline", "1 = read from the engine at adoption."),
    sa.Column("error", sa.Text, comment="How the last attempt failed."),
    sa.Column("publisher", key(100), nullable=False, comment="Who."),
    sa.Column("trigger_source", sa.String(20), nullable=False, comment="What led to it."),
    sa.Column("rollback_of", sa.Integer, comment="Version number whose content came back."),
    moment("created_at", "When."),
    moment("updated_at", "When it last changed."),
    one_of("status", ("draft", "published", "failed")),
    one_of("trigger_source", ("task_change", "lineage_update", "manual", "api")),
    sa.UniqueConstraint("workflow_key", "version_id"),
    comment="The canonical document frozen for one publish; a retry uses it again.",
)

workflow_publish_record = sa.Table(
    "workflow_publish_record",
    metadata,
    identity(),
    sa.Column("workflow_id", Id, nullable=False, comment="Workflow."),
    sa.Column("version_id", Id, nullable=False, comment="Version."),
    sa.Column("snapshot_id", Id, comment="Frozen document; NULL for offline."),
    sa.Column("engine_id", Id, nullable=False, comment="Engine."),
    sa.Column("flow_id", Id, comment="Durable flow that drives it; NULL = a plain loop."),
    sa.Column("target_engine", sa.String(20), nullable=False, comment="Kind of the engine."),
    sa.Column("operation", sa.String(20), nullable=False, comment="deploy, online or offline."),
    sa.Column("status", sa.String(20), nullable=False, server_default="pending", comment="pending, success, failed."),
    sa.Column("phase", sa.String(20), nullable=False, server_default="intent", comment="Finer state of the protocol."),
    sa.Column("desired", sa.Text, comment="JSON of what the engine shall show; set by the first observation."),
    sa.Column("found", sa.Text, comment="JSON of what the engine showed before the first write."),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0", comment="Attempts that failed."),
    sa.Column("engine_workflow_code", sa.String(100), comment="The engine's own code of the workflow."),
    sa.Column("error_code", sa.String(50), comment="Code of the last error."),
    sa.Column("log", sa.Text, nullable=False, server_default="[]", comment="JSON: what was done, in order."),
    sa.Column("operator", key(100), nullable=False, comment="Who."),
    moment("created_at", "When it was asked for."),
    moment("finished_at", "When it ended.", nullable=True),
    one_of("target_engine", ("dolphin", "dinky", "embedded")),
    one_of("operation", ("deploy", "online", "offline")),
    one_of("status", ("pending", "success", "failed")),
    one_of("phase", ("intent", "running", "settling", "confirmed", "rejected", "superseded", "failed")),
    sa.Index("ix_workflow_publish_record_workflow", "workflow_id"),
    comment="One deploy / online / offline on one engine, and how it ended.",
)

publish_step = sa.Table(
    "publish_step",
    metadata,
    identity(),
    sa.Column("record_id", Id, nullable=False, comment="Publish record."),
    sa.Column("attempt", sa.Integer, nullable=False, comment="From 1."),
    sa.Column("no", sa.Integer, nullable=False, comment="From 1 inside the record."),
    sa.Column("step", sa.String(30), nullable=False, comment="What was about to be done."),
    sa.Column("request_digest", sa.String(80), nullable=False, comment="Hash of what was sent."),
    sa.Column("outcome", sa.String(10), comment="ok, rejected, unknown; NULL = begun, not known to have ended."),
    sa.Column("message", sa.Text, comment="The engine's word."),
    moment("started_at", "Committed before the call."),
    moment("ended_at", "When the outcome was known.", nullable=True),
    one_of("outcome", ("ok", "rejected", "unknown")),
    sa.UniqueConstraint("record_id", "no"),
    comment="Steps of a publish: written down before the wire is touched, and after.",
)

engine_lease = sa.Table(
    "engine_lease",
    metadata,
    sa.Column("engine_id", Id, primary_key=True, autoincrement=False, comment="Engine."),
    sa.Column("workflow_code", key(100), primary_key=True, comment="Workflow."),
    sa.Column("holder", key(200), nullable=False, comment="Who publishes."),
    sa.Column("epoch", Id, nullable=False, comment="Counts up with each taking; fences late writers."),
    sa.Column("until", UtcDateTime, nullable=False, comment="By the database's clock."),
    comment="One publisher per engine and workflow at a time.",
)

engine_deployment = sa.Table(
    "engine_deployment",
    metadata,
    sa.Column("engine_id", Id, primary_key=True, autoincrement=False, comment="Engine."),
    sa.Column("workflow_id", Id, primary_key=True, autoincrement=False, comment="Workflow."),
    sa.Column("version_id", Id, nullable=False, comment="Version we last saw it hold."),
    sa.Column("content_hash", sa.String(80), nullable=False, comment="Its content hash."),
    sa.Column("engine_workflow_code", sa.String(100), nullable=False, comment="The engine's code of the workflow."),
    sa.Column("engine_task_codes", sa.Text, nullable=False, server_default="{}", comment="JSON: task → engine's code."),
    flag("online", "1 = it was online."),
    flag("schedule_online", "1 = its schedule was online."),
    moment("confirmed_at", "When we last saw it."),
    comment="What we last confirmed an engine to hold.",
)
