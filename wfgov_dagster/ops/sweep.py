"""Runs whose process is gone are failed: `python -m wfgov_dagster.ops.sweep`.

Dagster notices it when a process of a run ends under its eyes. When everything was killed at once, nobody saw it, and
a run that looks alive would hold back every later one.
"""

import os
from datetime import UTC, datetime
from typing import Final

import dagster as dg

_STARTED: Final = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
SPEAKS_WITHIN_SECONDS: Final = 60


def sweep(instance: dg.DagsterInstance) -> list[str]:
    """Ids of the runs that were failed. Call it while nobody serves the instance: then no run is just beginning."""
    records = instance.get_run_records(dg.RunsFilter(statuses=_STARTED))
    dead = [record.dagster_run for record in records if not _alive(instance, record)]
    for run in dead:
        instance.report_run_failed(run, "its process ended while nobody was watching")
    return [run.run_id for run in dead]


def _alive(instance: dg.DagsterInstance, record: dg.RunRecord) -> bool:
    """A process of this machine that said it was the run's still exists; a run may be too young to have said so."""
    events = instance.all_logs(record.dagster_run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT)
    pids = {
        int(str(pid.value))
        for event in events
        if event.dagster_event is not None
        and (pid := event.dagster_event.engine_event_data.metadata.get("pid")) is not None
    }
    if not pids:
        return (datetime.now(UTC) - record.update_timestamp).total_seconds() < SPEAKS_WITHIN_SECONDS
    return any(_exists(pid) for pid in pids)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


if __name__ == "__main__":
    with dg.DagsterInstance.get() as own:
        sweep(own)
