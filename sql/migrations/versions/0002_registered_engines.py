"""Registered engines: what a server needs to know, its sealed token, who registered it; the engine that a workflow names.

Safe with old code running: every new column may be NULL, and old code does not ask for it.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision, down_revision = "0002", "0001"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def key(length: int) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(postgresql.VARCHAR(length, collation="C"), "postgresql")


ENGINE = (
    ("tenant", sa.String(100), "Tenant that instances run as; NULL = the server's own default."),
    ("worker_group", sa.String(100), "Worker group; NULL = the server's own default."),
    ("time_zone", sa.String(100), "IANA zone of the server's times without a zone; NULL = UTC."),
    ("family", sa.String(20), "Dialect, pinned when it was found out; NULL = not known yet."),
    ("credential_sealed", sa.Text(), "The token, encrypted; the key is not in the database."),
    ("created_by", key(100), "Who registered it; NULL = it was there before anybody was asked."),
    ("removed_at", sa.DateTime(timezone=True), "When it was removed; its name stays taken, for its history."),
)


def upgrade() -> None:
    for name, type_, comment in ENGINE:
        op.add_column("engine", sa.Column(name, type_, nullable=True, comment=comment))
    op.add_column(
        "data_workflow",
        sa.Column("engine_id", ID, nullable=True, comment="Engine that it is published to; NULL = the default one."),
    )


def downgrade() -> None:
    op.drop_column("data_workflow", "engine_id")
    for name, _, _ in reversed(ENGINE):
        op.drop_column("engine", name)
