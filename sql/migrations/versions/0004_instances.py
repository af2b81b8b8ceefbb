"""What engines ran, as it was last seen, and which of our versions an engine's version is.

Safe with old code running: it knows nothing of these tables.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision, down_revision = "0004", "0003"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def key(length: int) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(postgresql.VARCHAR(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "engine_deployment_version",
        sa.Column("engine_id", ID, autoincrement=False, nullable=False, comment="Engine."),
        sa.Column("workflow_id", ID, autoincrement=False, nullable=False, comment="Workflow."),
        sa.Column(
            "engine_version", sa.Integer(), autoincrement=False, nullable=False, comment="The engine's own version."
        ),
        sa.Column("version_id", ID, nullable=False, comment="Version of ours that it was seen to be."),
        sa.Column(
            "confirmed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="When we last saw it.",
        ),
        sa.PrimaryKeyConstraint(
            "engine_id", "workflow_id", "engine_version", name=op.f("pk_engine_deployment_version")
        ),
        comment="Which of our versions a version of an engine is.",
    )
    op.create_table(
        "engine_sync",
        sa.Column("engine_id", ID, autoincrement=False, nullable=False, comment="Engine."),
        sa.Column(
            "tried_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="When its instances were asked for last.",
        ),
        sa.Column(
            "read_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When what is kept was asked for; NULL = never read.",
        ),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False, comment="Tries in a row that failed."),
        sa.Column(
            "error_code",
            sa.String(length=50),
            nullable=True,
            comment="Code of the last try's error; NULL = it went well.",
        ),
        sa.Column("error", sa.Text(), nullable=True, comment="Its sentence."),
        sa.Column("newest_instance", key(100), nullable=True, comment="Newest instance seen."),
        sa.Column(
            "newest_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When it was asked for, by the engine's clock.",
        ),
        sa.Column(
            "quiet_until",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="What ended by then, by the engine's clock, is no news.",
        ),
        sa.PrimaryKeyConstraint("engine_id", name=op.f("pk_engine_sync")),
        comment="How old the kept runs of an engine are.",
    )
    op.create_table(
        "task_instance_cache",
        sa.Column("engine_id", ID, autoincrement=False, nullable=False, comment="Engine."),
        sa.Column("instance_id", key(100), nullable=False, comment="The engine's own id of the workflow's run."),
        sa.Column("task_code", key(255), nullable=False, comment="Task."),
        sa.Column("state", sa.String(length=20), nullable=False, comment="State."),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False, comment="Tries so far."),
        sa.Column("exit_code", sa.Integer(), nullable=True, comment="Of the last try, if the engine says."),
        sa.Column(
            "started_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When its first try began, by the engine's clock.",
        ),
        sa.Column(
            "ended_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When its last try ended, by the engine's clock.",
        ),
        sa.Column("error", sa.Text(), nullable=True, comment="Why it failed, if the engine says."),
        sa.CheckConstraint(
            "state IN ('waiting', 'running', 'success', 'failed', 'skipped', 'stopped')",
            name=op.f("ck_task_instance_cache_state"),
        ),
        sa.PrimaryKeyConstraint("engine_id", "instance_id", "task_code", name=op.f("pk_task_instance_cache")),
        comment="Runs of tasks inside the runs that are kept.",
    )
    op.create_table(
        "workflow_instance_cache",
        sa.Column("engine_id", ID, autoincrement=False, nullable=False, comment="Engine."),
        sa.Column("instance_id", key(100), nullable=False, comment="The engine's own id of it."),
        sa.Column("workflow_id", ID, nullable=False, comment="Workflow."),
        sa.Column(
            "version_no",
            sa.Integer(),
            nullable=True,
            comment="Our version that ran; NULL = none of ours, or not known.",
        ),
        sa.Column("engine_version", sa.Integer(), nullable=True, comment="The engine's own version that ran."),
        sa.Column(
            "run", sa.Integer(), server_default="1", nullable=False, comment="From 1; counts where it was run again."
        ),
        sa.Column(
            "state", sa.String(length=20), nullable=False, comment="State; lost = the engine forgot it before its end."
        ),
        sa.Column(
            "trigger", sa.String(length=50), nullable=False, comment="manual, schedule or the engine's own word."
        ),
        sa.Column("started_by", sa.String(length=255), nullable=False, comment="Who, on the engine."),
        sa.Column(
            "submitted_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="When it was asked for, by the engine's clock.",
        ),
        sa.Column(
            "started_at", sa.DateTime(timezone=True), nullable=True, comment="When it began, by the engine's clock."
        ),
        sa.Column(
            "ended_at", sa.DateTime(timezone=True), nullable=True, comment="When it ended, by the engine's clock."
        ),
        sa.Column("error", sa.Text(), nullable=True, comment="Why it failed, if the engine says."),
        sa.Column("page", sa.Text(), nullable=True, comment="Its page on the engine."),
        sa.Column(
            "tasks_due",
            sa.SmallInteger(),
            server_default="0",
            nullable=False,
            comment="1 = its tasks are not read yet as they are now.",
        ),
        sa.Column(
            "told_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When Dagster was told what it wrote, or need not be; NULL = not yet.",
        ),
        sa.Column(
            "changed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="When we saw it change last.",
        ),
        sa.CheckConstraint(
            "state IN ('submitted', 'running', 'success', 'failed', 'stopped', 'lost')",
            name=op.f("ck_workflow_instance_cache_state"),
        ),
        sa.PrimaryKeyConstraint("engine_id", "instance_id", name=op.f("pk_workflow_instance_cache")),
        comment="The last runs of each workflow on each engine. They stay when the engine forgets them.",
    )
    op.create_index(
        "ix_workflow_instance_cache_workflow", "workflow_instance_cache", ["workflow_id", "submitted_at"], unique=False
    )


def downgrade() -> None:
    op.drop_index("ix_workflow_instance_cache_workflow", table_name="workflow_instance_cache")
    op.drop_table("workflow_instance_cache")
    op.drop_table("task_instance_cache")
    op.drop_table("engine_sync")
    op.drop_table("engine_deployment_version")
