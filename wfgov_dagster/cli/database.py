"""wfgov db …"""

from wfgov_dagster.cli.groups import db_group
from wfgov_dagster.cli.session import Session, command


@command(db_group, "upgrade")
def upgrade(session: Session) -> None:
    """Bring the database to this release.

    An SQLite file is copied beside first. A database that a newer release made is refused.
    """
    from wfgov_dagster.wiring import upgrade_database

    revision = upgrade_database(session.settings)
    session.put({"revision": revision}, f"the database is at revision {revision}")
