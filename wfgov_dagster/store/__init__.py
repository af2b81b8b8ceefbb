"""The platform's own database. SQLAlchemy lives only in here."""
