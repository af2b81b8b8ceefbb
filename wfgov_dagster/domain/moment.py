"""Times as people write them."""

from datetime import UTC, datetime

from wfgov_dagster.errors import InvalidInput


def moment_of(text: str, where: str) -> datetime:
    """ISO 8601, in UTC where it names no zone. Raises InvalidInput; `where` is the value's name."""
    try:
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        told = "2026-11-27, 2026-11-27T02:14 or 2026-11-27T02:14:00+08:00"
        raise InvalidInput(f"{text!r} is no time", where=where, hint=told) from None
