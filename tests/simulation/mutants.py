"""Each safeguard taken out, one at a time: a simulator that does not see the difference proves nothing.

A mutant wraps a port or replaces a function for one schedule; `kept` puts everything back.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any, Final
from unittest.mock import patch

from tests.simulation.doors import ProcessEngine
from tests.simulation.world import World
from wfgov_dagster.domain import protocol
from wfgov_dagster.domain.definition import Definition, Schedule
from wfgov_dagster.domain.protocol import Standing, Trouble
from wfgov_dagster.domain.publish import Phase
from wfgov_dagster.errors import EngineRejected, OutcomeUnknown
from wfgov_dagster.ports.engine import Marker, Observed
from wfgov_dagster.ports.flows import FlowLease
from wfgov_dagster.ports.leases import Lease, NewStep
from wfgov_dagster.store.flows import SqlFlows
from wfgov_dagster.store.leases import SqlLeases
from wfgov_dagster.store.publishing import SqlPublishing
from wfgov_dagster.usecases import begin_publish, publish, sweep_flow

Mutate = Callable[[World, ExitStack], None]


def no_lease(_world: World, stack: ExitStack) -> None:
    """Whoever asks for the lease gets it."""
    take = SqlLeases.take

    def anybody(self: SqlLeases, engine_id: int, code: str, holder: str, seconds: float) -> Lease | None:
        held = self.holder(engine_id, code)
        if held is not None and held != holder:
            self.evict(engine_id, code, held)
        return take(self, engine_id, code, holder, seconds)

    stack.enter_context(patch.object(SqlLeases, "take", anybody))


def no_flow_lease(_world: World, stack: ExitStack) -> None:
    """Whoever asks for a flow gets it."""
    take = SqlFlows.take

    def anybody(
        self: SqlFlows, flow_id: int, holder: str, seconds: float, _dead: str | None = None
    ) -> FlowLease | None:
        return take(self, flow_id, holder, seconds, self.get(flow_id).holder)

    stack.enter_context(patch.object(SqlFlows, "take", anybody))


def no_leases(world: World, stack: ExitStack) -> None:
    """Neither of the two."""
    no_lease(world, stack)
    no_flow_lease(world, stack)


def no_keep(_world: World, stack: ExitStack) -> None:
    """Nobody looks whether the lease is still his before he writes."""
    stack.enter_context(patch.object(SqlLeases, "keep", lambda *_: True))


def no_look_before_sending(_world: World, stack: ExitStack) -> None:
    """Nobody looks whether enough of the lease is left just before the call."""
    stack.enter_context(patch.object(SqlLeases, "seconds_left", lambda *_: 1e9))


def no_fence(world: World, stack: ExitStack) -> None:
    """Both looks at the lease are gone."""
    no_keep(world, stack)
    no_look_before_sending(world, stack)


def no_settle(_world: World, stack: ExitStack) -> None:
    """Success does not wait for writes without a reply."""
    stack.enter_context(patch.object(SqlLeases, "since_unknown", lambda *_: None))


def no_verify(world: World, _stack: ExitStack) -> None:
    """Replies are believed: what was answered with yes is what is seen."""
    world.engine_of = _Believer


def no_supersede(_world: World, stack: ExitStack) -> None:
    """A newer request does not end the older ones."""
    stack.enter_context(patch.object(SqlPublishing, "open_records", lambda *_: []))


def no_resume(_world: World, stack: ExitStack) -> None:
    """Steps whose process died are not taken for unknown."""
    stack.enter_context(patch.object(SqlLeases, "give_up_steps", lambda *_: []))


def no_resume_at_once(world: World, stack: ExitStack) -> None:
    """The same, and nobody waits for the lease of a dead process, which lasts nearly as long as its requests live."""
    world.plan.one_host = True
    world.plan.network.late = 0.6
    no_resume(world, stack)


def timeout_is_no(world: World, _stack: ExitStack) -> None:
    """No reply is taken for a no."""
    world.engine_of = _Impatient


def timeout_is_yes(world: World, _stack: ExitStack) -> None:
    """No reply is taken for a yes."""
    world.engine_of = _Optimist


def no_doubt(world: World, _stack: ExitStack) -> None:
    """Replies are believed, and no reply is taken for a yes."""
    world.engine_of = lambda engine: _Believer(_Optimist(engine))


def no_sweeper(_world: World, stack: ExitStack) -> None:
    """Nobody looks again for what comes late."""
    stack.enter_context(patch.object(sweep_flow, "sweep", lambda *_: []))


def late_is_nobodys(world: World, stack: ExitStack) -> None:
    """Neither the sweeper nor the next publish looks for what came late."""
    no_sweeper(world, stack)
    stack.enter_context(patch.object(begin_publish, "_late", lambda *_: None))


def no_pause(_world: World, stack: ExitStack) -> None:
    """Nobody's edit counts."""
    stack.enter_context(patch.object(publish, "strange_parts", lambda *_: {}))


