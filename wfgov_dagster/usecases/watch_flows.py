"""The watch loop's work: find what is due and drive each until it waits. A flow that fails never blocks another."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from wfgov_dagster.domain.flow import Again
from wfgov_dagster.domain.flow_steps import Failed, failed
from wfgov_dagster.domain.redact import told
from wfgov_dagster.errors import DatabaseBusy, FlowDefineNotFound, NotFound, WfgovError
from wfgov_dagster.usecases import count_calls
from wfgov_dagster.usecases.advance_flow import drive_flow
from wfgov_dagster.usecases.do_chores import EVERY_SECONDS, Chores, do_chores
from wfgov_dagster.usecases.flow_manager import Ended, FlowManager, Held, NodeReport
from wfgov_dagster.usecases.flows import due

TICK_SECONDS: Final = 1.0  # between two looks of a watch loop of our own
SHORT_SECONDS: Final = 2.0  # a wait that whoever drives a batch waits for, too
_PATIENCE_SECONDS: Final = 0.2  # of a worker: while it waits for one flow, others wait for it
_PUT_OFF_SECONDS: Final = 60.0

Said: TypeAlias = Ended | Again | Held | Failed


@dataclass(frozen=True, slots=True)
class Sleeper:
    """How whoever drives waits, and whether it shall come to an end soon."""

    sleep: Callable[[float], None]
    should_stop: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Ears:
    """Who is told what: each word of a flow node, where a flow was left, and that nobody could look."""

    on_event: Callable[[NodeReport], None]
    on_said: Callable[[int, Said], None]
    on_failure: Callable[[WfgovError], None]


class Watch:
    """What a loop asks each tick. For so many seconds: it ends when nothing is due, not even soon, or they are over,
    and a failure to look is raised. With chores: it goes on for ever, does them, too, and tells failures.

    While nothing is due a look is one query, whatever there is to look for.
    """

    def __init__(
        self, manager: FlowManager, ears: Ears, sleeper: Sleeper, clock: Callable[[], float], task: float | Chores
    ) -> None:
        """`clock`: seconds, monotonic."""
        self._manager, self._ears, self._clock = manager, ears, clock
        self._chores = None if isinstance(task, (int, float)) else task
        self._end = clock() + task if isinstance(task, (int, float)) else None
        self._next_chores, self._next_counts = clock(), clock() + count_calls.EVERY_SECONDS
        self._sleeper = replace(sleeper, should_stop=lambda: sleeper.should_stop() or self._is_over())
        self._due_at: dict[int, float] = {}

    def due(self) -> list[int]:
        try:
            return due(self._manager) if self._chores is None else self._look(self._chores)
        except WfgovError as exc:
            if self._end is not None:
                raise
            self._ears.on_failure(exc)  # the next look may find the database again
            return []

    def _look(self, chores: Chores) -> list[int]:
        with self._manager.store.read() as work:
            waiting = work.looks.waiting(self._manager.definitions.keys())
        if waiting.chores and self._clock() >= self._next_chores:
            do_chores(chores, self._ears.on_failure)
            self._next_chores = self._clock() + EVERY_SECONDS
        if self._clock() >= self._next_counts:
            self._next_counts = self._clock() + count_calls.EVERY_SECONDS
            chores.keep_counts()
        return due(self._manager) if waiting.flows else []

    def care(self, flow_id: int) -> None:
        said = take_care(self._manager, flow_id, self._sleeper)
        self._due_at.pop(flow_id, None)
        if isinstance(said, Again):
            self._due_at[flow_id] = self._clock() + said.after_seconds
        self._ears.on_said(flow_id, said)

    def goes_on(self, busy: bool) -> bool:
        return self._end is None or ((busy or self._is_due_soon()) and not self._sleeper.should_stop())

    def _is_over(self) -> bool:
        return self._end is not None and self._clock() >= self._end

    def _is_due_soon(self) -> bool:
        """One that was due two looks ago is with somebody else."""
        now = self._clock()
        return any(-2 * TICK_SECONDS <= due_at - now <= SHORT_SECONDS for due_at in list(self._due_at.values()))


def take_care(manager: FlowManager, flow_id: int, sleeper: Sleeper) -> Said:
    """Never raises. A flow that cannot even be advanced says so itself and is put off, so that it does not come first
    for ever."""
    try:
        return drive_flow(manager, flow_id, sleeper.sleep, _PATIENCE_SECONDS, sleeper.should_stop)
    except (FlowDefineNotFound, DatabaseBusy, NotFound) as exc:
        return failed(exc)
    except WfgovError as exc:
        return _put_off(manager, flow_id, failed(exc))
    except Exception as exc:  # noqa: BLE001 - a fault of ours with one flow shall not end the loop
        return _put_off(manager, flow_id, Failed(WfgovError.code, told(exc)))


def _put_off(manager: FlowManager, flow_id: int, failure: Failed) -> Failed:
    try:
        with manager.store.write() as work:
            work.flows.set_error(flow_id, failure)
            work.flows.later(flow_id, _PUT_OFF_SECONDS)
    except WfgovError as exc:
        return failed(exc)
    return failure


def describe(flow_id: int, said: Said) -> str:
    """One line for people."""
    match said:
        case Ended():
            tail = f": {said.message}" if said.message else ""
            return f"flow {flow_id}: {said.state}{tail}"
        case Again():
            return f"flow {flow_id}: waits {said.after_seconds:.1f} s"
        case Held():
            return f"flow {flow_id}: {said.holder} is at it"
        case Failed():
            return f"flow {flow_id}: {said.message}"


def describe_event(event: NodeReport) -> str:
    """One line for people."""
    tail = f", {event.message}" if event.message else ""
    what = f"flow {event.flow_id} {event.flow_name}: {event.action} {event.node}"
    return f"{what}, try {event.attempt}: {event.outcome}{tail}"
