"""workflow_version.above_hash: what was above a version when it was made.

Safe with old code running: adds a column that may be NULL; NULL = nobody looked.
"""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0011", "0010"


def upgrade() -> None:
    above = sa.Column(
        "above_hash",
        sa.String(80),
        nullable=True,
        comment="Of the workflows above it when it was made; empty = none, NULL = made before this column.",
    )
    op.add_column("workflow_version", above)


def downgrade() -> None:
    op.drop_column("workflow_version", "above_hash")
