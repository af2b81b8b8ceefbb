"""Whoever asked for a publish drives its flow, so that it begins at once; what has to wait goes on without him."""

from collections.abc import Callable
from dataclasses import dataclass

from wfgov_dagster.domain.flow import Again
from wfgov_dagster.errors import Conflict
from wfgov_dagster.usecases.advance_flow import drive_flow
from wfgov_dagster.usecases.end_publish import done
from wfgov_dagster.usecases.flow_manager import Ended, FlowManager, Held
from wfgov_dagster.usecases.publisher import Done

_PATIENCE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Left:
    """It goes on by itself: the watch loop takes it up when it is due."""

    record_id: int
    flow_id: int
    phase: str
    seconds: float

    def sentence(self) -> str:
        return f"{self.phase}: flow {self.flow_id} goes on by itself, in {self.seconds:.0f} s"


def drive_publish(
    manager: FlowManager,
    record_id: int,
    sleep: Callable[[float], None],
    *,
    wait: bool = True,
    tell: Callable[[str], None] = lambda _line: None,
) -> Done | Left:
    """How the record stands in the end: ended, or waiting for a person or the sweeper. Without `wait` it is left as
    soon as it has to wait for longer than a moment. `tell` hears of every longer wait."""
    with manager.store.read() as work:
        flow_id = work.publishing.job(record_id).flow_id
    if flow_id is None:
        raise Conflict("it has no flow", where=f"publish record {record_id}", hint=f"wfgov record retry {record_id}")
    while True:
        said = drive_flow(manager, flow_id, sleep, _PATIENCE_SECONDS)
        with manager.store.read() as work:
            job = work.publishing.job(record_id)
            if isinstance(said, Ended) or job.status != "pending":
                return done(work, record_id)
        left = Left(record_id, flow_id, job.phase, _seconds(said))
        if not wait:
            return left
        tell(f"publish record {record_id} is {job.phase}, next look in {left.seconds:.0f} s"
             + (f": {job.error}" if job.error else ""))  # fmt: skip
        sleep(left.seconds)


def _seconds(said: Again | Held) -> float:
    return said.after_seconds if isinstance(said, Again) else min(said.seconds, 5.0)
