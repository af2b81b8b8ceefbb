"""What the adapter of DolphinScheduler servers has to remember: codes of workflows and tasks, starts of instances.

Safe with old code running: it knows nothing of these tables.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision, down_revision = "0003", "0001"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def key(length: int) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(postgresql.VARCHAR(length, collation="C"), "postgresql")


def identity() -> sa.Column[int]:
    return sa.Column("id", ID, autoincrement=True, nullable=False, comment="Never leaves the database.")


def moment(comment: str) -> sa.Column[object]:
    now = sa.text("CURRENT_TIMESTAMP")
    return sa.Column("created_at", sa.DateTime(timezone=True), server_default=now, nullable=False, comment=comment)


def upgrade() -> None:
    op.create_table(
        "engine_task_code",
        identity(),
        sa.Column("engine_id", ID, nullable=False, comment="Engine."),
        sa.Column("workflow_code", key(100), nullable=False, comment="Workflow."),
        sa.Column("task_code", key(255), nullable=False, comment="Task; empty = the workflow itself."),
        sa.Column("engine_code", sa.BigInteger(), nullable=False, comment="What the engine calls it; kept for life."),
        moment("When it was allocated."),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_engine_task_code")),
        sa.UniqueConstraint(
            "engine_id",
            "workflow_code",
            "task_code",
            name=op.f("uq_engine_task_code_engine_id_workflow_code_task_code"),
        ),
        comment="Codes that an engine gave our workflows and tasks, written down before they were sent.",
    )
    op.create_index("ix_engine_task_code_engine_id_engine_code", "engine_task_code", ["engine_id", "engine_code"])
    op.create_table(
        "engine_start",
        identity(),
        sa.Column("engine_id", ID, nullable=False, comment="Engine."),
        sa.Column("workflow_code", key(100), nullable=False, comment="Workflow."),
        sa.Column(
            "request_key", key(100), nullable=False, comment="Whoever asks again with it gets the same instance."
        ),
        sa.Column("started_by", key(100), nullable=False, comment="Who asked."),
        sa.Column(
            "newest", sa.BigInteger(), nullable=False, comment="Newest instance of the workflow before it; 0 = none."
        ),
        sa.Column("instance_id", sa.BigInteger(), nullable=True, comment="The engine's instance; NULL = not seen yet."),
        moment("When it was asked for."),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_engine_start")),
        sa.UniqueConstraint(
            "engine_id",
            "workflow_code",
            "request_key",
            name=op.f("uq_engine_start_engine_id_workflow_code_request_key"),
        ),
        comment="Starts of instances on engines that know no request keys.",
    )
    op.create_index("ix_engine_start_engine_id_instance_id", "engine_start", ["engine_id", "instance_id"])


def downgrade() -> None:
    op.drop_table("engine_start")
    op.drop_table("engine_task_code")
