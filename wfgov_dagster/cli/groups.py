"""The tree of commands, as far as it has branches; `session.command` hangs the leaves on them."""

import click

_HELP = {"help_option_names": ["-h", "--help"]}


@click.group(context_settings=_HELP)
def cli() -> None:
    """Govern data workflows, from lineage metadata to a verified publish.

    The database is the one of WFGOV_DATABASE_URL, else SQLite in WFGOV_HOME (default ./.wfgov). Results go to stdout,
    everything else to stderr. Exit codes: 0 done, 1 refused or failed, 2 usage, 3 a difference exists.
    """


@cli.group("db")
def db_group() -> None:
    """The platform's own database."""


@cli.group("import")
def import_group() -> None:
    """Bring metadata in: tasks, tables, lineage. An import owns what its source brought."""


@cli.group("workflow")
def workflow_group() -> None:
    """Workflows and their platform state."""


@cli.group("version")
def version_group() -> None:
    """Versions V1, V2 … of a workflow."""


@cli.group("snapshot")
def snapshot_group() -> None:
    """Versions as they were frozen for a publish: draft, then published or failed."""


@cli.group("candidate")
def candidate_group() -> None:
    """Definitions that wait to become versions of pinned workflows."""


@cli.group("edge")
def edge_group() -> None:
    """Dependencies between two workflows, which a person confirms or rejects."""


@cli.group("instance")
def instance_group() -> None:
    """Runs of workflows on an engine."""


@cli.group("change-set")
def change_set_group() -> None:
    """Many workflows that were published as one."""


@cli.group("record")
def record_group() -> None:
    """Publish records: how each publish went, and what a person says to one that does not go on by itself."""


@cli.group("flow")
def flow_group() -> None:
    """Durable flows: what publishes and other long work go through, step by step."""


@cli.group("engine")
def engine_group() -> None:
    """Engines that workflows are published to: where they answer, and how we are let in."""


@cli.group("alert")
def alert_group() -> None:
    """What failed and has to be told to somebody."""


@cli.group("retention")
def retention_group() -> None:
    """Which versions a clean-up leaves."""


@cli.group("tag")
def tag_group() -> None:
    """Names of versions, which keep them from clean-ups."""
