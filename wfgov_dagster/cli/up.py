"""wfgov up"""

import click

from wfgov_dagster.cli.groups import cli
from wfgov_dagster.cli.session import Session, command


@command(cli, "up")
@click.option("--port", type=click.IntRange(1, 65535), help="Of the webserver; else 3000, or any that is free.")
def up_command(session: Session, port: int | None) -> None:
    """Serve this installation with Dagster: its pages, its sensors, its runs. Ends with Ctrl-C or SIGTERM.

    It listens on this machine only. One home is served once.
    """
    from wfgov_dagster.wiring import serve_dagster

    session.platform.database  # noqa: B018 - a database that cannot be used is told now, not by every tick
    session.platform.close()
    serve_dagster(session.settings, port, lambda url: session.put({"url": url}, f"Dagster: {url}"))
