"""Candidates: definitions that wait to become versions of pinned workflows.

Safe with old code running: adds a table, touches no other.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision, down_revision = "0009", "0008"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WHO = sa.String(100).with_variant(postgresql.VARCHAR(100, collation="C"), "postgresql")
STATE = sa.String(20).with_variant(postgresql.VARCHAR(20, collation="C"), "postgresql")
NOW = sa.text("CURRENT_TIMESTAMP")


def upgrade() -> None:
    op.create_table(
        "workflow_candidate",
        sa.Column("id", ID, autoincrement=True, nullable=False, comment="Never leaves the database."),
        sa.Column("workflow_id", ID, nullable=False, comment="Workflow."),
        sa.Column("content_hash", sa.String(80), nullable=False, comment="Its document in canonical_document."),
        sa.Column("functional_hash", sa.String(80), nullable=False, comment="Without names and descriptions."),
        sa.Column("change_summary", sa.String(1000), nullable=False, comment="Against the version it was made upon."),
        sa.Column("trigger_source", sa.String(20), nullable=False, comment="What led to it."),
        sa.Column(
            "base_version_no",
            sa.Integer(),
            nullable=True,
            comment="Version that was current when it was made; NULL = none was.",
        ),
        sa.Column("state", STATE, server_default="open", nullable=False, comment="open or dropped."),
        sa.Column("reason", sa.Text(), nullable=True, comment="Why it was dropped."),
        sa.Column("created_by", WHO, nullable=False, comment="Who proposed it."),
        sa.Column("decided_by", WHO, nullable=True, comment="Who dropped it."),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False, comment="When."),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True, comment="When it was dropped."),
        sa.CheckConstraint("state IN ('open', 'dropped')", name=op.f("ck_workflow_candidate_state")),
        sa.CheckConstraint(
            "trigger_source IN ('task_change', 'lineage_update', 'manual', 'api')",
            name=op.f("ck_workflow_candidate_trigger_source"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workflow_candidate")),
        comment="Definitions that wait to become versions of pinned workflows; they last as long as the pin.",
    )
    is_open = sa.text("state = 'open'")
    op.create_index(
        "uq_workflow_candidate_open",
        "workflow_candidate",
        ["workflow_id"],
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    op.create_index(
        op.f("ix_workflow_candidate_workflow_id_state"), "workflow_candidate", ["workflow_id", "state"], unique=False
    )


def downgrade() -> None:
    op.drop_table("workflow_candidate")