def no_compensation(_world: World, stack: ExitStack) -> None:
    """What the engine refuses ends at once, whatever was written before."""
    decide = protocol.next_phase

    def ends(trouble: Trouble, standing: Standing) -> Phase | None:
        phase = decide(trouble, standing)
        end = Phase.REJECTED if trouble is Trouble.REFUSED else Phase.FAILED
        return end if phase is Phase.COMPENSATING else phase

    stack.enter_context(patch.object(publish, "next_phase", ends))


def no_intent(_world: World, stack: ExitStack) -> None:
    """A step is written down after its call."""
    begin, end = SqlLeases.begin_step, SqlLeases.end_step
    kept: list[NewStep] = []

    def begun(_self: SqlLeases, step: NewStep) -> int:
        kept.append(step)
        return 0

    stack.enter_context(patch.object(SqlLeases, "begin_step", begun))

    def ended(self: SqlLeases, step_id: int, outcome: str, message: str | None) -> None:
        end(self, begin(self, kept.pop()) if kept else step_id, outcome, message)

    stack.enter_context(patch.object(SqlLeases, "end_step", ended))


MUTANTS: Final[dict[str, Mutate]] = {
    mutate.__name__: mutate
    for mutate in (
        no_lease, no_flow_lease, no_leases, no_keep, no_look_before_sending, no_fence, no_settle, no_verify,
        no_supersede, no_resume, no_resume_at_once, timeout_is_no, timeout_is_yes, no_doubt, no_sweeper, no_pause,
        no_compensation, no_intent, late_is_nobodys,
    )
}  # fmt: skip

# What no run misses, and what is missed in its place when both are out: a second wall.
SECOND_WALLS: Final = {
    "no_sweeper": "late_is_nobodys",  # where no publish follows it is the only wall: test_publish_sweep.py
    "no_flow_lease": "no_leases",
    "no_keep": "no_fence",
    "no_verify": "no_doubt",
    "no_resume": "no_resume_at_once",
}


@contextmanager
def kept(world: World, mutant: str | None) -> Iterator[None]:
    """The safeguard is out as long as this lasts."""
    with ExitStack() as stack:
        if mutant is not None:
            MUTANTS[mutant](world, stack)
        yield


class _Believer:
    """Looks once, and then believes what is answered."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._belief: Observed | None = None
        self.name, self.kind = inner.name, inner.kind

    def observe(self, workflow_code: str) -> Observed | None:
        if self._belief is None:
            self._belief = self._inner.observe(workflow_code)
        return self._belief

    def shown(self, definition: Definition) -> Definition:
        shown: Definition = self._inner.shown(definition)
        return shown

    def shown_schedule(self, schedule: Schedule) -> Schedule:
        return schedule

    def deploy(self, definition: Definition, marker: Marker) -> None:
        bare = replace(definition, settings=replace(definition.settings, schedule=None))
        before = self._belief or Observed(bare, False, None, False, "9000", 0)
        self._tell(lambda: self._inner.deploy(definition, marker), replace(before, definition=bare, marker=marker))

    def online(self, workflow_code: str) -> None:
        self._tell(lambda: self._inner.online(workflow_code), self._with(online=True))

    def offline(self, workflow_code: str) -> None:
        self._tell(lambda: self._inner.offline(workflow_code), self._with(online=False, schedule_online=False))

    def put_schedule(self, workflow_code: str, schedule: Schedule | None) -> None:
        after = self._with(schedule=schedule, schedule_online=False)
        self._tell(lambda: self._inner.put_schedule(workflow_code, schedule), after)

    def schedule_online(self, workflow_code: str) -> None:
        self._tell(lambda: self._inner.schedule_online(workflow_code), self._with(schedule_online=True))

    def schedule_offline(self, workflow_code: str) -> None:
        self._tell(lambda: self._inner.schedule_offline(workflow_code), self._with(schedule_online=False))

    def _with(self, **changes: Any) -> Observed | None:
        return None if self._belief is None else replace(self._belief, **changes)

    def _tell(self, call: Callable[[], None], after: Observed | None) -> None:
        self._belief = None
        call()
        self._belief = after


class _Listener:
    """Between a process and its engine; what becomes of a call without a reply is a subclass's."""

    def __init__(self, inner: ProcessEngine) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        asked = getattr(self._inner, name)
        if not callable(asked):
            return asked

        def ask(*args: Any) -> Any:
            try:
                return asked(*args)
            except OutcomeUnknown as exc:
                return self.no_reply(exc)

        return ask

    def no_reply(self, exc: OutcomeUnknown) -> object:
        raise exc


class _Impatient(_Listener):
    def no_reply(self, exc: OutcomeUnknown) -> object:
        raise EngineRejected(str(exc), where=exc.where) from exc


class _Optimist(_Listener):
    def no_reply(self, exc: OutcomeUnknown) -> object:
        return None
