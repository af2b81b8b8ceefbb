"""Candidates: what orchestration would make of a pinned workflow."""

import sqlalchemy as sa

from wfgov_dagster.store.schema.types import Id, identity, key, metadata, moment, one_of

workflow_candidate = sa.Table(
    "workflow_candidate",
    metadata,
    identity(),
    sa.Column("workflow_id", Id, nullable=False, comment="Workflow."),
    sa.Column("content_hash", sa.String(80), nullable=False, comment="Its document in canonical_document."),
    sa.Column("functional_hash", sa.String(80), nullable=False, comment="Without names and descriptions."),
    sa.Column("change_summary", sa.String(1000), nullable=False, comment="Against the version it was made upon."),
    sa.Column("trigger_source", sa.String(20), nullable=False, comment="What led to it."),
    sa.Column("base_version_no", sa.Integer, comment="Version that was current when it was made; NULL = none was."),
    sa.Column("state", key(20), nullable=False, server_default="open", comment="open or dropped."),
    sa.Column("reason", sa.Text, comment="Why it was dropped."),
    sa.Column("created_by", key(100), nullable=False, comment="Who proposed it."),
    sa.Column("decided_by", key(100), comment="Who dropped it."),
    moment("created_at", "When."),
    moment("decided_at", "When it was dropped.", nullable=True),
    one_of("state", ("open", "dropped")),
    one_of("trigger_source", ("task_change", "lineage_update", "manual", "api")),
    sa.Index(
        "uq_workflow_candidate_open",
        "workflow_id",
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    ),
    sa.Index(None, "workflow_id", "state"),
    comment="Definitions that wait to become versions of pinned workflows; they last as long as the pin.",
)
