"""A time as people write it on the command line."""

from datetime import UTC, datetime
from typing import Any

import click


class Moment(click.ParamType[Any]):
    """ISO 8601: 2026-03-01, 2026-03-01T06:00, 2026-03-01T06:00+08:00. Without a zone it is UTC."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        try:
            found = datetime.fromisoformat(str(value))
            return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is no time: 2026-03-01 or 2026-03-01T06:00+08:00.", param, ctx)
