"""Column types and small makers that every table uses."""

from collections.abc import Iterable
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = sa.MetaData(naming_convention=NAMING)

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite counts up by itself only in an INTEGER key


class UtcDateTime(sa.TypeDecorator[datetime]):
    """Aware UTC in code; UTC in the database (SQLite without, PostgreSQL with time zone)."""

    # SQLAlchemy hands over a dialect that neither direction needs: hence ARG002
    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone has no place in the database")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def key(length: int) -> sa.types.TypeEngine[str]:
    """Text that is sorted or compared: by bytes on both databases (SQLite does by itself)."""
    return sa.String(length).with_variant(postgresql.VARCHAR(length, collation="C"), "postgresql")


def identity() -> sa.Column[int]:
    return sa.Column("id", Id, primary_key=True, autoincrement=True, comment="Never leaves the database.")


def flag(name: str, comment: str) -> sa.Column[int]:
    """A small integer 0/1, as the metadata tables of such portals have it."""
    return sa.Column(name, sa.SmallInteger, nullable=False, server_default="0", comment=comment)


def moment(name: str, comment: str, *, nullable: bool = False) -> sa.Column[datetime]:
    default = None if nullable else sa.func.current_timestamp()
    return sa.Column(name, UtcDateTime, nullable=nullable, server_default=default, comment=comment)


def one_of(column: str, values: Iterable[str]) -> sa.CheckConstraint:
    """An enum as CHECKed text: the same on both databases, and a value more is no ALTER TYPE."""
    listed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=column)
