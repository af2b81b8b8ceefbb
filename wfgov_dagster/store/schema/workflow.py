"""Workflows, memberships, definitions and their versions (specs A §3.2 and C)."""

import sqlalchemy as sa

from wfgov_dagster.store.schema.types import Id, UtcDateTime, identity, key, metadata, moment, one_of

canonical_document = sa.Table(
    "canonical_document",
    metadata,
    sa.Column("hash", sa.String(80), primary_key=True, comment="w1:<sha256 of the text>."),
    sa.Column("body", sa.Text, nullable=False, comment="Canonical JSON, byte for byte."),
    comment="Canonical texts, kept once per content: task bodies and whole documents.",
)

data_workflow = sa.Table(
    "data_workflow",
    metadata,
    identity(),
    sa.Column("workflow_code", key(100), nullable=False, unique=True, comment="Its name for everybody."),
    sa.Column("workflow_name", sa.String(200), nullable=False, comment="Display name."),
    sa.Column("description", sa.Text, comment="Description."),
    sa.Column("origin", sa.String(20), nullable=False, comment="declared, auto or manual: who made the grouping."),
    sa.Column("status", sa.String(20), nullable=False, server_default="draft", comment="Platform state."),
    sa.Column("publish_status", sa.String(20), nullable=False, server_default="never", comment="Last publish."),
    sa.Column("current_version_id", Id, comment="Newest version."),
    sa.Column("last_published_version_id", Id, comment="Newest version that an engine was seen to hold."),
    sa.Column("definition_hash", sa.String(80), comment="Content hash of definition_json."),
    sa.Column("definition_error", sa.Text, comment="Why the current definition cannot become a version."),
    sa.Column("entry_task_ids", sa.Text, comment="JSON list of task codes without upstream inside the workflow."),
    sa.Column("exit_task_ids", sa.Text, comment="JSON list of task codes without downstream inside the workflow."),
    sa.Column("business_domain", key(255), comment="Business domain."),
    sa.Column("owner", key(255), comment="Person or team."),
    sa.Column("owner_team", key(255), comment="Team that is responsible."),
    sa.Column("tags", sa.Text, comment="JSON list."),
    sa.Column("pinned_reason", sa.Text, comment="Pin: why automation may only make candidates."),
    sa.Column("pinned_by", key(100), comment="Pin: who."),
    sa.Column("pinned_until", UtcDateTime, comment="Pin: until when."),
    sa.Column("created_by", key(100), nullable=False, comment="Who made it."),
    sa.Column("updated_by", key(100), nullable=False, comment="Who changed it last."),
    moment("created_at", "When."),
    moment("updated_at", "When it last changed."),
    # late: SQLite reads through it to whatever stands behind
    sa.Column("definition_json", sa.Text, comment="Current definition (w1), also when it is not a version yet."),
    # added later, so behind it: only who asks which engine a workflow names reads so far
    sa.Column("engine_id", Id, comment="Engine that it is published to; NULL = the default one."),
    one_of("origin", ("declared", "auto", "manual")),
    one_of("status", ("draft", "ready", "online", "offline", "archived")),
    one_of("publish_status", ("never", "publishing", "published", "failed")),
    sa.Index(
        "ix_data_workflow_pinned_until",
        "pinned_until",
        sqlite_where=sa.text("pinned_until IS NOT NULL"),
        postgresql_where=sa.text("pinned_until IS NOT NULL"),
    ),
    comment="A schedulable DAG with a platform state and a publish state.",
)

workflow_task_relation = sa.Table(
    "workflow_task_relation",
    metadata,
    identity(),
    sa.Column("workflow_id", Id, nullable=False, comment="Workflow."),
    sa.Column("task_id", Id, nullable=False, unique=True, comment="Task: in one workflow at most."),
    sa.Column("node_attrs", sa.Text, nullable=False, server_default="{}", comment="JSON: layer, owner, tags …"),
    sa.Column("upstream_task_count", sa.Integer, nullable=False, server_default="0", comment="Direct upstream tasks."),
    sa.Column("downstream_task_count", sa.Integer, nullable=False, server_default="0", comment="Direct downstream."),
    sa.Column("version_id", Id, comment="Version in which this row last changed."),
    sa.Column("workflow_inheritance_mode", sa.String(20), nullable=False, comment="How it came here."),
    sa.Column("placed_by", key(100), nullable=False, comment="system, import:<source> or a person."),
    moment("created_at", "When."),
    moment("updated_at", "When it last changed."),
    one_of("workflow_inheritance_mode", ("auto", "inherit_upstream", "manual_select")),
    sa.Index("ix_workflow_task_relation_workflow", "workflow_id"),
    comment="Membership. It is kept while its task is deleted, so that an undeleted task returns.",
)

