"""Times that a server writes without a zone."""

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from wfgov_dagster.errors import EngineUnreachable


@dataclass(frozen=True, slots=True)
class Clock:
    """`zone`: the one of its answers."""

    zone: ZoneInfo

    def moment(self, text: object) -> datetime:
        """As aware UTC."""
        try:
            return datetime.strptime(str(text), "%Y-%m-%d %H:%M:%S").replace(tzinfo=self.zone).astimezone(UTC)
        except ValueError as exc:
            raise EngineUnreachable(f"{text!r} is no time as it is written by its kind") from exc

    def moment_or_none(self, text: object) -> datetime | None:
        return None if text is None else self.moment(text)
