"""A time as people write it on the command line."""

from datetime import datetime

import click

from wfgov_dagster.domain.moment import moment_of
from wfgov_dagster.errors import InvalidInput


class Moment(click.ParamType[datetime]):
    """ISO 8601: 2026-03-01, 2026-03-01T06:00, 2026-03-01T06:00+08:00. Without a zone it is UTC."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            return moment_of(str(value), "time")
        except InvalidInput as exc:
            self.fail(f"{exc}: {exc.hint}.", param, ctx)