task_definition = sa.Table(
    "task_definition",
    metadata,
    sa.Column("task_code", key(255), primary_key=True, comment="Task."),
    sa.Column("version", sa.Integer, nullable=False, comment="Current version, from 1."),
    sa.Column("body_hash", sa.String(80), nullable=False, comment="Its content in canonical_document."),
    sa.Column("created_by", key(100), nullable=False, comment="Who made version 1."),
    moment("created_at", "When version 1 was made."),
    moment("updated_at", "When the current version was made."),
    sa.Index("ix_task_definition_body_hash", "body_hash"),
    comment="What a DAG node runs now.",
)

task_definition_log = sa.Table(
    "task_definition_log",
    metadata,
    sa.Column("task_code", key(255), primary_key=True, comment="Task."),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False, comment="From 1, never reused."),
    sa.Column("body_hash", sa.String(80), nullable=False, comment="Its content in canonical_document."),
    sa.Column("operator", key(100), nullable=False, comment="Who made this version."),
    sa.Column("created_by", key(100), nullable=False, comment="Who made version 1."),
    sa.Column("created_at", UtcDateTime, nullable=False, comment="When version 1 was made."),
    moment("operated_at", "When this version was made."),
    sa.Index("ix_task_definition_log_body_hash", "body_hash"),
    comment="Every version of a task definition.",
)

_EDGE = (
    ("workflow_code", key(100), "Workflow."),
    ("pre_task_code", key(255), "Upstream task."),
    ("post_task_code", key(255), "Downstream task."),
    ("pre_task_version", sa.Integer(), "Version of the upstream task."),
    ("post_task_version", sa.Integer(), "Version of the downstream task."),
)


def _edge_columns() -> list[sa.Column[object]]:
    return [sa.Column(name, type_, nullable=False, comment=comment) for name, type_, comment in _EDGE]


workflow_edge = sa.Table(
    "workflow_edge",
    metadata,
    identity(),
    *_edge_columns(),
    sa.Column("workflow_version", sa.Integer, nullable=False, comment="Version it belongs to."),
    sa.UniqueConstraint("workflow_code", "pre_task_code", "post_task_code"),
    comment="Edges of the current version of each workflow.",
)

workflow_edge_log = sa.Table(
    "workflow_edge_log",
    metadata,
    identity(),
    *_edge_columns(),
    sa.Column("from_version", sa.Integer, nullable=False, comment="First version of the unbroken run."),
    sa.Column("to_version", sa.Integer, comment="Last one; NULL = still there."),
    sa.Column("operator", key(100), nullable=False, comment="Who brought the edge."),
    sa.Index("ix_workflow_edge_log_workflow", "workflow_code", "to_version"),
    comment="One row per edge, task versions and unbroken run of workflow versions.",
)

workflow_task_log = sa.Table(
    "workflow_task_log",
    metadata,
    identity(),
    sa.Column("workflow_id", Id, nullable=False, comment="Workflow."),
    sa.Column("task_code", key(255), nullable=False, comment="Task of it."),
    sa.Column("task_version", sa.Integer, nullable=False, comment="Version of the task."),
    sa.Column("from_version", sa.Integer, nullable=False, comment="First version of the unbroken run."),
    sa.Column("to_version", sa.Integer, comment="Last one; NULL = still there."),
    sa.Index("ix_workflow_task_log_workflow", "workflow_id", "to_version"),
    sa.Index("ix_workflow_task_log_task", "task_code"),
    comment="One row per task, its version and unbroken run of workflow versions.",
)

