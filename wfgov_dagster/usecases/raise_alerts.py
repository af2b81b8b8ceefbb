"""Who makes something fail calls one of these in the same transaction."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from wfgov_dagster.domain.alert import (
    Alert,
    AlertKind,
    FailedInstance,
    of_instance,
    run_path,
    runs_of_record,
    subject,
)
from wfgov_dagster.domain.flow_steps import Failed
from wfgov_dagster.domain.publish import Phase
from wfgov_dagster.errors import ForeignEdit, PublishFailed, PublishParked
from wfgov_dagster.ports.engine import TaskInstance
from wfgov_dagster.ports.flows import FlowLease
from wfgov_dagster.ports.instances import CachedInstance
from wfgov_dagster.ports.leases import StepRow
from wfgov_dagster.ports.publishing import Job
from wfgov_dagster.ports.store import Store, Work

_KINDS: Final = {
    Phase.FAILED: AlertKind.PUBLISH_FAILED,
    Phase.REJECTED: AlertKind.PUBLISH_FAILED,
    Phase.PARKED: AlertKind.PUBLISH_PARKED,
    Phase.PAUSED: AlertKind.PUBLISH_PAUSED,
}
_TOLD_BY_THE_RECORD: Final = frozenset({PublishFailed.code, PublishParked.code, ForeignEdit.code})


def publish_failed(work: Work, job: Job, phase: Phase, error: tuple[str, str]) -> None:
    """`phase`: the one it is in now, its note is written. What is superseded, or aborted by a person, is no fault."""
    kind = _KINDS.get(phase)
    if kind is None:
        return
    code, sentence = error
    number = len(work.publishing.notes(job.record_id))  # a record that is tried again may fail again
    links = {"look": f"wfgov record show {job.record_id}", "run": runs_of_record(job.record_id)}
    work.alerts.add(
        Alert(
            kind,
            f"{subject('record', job.record_id)}:{phase}:{number}",
            f"{job.operation} of V{job.version.version_no} of workflow {job.workflow.code} is {phase}: {sentence}",
            job.workflow.code,
            job.version.version_no,
            step=_step(work.leases.steps(job.record_id)),
            engine=job.engine.name,
            error_code=code,
            links=links,
        )
    )


def _step(steps: Sequence[StepRow]) -> str | None:
    """The one that went wrong: on the way back others came after it."""
    told = [one.step for one in steps if one.outcome != "ok"] or [one.step for one in steps]
    return told[-1] if told else None


def flow_failed(work: Work, lease: FlowLease, node: str, failure: Failed) -> None:
    """Not for the flow of a publish that ended so: its record has told it."""
    if failure.code in _TOLD_BY_THE_RECORD:
        return
    flow = work.flows.get(lease.flow_id)
    work.alerts.add(
        Alert(
            AlertKind.FLOW_FAILED,
            f"{subject('flow', flow.id)}:{lease.epoch}",
            f"flow {flow.id} ({flow.flow_name} of {flow.biz_type} {flow.biz_id}) stopped in error: {failure.message}",
            step=node,
            error_code=failure.code,
            links={"look": f"wfgov flow show {flow.id}"},
        )
    )


def instance_failed(work: Work, engine: str, cached: CachedInstance, tasks: Sequence[TaskInstance]) -> bool:
    """On an engine that is asked over a network; the embedded one tells by itself. False: it was told before."""
    one = cached.instance
    failed = [task for task in tasks if task.state == "failed"]
    first = min(failed, key=lambda task: (task.ended_at is None, task.ended_at, task.task_code), default=None)
    why = one.error or (first and (first.error or f"task {first.task_code} failed")) or "see its tasks"
    return work.alerts.add(
        of_instance(
            FailedInstance(
                one.instance_id,
                engine,
                one.workflow_code,
                one.version_no,
                why,
                None,
                None if first is None else first.task_code,
                None if first is None else first.exit_code,
                shared=True,
                run=one.run,
                page=cached.page,
            )
        )
    )


def run_failed(store: Store, job: str, run_id: str, told_by: tuple[str | None, datetime], message: str) -> bool:
    """A run of Dagster failed. `told_by`: what it was about, and when it began; False: that has told it itself."""
    about, since = told_by
    with store.write() as work:
        if about is not None and work.alerts.about(about, since):
            return False
        return work.alerts.add(
            Alert(
                AlertKind.RUN_FAILED,
                f"{subject('run', run_id)}:failed",
                f"run {run_id} of job {job} failed{f', about {about}' if about else ''}: {message}",
                step=job,
                links={"run": run_path(run_id)},
            )
        )
