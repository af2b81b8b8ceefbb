"""`wfgov`: the groups, and every module that hangs a command on them.

Exit codes: 0 done, 1 refused or failed, 2 usage, 3 a difference exists (version diff, plan, drift), or something to
look at (engine test).
"""

import wfgov_dagster.cli.adoption
import wfgov_dagster.cli.alerts
import wfgov_dagster.cli.candidates
import wfgov_dagster.cli.change_sets
import wfgov_dagster.cli.clean_up
import wfgov_dagster.cli.database
import wfgov_dagster.cli.demo
import wfgov_dagster.cli.dependencies
import wfgov_dagster.cli.drift
import wfgov_dagster.cli.edges
import wfgov_dagster.cli.engines
import wfgov_dagster.cli.flows
import wfgov_dagster.cli.imports
import wfgov_dagster.cli.instances
import wfgov_dagster.cli.orchestration
import wfgov_dagster.cli.pins
import wfgov_dagster.cli.publishing
import wfgov_dagster.cli.records
import wfgov_dagster.cli.retention
import wfgov_dagster.cli.rollback
import wfgov_dagster.cli.settings
import wfgov_dagster.cli.snapshots
import wfgov_dagster.cli.up
import wfgov_dagster.cli.version_diff
import wfgov_dagster.cli.version_exchange
import wfgov_dagster.cli.version_history
import wfgov_dagster.cli.versions
import wfgov_dagster.cli.workflow_engine
import wfgov_dagster.cli.workflows  # noqa: F401 - each of these hangs its commands on their groups
from wfgov_dagster.cli.groups import cli

__all__ = ["cli", "main"]


def main() -> None:
    cli(prog_name="wfgov")
