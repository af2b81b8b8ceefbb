"""What Dagster's run history says about asking for another run of a job."""

import math
from collections.abc import Mapping
from typing import Final

import dagster as dg

EVERY_SECONDS: Final = 3  # Dagster's daemon looks every 5: with 5 here it would pass over every other time
FIRST_WAIT_SECONDS: Final = 5
LONGEST_WAIT_SECONDS: Final = 300
_LOOKED_AT: Final = 8  # failures in a row from which the longest wait is reached
_UNFINISHED: Final = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def unfinished(instance: dg.DagsterInstance, job: str, tags: Mapping[str, str] | None = None) -> bool:
    return instance.get_runs_count(dg.RunsFilter(job_name=job, tags=tags, statuses=_UNFINISHED)) > 0


def unfinished_since(instance: dg.DagsterInstance, job: str) -> list[float]:
    """When each unfinished run began; one that is still queued counts as beginning now and for ever."""
    records = instance.get_run_records(dg.RunsFilter(job_name=job, statuses=_UNFINISHED))
    return [record.start_time or math.inf for record in records]


def seconds_to_wait(instance: dg.DagsterInstance, job: str, now: float, tags: Mapping[str, str] | None = None) -> float:
    """5, 10, 20 … seconds after the end of the last of so many failures in a row; 0 or less = go."""
    records = instance.get_run_records(dg.RunsFilter(job_name=job, tags=tags), limit=_LOOKED_AT)
    failures = 0
    for record in records:
        if record.dagster_run.status != dg.DagsterRunStatus.FAILURE:
            break
        failures += 1
    if not failures:
        return 0.0
    wait = min(FIRST_WAIT_SECONDS << (failures - 1), LONGEST_WAIT_SECONDS)
    ended = records[0].end_time or records[0].update_timestamp.timestamp()
    return float(ended + wait - now)
