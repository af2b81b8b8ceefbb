"""Adoption: what a DAG node needs beside data_task's columns, and a workflow's settings as a whole.

Safe with old code running: adds a table and a column that may be NULL, touches no other.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from wfgov_dagster.store import change_feed

revision, down_revision = "0006", "0003"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
BY = sa.String(100).with_variant(postgresql.VARCHAR(100, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "task_node_declaration",
        sa.Column("id", ID, autoincrement=True, nullable=False, comment="Never leaves the database."),
        sa.Column("task_id", ID, nullable=False, comment="Task."),
        sa.Column(
            "spec", sa.Text(), nullable=False, comment="JSON: parameters, resources, flags and extra of its node."
        ),
        sa.Column("declared_by", BY, nullable=False, comment="import:<source> or a person."),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="When.",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task_node_declaration")),
        sa.UniqueConstraint("task_id", name=op.f("uq_task_node_declaration_task_id")),
        comment="What the DAG node of a task needs that data_task has no column for.",
        sqlite_autoincrement=True,
    )
    op.add_column(
        "workflow_settings_declaration",
        sa.Column("settings", sa.Text(), comment="JSON: the settings as a whole; NULL = only what the columns say."),
    )
    for statement in change_feed.create_statements(op.get_bind().dialect.name, change_feed.NODES):
        op.execute(statement)


def downgrade() -> None:
    for statement in change_feed.drop_statements(op.get_bind().dialect.name, change_feed.NODES):
        op.execute(statement)
    op.drop_column("workflow_settings_declaration", "settings")
    op.drop_table("task_node_declaration")
