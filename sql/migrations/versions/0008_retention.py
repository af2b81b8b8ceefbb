"""Retention: rules, tags of versions, how a clean-up comes on; and the headstone of a version that was removed.

Safe with old code running as long as nobody cleans up: adds tables, indexes and a column that may be NULL.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from wfgov_dagster.store import views

revision, down_revision = "0008", "0007"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INDEXES = (
    ("ix_engine_deployment_version_workflow", "engine_deployment_version", ["workflow_id"]),
    ("ix_engine_deployment_workflow", "engine_deployment", ["workflow_id"]),
    ("ix_task_definition_body_hash", "task_definition", ["body_hash"]),
    ("ix_task_definition_log_body_hash", "task_definition_log", ["body_hash"]),
    ("ix_workflow_definition_snapshot_content_hash", "workflow_definition_snapshot", ["content_hash"]),
    ("ix_workflow_definition_snapshot_workflow", "workflow_definition_snapshot", ["workflow_id"]),
)


def key(length: int) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(postgresql.VARCHAR(length, collation="C"), "postgresql")


def moment(name: str, comment: str, *, nullable: bool = False) -> sa.Column[object]:
    default = None if nullable else sa.text("CURRENT_TIMESTAMP")
    return sa.Column(name, sa.DateTime(timezone=True), server_default=default, nullable=nullable, comment=comment)


def upgrade() -> None:
    op.create_table(
        "retention_rule",
        sa.Column("workflow_code", key(100), nullable=False, comment="Workflow; empty = every one."),
        sa.Column("keep_last", sa.Integer(), comment="So many newest versions stay; NULL = as for every workflow."),
        sa.Column("keep_days", sa.Integer(), comment="What is younger stays, 0 = none; NULL = as for every workflow."),
        sa.Column("keep_tagged", sa.SmallInteger(), comment="1 = tagged ones stay; NULL = as for every workflow."),
        sa.Column("keep_published", sa.SmallInteger(), comment="1 = published stay; NULL = as for every workflow."),
        sa.Column("set_by", key(100), nullable=False, comment="Who said so."),
        moment("set_at", "When."),
        sa.PrimaryKeyConstraint("workflow_code", name=op.f("pk_retention_rule")),
        comment="Which versions a clean-up leaves, beside those that are protected.",
    )
    op.create_table(
        "workflow_version_tag",
        sa.Column("workflow_id", ID, autoincrement=False, nullable=False, comment="Workflow."),
        sa.Column("tag", key(100), nullable=False, comment="A name for one version of it."),
        sa.Column("version_id", ID, nullable=False, comment="That version."),
        sa.Column("tagged_by", key(100), nullable=False, comment="Who."),
        moment("tagged_at", "When."),
        sa.PrimaryKeyConstraint("workflow_id", "tag", name=op.f("pk_workflow_version_tag")),
        comment="Names that people give to versions.",
    )
    op.create_table(
        "clean_up_cursor",
        sa.Column("flow_id", ID, autoincrement=False, nullable=False, comment="Durable flow of the clean-up."),
        sa.Column("step", key(20), nullable=False, comment="Flow node."),
        sa.Column("done_to", key(400), nullable=False, comment="Everything up to this key is done."),
        sa.PrimaryKeyConstraint("flow_id", "step", name=op.f("pk_clean_up_cursor")),
        comment="How far a clean-up has come.",
    )
    op.create_table(
        "clean_up_count",
        sa.Column("flow_id", ID, autoincrement=False, nullable=False, comment="Durable flow of the clean-up."),
        sa.Column("workflow_code", key(100), nullable=False, comment="Workflow; empty = of tasks, which are nobody's."),
        sa.Column("what", key(20), nullable=False, comment="versions, edges, tasks, bodies."),
        sa.Column("rows", ID, nullable=False, comment="Rows that were removed."),
        sa.Column("bytes", ID, nullable=False, comment="What was in them."),
        sa.PrimaryKeyConstraint("flow_id", "workflow_code", "what", name=op.f("pk_clean_up_count")),
        comment="What a clean-up has removed.",
    )
    op.create_table(
        "clean_up_engine_version",
        sa.Column("flow_id", ID, autoincrement=False, nullable=False, comment="Durable flow of the clean-up."),
        sa.Column("engine_id", ID, autoincrement=False, nullable=False, comment="Engine."),
        sa.Column("workflow_code", key(100), nullable=False, comment="Workflow."),
        sa.Column(
            "engine_version",
            sa.Integer(),
            autoincrement=False,
            nullable=False,
            comment="The engine's own version; 0 = its list could not be read.",
        ),
        sa.Column("outcome", sa.String(10), nullable=True, comment="NULL = asked for, answer not known."),
        sa.Column("message", sa.Text(), nullable=True, comment="The engine's word."),
        moment("asked_at", "Committed before the call."),
        sa.CheckConstraint(
            "outcome IN ('removed', 'refused', 'unknown')", name=op.f("ck_clean_up_engine_version_outcome")
        ),
        sa.PrimaryKeyConstraint(
            "flow_id", "engine_id", "workflow_code", "engine_version", name=op.f("pk_clean_up_engine_version")
        ),
        comment="Versions that an engine was asked to forget.",
    )
    op.add_column(
        "workflow_version",
        moment("removed_at", "When a clean-up emptied it; the row stays for what names it.", nullable=True),
    )
    for name, table, columns in INDEXES:
        op.create_index(op.f(name), table, columns)
    op.create_index(
        op.f("ix_workflow_version_rollback_of"),
        "workflow_version",
        ["workflow_id", "rollback_of"],
        sqlite_where=sa.text("rollback_of IS NOT NULL"),
        postgresql_where=sa.text("rollback_of IS NOT NULL"),
    )
    op.execute("DROP VIEW workflow_edge_version")
    op.execute(views.text("workflow_edge_version"))


def downgrade() -> None:
    op.drop_index(op.f("ix_workflow_version_rollback_of"), table_name="workflow_version")
    for name, table, _ in reversed(INDEXES):
        op.drop_index(op.f(name), table_name=table)
    op.drop_column("workflow_version", "removed_at")
    tables = ("clean_up_engine_version", "clean_up_count", "clean_up_cursor", "workflow_version_tag", "retention_rule")
    for table in tables:
        op.drop_table(table)
