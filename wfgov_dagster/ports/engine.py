"""The door to a scheduler that workflows are published to. One contract suite: tests/contract/engine_contract.py."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from wfgov_dagster.domain.definition import Definition, Schedule


@dataclass(frozen=True, slots=True)
class Marker:
    """Says which of our versions a definition is. It identifies, it is never compared."""

    workflow_code: str
    version_no: int
    content_hash: str


@dataclass(frozen=True, slots=True)
class Observed:
    """What the engine holds of one workflow now.

    `definition` is read back from the engine, its schedule left out (`settings.schedule` is None); the schedule is a
    resource of its own. `marker` is None for a definition that is not ours.
    """

    definition: Definition
    online: bool
    schedule: Schedule | None
    schedule_online: bool
    engine_workflow_code: str
    engine_version: int
    marker: Marker | None = None
    engine_task_codes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Head:
    """One line of the engine's list. Equal `revision` = nothing of definition, tasks, schedule changed since."""

    engine_workflow_code: str
    engine_version: int
    online: bool
    schedule_online: bool
    revision: str


@dataclass(frozen=True, slots=True)
class Instance:
    """One run. `state`: submitted, running, success, failed, stopped. Times are aware UTC."""

    instance_id: str
    workflow_code: str
    version_no: int | None
    state: str
    trigger: str
    started_by: str
    submitted_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class TaskInstance:
    """One task of a run. `state`: waiting, running, success, failed, skipped, stopped."""

    task_code: str
    state: str
    attempt: int
    exit_code: int | None
    started_at: datetime | None
    ended_at: datetime | None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class EngineVersion:
    version: int
    marker: Marker | None
    created_at: datetime


class Engine(Protocol):
    """A scheduler. A call repeated has no further effect, `start` included (by its request key).

    Raises EngineRejected (the engine said no: nothing applied), EngineUnreachable (nothing applied) or, from a call
    that writes, OutcomeUnknown (no readable reply). Retry class: R = reads, repeat freely; W = writes, repeat only
    after an observation.
    """

    @property
    def name(self) -> str: ...

    @property
    def kind(self) -> str:
        """embedded, dolphin or dinky."""

    def observe(self, workflow_code: str) -> Observed | None:
        """R. What the engine holds now, None if it knows no such workflow."""

    def heads(self) -> Mapping[str, Head]:
        """R. All that it holds, by workflow code (the engine's name of it), in a fixed number of list calls."""

    def shown(self, definition: Definition) -> Definition:
        """No call: the definition as `observe` gives it back once it is deployed. An engine may show less than it was
        given; what is desired is there when `shown(desired)` equals what is observed."""

    def shown_schedule(self, schedule: Schedule) -> Schedule:
        """No call: the schedule as `observe` gives it back; one that the engine cannot hold stays as it is."""

    def deploy(self, definition: Definition, marker: Marker) -> None:
        """W. Hold this definition in place of the old one; a new workflow is offline and has no schedule.

        Rejected while online. Content that the engine already holds makes no new engine version. The definition's
        own schedule is not deployed: see `put_schedule`.
        """

    def online(self, workflow_code: str) -> None:
        """W. Instances may start. Rejected for an unknown workflow. The schedule stays as it is."""

    def offline(self, workflow_code: str) -> None:
        """W. No instance starts any more, and the schedule goes offline with it. Rejected for an unknown workflow."""

    def put_schedule(self, workflow_code: str, schedule: Schedule | None) -> None:
        """W. Create or replace the schedule, offline; None removes it. Rejected while the workflow is offline."""

    def schedule_online(self, workflow_code: str) -> None:
        """W. The cron fires. Rejected without a schedule or while the workflow is offline."""

    def schedule_offline(self, workflow_code: str) -> None:
        """W. The cron does not fire. Rejected without a schedule."""

    def start(self, workflow_code: str, request_key: str, started_by: str) -> str:
        """W. Ask for one instance; returns its id. Rejected while the workflow is offline or unknown.

        The same `request_key` again returns the same instance.
        """

    def stop(self, instance_id: str) -> None:
        """W. Ask a running instance to end. No effect on one that has ended; rejected for an unknown one."""

    def instances(self, workflow_code: str | None, limit: int) -> Sequence[Instance]:
        """R. The newest first; None = of all workflows."""

    def instance(self, instance_id: str) -> Instance:
        """R. Rejected for an unknown one."""

    def task_instances(self, instance_id: str) -> Sequence[TaskInstance]:
        """R. By task code. Rejected for an unknown instance."""

    def task_log(self, instance_id: str, task_code: str, max_bytes: int) -> str:
        """R. The end of the log, at most `max_bytes`; empty before the task has begun. Rejected for unknown ones."""

    def versions(self, workflow_code: str) -> Sequence[EngineVersion]:
        """R. What the engine keeps, the newest first. Empty for an unknown workflow."""

    def delete_version(self, workflow_code: str, version: int) -> None:
        """W. Forget an old version. Rejected for the current one and for one that an instance is running."""
