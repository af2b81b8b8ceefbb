"""Calls of the verbs of flows by day; and whether Dagster was told of a deployment.

Safe with old code running: adds a table and a column that may be NULL; NULL = Dagster is told once more.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision, down_revision = "0007", "0006"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
VERB = sa.String(50).with_variant(postgresql.VARCHAR(50, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "flow_call",
        sa.Column("day", sa.Date(), nullable=False, comment="Day in UTC on which it was written down."),
        sa.Column("verb", VERB, nullable=False, comment="flow_query, flow_detail, flow_start …"),
        sa.Column("calls", ID, server_default="0", nullable=False, comment="How often, failures included."),
        sa.Column("failures", ID, server_default="0", nullable=False, comment="How often in vain."),
        sa.Column("seconds", sa.Double(), server_default="0", nullable=False, comment="Of all calls together."),
        sa.PrimaryKeyConstraint("day", "verb", name=op.f("pk_flow_call")),
        comment="How often the verbs of flows were called, by all processes together.",
    )
    told = sa.Column(
        "told_at",
        sa.DateTime(timezone=True),
        nullable=True,
        comment="When Dagster was told what was confirmed; NULL = not yet.",
    )
    op.add_column("engine_deployment", told)


def downgrade() -> None:
    op.drop_column("engine_deployment", "told_at")
    op.drop_table("flow_call")
