"""Versions that were read from an export; and indexes that find them, and pins whose time is over.

Safe with old code running: adds a column that may be NULL, and indexes.
"""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0010", "0009"

INDEXES = (
    ("ix_data_workflow_pinned_until", "data_workflow", "pinned_until", "pinned_until IS NOT NULL"),
    ("ix_workflow_version_imported", "workflow_version", "workflow_id", "imported_from IS NOT NULL"),
)


def upgrade() -> None:
    said = "Export that it was read from: version, workflow and who; such a version is a baseline."
    op.add_column("workflow_version", sa.Column("imported_from", sa.String(300), comment=said))
    for name, table, column, condition in INDEXES:
        some = sa.text(condition)
        op.create_index(name, table, [column], sqlite_where=some, postgresql_where=some)


def downgrade() -> None:
    for name, table, *_ in INDEXES:
        op.drop_index(name, table)
    op.drop_column("workflow_version", "imported_from")
