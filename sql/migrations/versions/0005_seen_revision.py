"""engine_deployment.seen_revision: what an inspection without a difference saw last.

Safe with old code running: adds a column that may be NULL; NULL = the next inspection looks at the workflow whole.
"""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0005", "0003"


def upgrade() -> None:
    seen = sa.Column(
        "seen_revision",
        sa.Text(),
        nullable=True,
        comment="The engine's revision at the last inspection without a difference.",
    )
    op.add_column("engine_deployment", seen)


def downgrade() -> None:
    op.drop_column("engine_deployment", "seen_revision")
