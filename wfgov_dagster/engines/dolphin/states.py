"""Rows of instances and of their tasks, in our words. One that we do not know is running until it has ended."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from wfgov_dagster.engines.dolphin.times import Clock
from wfgov_dagster.ports.engine import TaskInstance

RUNNING: Final = "running"
ENDED: Final = frozenset({"success", "failed", "stopped"})
ASKED_TO_STOP: Final = "READY_STOP"
# a paused one has ended for us: whoever goes on with it makes it run again under the same id
INSTANCE: Final[Mapping[str, str]] = {
    "SUBMITTED_SUCCESS": "submitted",
    "DELAY_EXECUTION": "submitted",
    "SERIAL_WAIT": "submitted",
    "WAIT_TO_RUN": "submitted",
    "RUNNING_EXECUTION": RUNNING,
    "READY_PAUSE": RUNNING,
    "READY_STOP": RUNNING,
    "READY_BLOCK": RUNNING,
    "FAILOVER": RUNNING,
    "PAUSE": "stopped",
    "STOP": "stopped",
    "BLOCK": "stopped",
    "FAILURE": "failed",
    "SUCCESS": "success",
}
TASK: Final[Mapping[str, str]] = {
    "SUBMITTED_SUCCESS": "waiting",
    "DELAY_EXECUTION": "waiting",
    "DISPATCH": "waiting",
    "RUNNING_EXECUTION": RUNNING,
    "NEED_FAULT_TOLERANCE": RUNNING,
    "PAUSE": "stopped",
    "STOP": "stopped",
    "KILL": "stopped",
    "FAILURE": "failed",
    "SUCCESS": "success",
    "FORCED_SUCCESS": "success",
}
TRIGGERS: Final[Mapping[str, str]] = {"SCHEDULER": "schedule", "START_PROCESS": "manual"}
UNENDED: Final = (
    "SUBMITTED_SUCCESS", "RUNNING_EXECUTION", "READY_PAUSE", "READY_STOP", "DELAY_EXECUTION", "SERIAL_WAIT",
)  # fmt: skip


def instance_state(row: Mapping[str, Any]) -> str:
    return INSTANCE.get(str(row.get("state")), RUNNING if row.get("endTime") is None else "failed")


def trigger(row: Mapping[str, Any]) -> str:
    command = str(row.get("commandType") or "")
    return TRIGGERS.get(command, command.lower())


def task_instances(
    rows: Sequence[Mapping[str, Any]], tasks: Mapping[int, str], instance: str, clock: Clock
) -> list[TaskInstance]:
    """By task code: the newest try of each. `tasks`: all of the version that runs; one without a row waits, or was
    left out where the instance has ended."""
    newest = newest_tries(rows)
    found = [_task(row, tasks[code], clock) for code, row in newest.items() if code in tasks]
    idle = {"stopped": "stopped", "success": "skipped", "failed": "skipped"}.get(instance, "waiting")
    found += [TaskInstance(task, idle, 0, None, None, None) for code, task in tasks.items() if code not in newest]
    return sorted(found, key=lambda one: one.task_code)


def newest_tries(rows: Collection[Mapping[str, Any]]) -> dict[int, Mapping[str, Any]]:
    """Each retry is a row of its own."""
    return {int(row["taskCode"]): row for row in sorted(rows, key=lambda row: int(row["id"]))}


def _task(row: Mapping[str, Any], task: str, clock: Clock) -> TaskInstance:
    state = TASK.get(str(row.get("state")), RUNNING if row.get("endTime") is None else "failed")
    return TaskInstance(
        task_code=task,
        state=state,
        attempt=int(row.get("retryTimes") or 0) + 1,
        exit_code=None,  # it is only in the log
        started_at=clock.moment_or_none(row.get("startTime")),
        ended_at=clock.moment_or_none(row.get("endTime")),
        error="it failed on the server: see its log" if state == "failed" else None,
    )