workflow_version = sa.Table(
    "workflow_version",
    metadata,
    identity(),
    sa.Column("workflow_id", Id, nullable=False, comment="Workflow."),
    sa.Column("version_no", sa.Integer, nullable=False, comment="From 1, never reused; shown with a V."),
    sa.Column("structure_snapshot", sa.Text, nullable=False, comment="JSON: settings, edges from other workflows."),
    sa.Column("content_hash", sa.String(80), nullable=False, comment="Of the whole document."),
    sa.Column("functional_hash", sa.String(80), nullable=False, comment="Without names and descriptions."),
    sa.Column("change_summary", sa.String(1000), nullable=False, comment="What changed and why."),
    sa.Column("trigger_source", sa.String(20), nullable=False, comment="What led to it."),
    sa.Column("rollback_of", sa.Integer, comment="Version number whose content came back."),
    sa.Column("created_by", key(100), nullable=False, comment="Who."),
    moment("created_at", "When."),
    moment("removed_at", "When a clean-up emptied it; the row stays for what names it.", nullable=True),
    sa.Column(
        "imported_from",
        sa.String(300),
        comment="Export that it was read from: version, workflow and who; such a version is a baseline.",
    ),
    sa.Column(
        "above_hash",
        sa.String(80),
        comment="Of the workflows above it when it was made; empty = none, NULL = made before this column.",
    ),
    one_of("trigger_source", ("task_change", "lineage_update", "manual", "api")),
    sa.UniqueConstraint("workflow_id", "version_no"),
    sa.Index(
        "ix_workflow_version_rollback_of",
        "workflow_id",
        "rollback_of",
        sqlite_where=sa.text("rollback_of IS NOT NULL"),
        postgresql_where=sa.text("rollback_of IS NOT NULL"),
    ),
    sa.Index(
        "ix_workflow_version_imported",
        "workflow_id",
        sqlite_where=sa.text("imported_from IS NOT NULL"),
        postgresql_where=sa.text("imported_from IS NOT NULL"),
    ),
    comment="V1, V2 … of a workflow; immutable.",
)

cross_workflow_dependency = sa.Table(
    "cross_workflow_dependency",
    metadata,
    sa.Column("task_id", Id, primary_key=True, autoincrement=False, comment="Downstream task."),
    sa.Column("upstream_task_id", Id, primary_key=True, autoincrement=False, comment="Upstream task."),
    sa.Column("workflow_id", Id, nullable=False, comment="Workflow of the downstream task."),
    sa.Column("upstream_workflow_id", Id, nullable=False, comment="Workflow of the upstream task."),
    sa.Column("state", sa.String(20), nullable=False, server_default="unconfirmed", comment="What a person said."),
    sa.Column("decided_by", key(100), comment="Who."),
    sa.Column("reason", sa.Text, comment="Why."),
    moment("decided_at", "When.", nullable=True),
    one_of("state", ("unconfirmed", "confirmed", "rejected")),
    sa.Index("ix_cross_workflow_dependency_upstream_task", "upstream_task_id"),
    sa.Index("ix_cross_workflow_dependency_workflow", "workflow_id"),
    sa.Index("ix_cross_workflow_dependency_upstream_workflow", "upstream_workflow_id"),
    comment="Dependencies whose ends are in two workflows.",
)

workflow_operation_log = sa.Table(
    "workflow_operation_log",
    metadata,
    identity(),
    sa.Column("actor", key(100), nullable=False, comment="Who."),
    sa.Column("action", key(50), nullable=False, comment="Which use case."),
    sa.Column("object_type", key(20), nullable=False, comment="workflow, task, engine, database …"),
    sa.Column("object_code", key(255), nullable=False, comment="Which one; empty = all."),
    sa.Column("outcome", sa.String(10), nullable=False, comment="done or refused."),
    sa.Column("detail", sa.Text, nullable=False, server_default="{}", comment="JSON; never a secret."),
    moment("created_at", "When."),
    one_of("outcome", ("done", "refused")),
    sa.Index("ix_workflow_operation_log_object", "object_type", "object_code"),
    comment="Audit entries: one a use case that changes something, one a refusal.",
)

__all__ = [
    "canonical_document",
    "cross_workflow_dependency",
    "data_workflow",
    "task_definition",
    "task_definition_log",
    "workflow_edge",
    "workflow_edge_log",
    "workflow_operation_log",
    "workflow_task_log",
    "workflow_task_relation",
    "workflow_version",
]
