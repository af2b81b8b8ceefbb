"""The durable flow of a clean-up: versions, then the edges, tasks and texts that nothing needs any more, then engines.

Each flow node goes in small transactions and says "not yet" about once a second, so that a stop is heeded; what is done
is gone, so whoever goes on finds what is left. How far it came is a row, only so that nobody looks twice.
"""

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Final, TypeVar

from wfgov_dagster.domain.flow import JSON, Again, FlowDefinition, FlowNode, NodeKind, Turn
from wfgov_dagster.domain.retention import ROLLBACK, HeldVersion, judge, protects
from wfgov_dagster.ports.retention import Interval, OldTask, Removed, Scanned
from wfgov_dagster.ports.store import Work
from wfgov_dagster.usecases.plan_clean_up import (
    Scope,
    dead_bodies,
    dead_edges,
    dead_members,
    dead_tasks,
    each_workflow,
)
from wfgov_dagster.usecases.publisher import Publisher
from wfgov_dagster.usecases.trim_engines import trim_engines

NAME: Final = "clean_up"
T = TypeVar("T")
_MOST_ROWS: Final = 200  # of a transaction
_LEAST_ROWS: Final = 10  # fewer are no quicker
_MOST_BYTES: Final = 1_000_000
_GOOD_SECONDS: Final = 0.02  # a transaction shall take so long: a fifth of what others may have to wait for it
_KEEP_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Janitor:
    """`now`: seconds of a clock that only goes forward. `turn_seconds`: so long a call goes on."""

    publisher: Publisher
    sleep: Callable[[float], None]
    now: Callable[[], float]
    turn_seconds: float = 1.0


def definition(janitor_of: Callable[[], Janitor]) -> FlowDefinition:
    """`janitor_of` makes one at each call: a manager may be at several flows at a time. Nothing is to be undone: what a
    cancelled clean-up has removed could go, and what it left is found by the next one."""
    steps = (("versions", _versions), ("edges", _edges), ("tasks", _tasks), ("bodies", _bodies), ("engines", _engines))
    nodes = (FlowNode(name, NodeKind.POLL, partial(_go, janitor_of, step)) for name, step in steps)
    return FlowDefinition(NAME, 1, tuple(nodes))


def scope_of(context: Mapping[str, JSON]) -> Scope:
    """As `clean_up.request` put it there."""
    codes = context.get("workflows")
    chosen = None if codes is None else [str(one) for one in codes]  # type: ignore[union-attr]
    return Scope(chosen, bool(context.get("engine_versions")))


class _Pass:
    """One call of a flow node."""

    def __init__(self, janitor: Janitor, turn: Turn) -> None:
        self.janitor, self.turn = janitor, turn
        self.store = janitor.publisher.store
        self.scope = scope_of(turn.context)
        self._until = janitor.now() + janitor.turn_seconds
        self._kept = janitor.now()
        self._rows = _LEAST_ROWS  # how quick the database is, nobody knows yet
        with self.store.read() as work:
            self.done_to = work.retention.done_to(turn.flow_id, turn.node)

    def is_over(self) -> bool:
        return self.janitor.now() >= self._until

    def batches(self, found: Iterable[T], size: Callable[[T], int]) -> Iterator[list[T]]:
        """As many as a transaction shall take now. What it takes to find them may be worked off in this very call."""
        rest = iter(found)
        while batch := self.looking(lambda: self._batch(rest, size)):
            yield batch

    def looking(self, look: Callable[[], T]) -> T:
        begun = self.janitor.now()
        found = look()
        self._until += 2 * (self.janitor.now() - begun)
        self.breathe()
        return found

    def _batch(self, rest: Iterator[T], size: Callable[[T], int]) -> list[T]:
        batch: list[T] = []
        held = 0
        while len(batch) < self._rows and held < _MOST_BYTES and (one := next(rest, None)) is not None:
            batch.append(one)
            held += size(one)
        return batch

    def breathe(self) -> None:
        if self.janitor.now() - self._kept > _KEEP_SECONDS:
            self.turn.keep()
            self._kept = self.janitor.now()

    def change(self, what: str, workflow_code: str, change: Callable[[Work], Removed]) -> None:
        """One transaction. Then rest as long as it took: others shall come to their turn."""
        with self.store.write() as work:
            begun = self.janitor.now()
            removed = change(work)
            if removed.rows:
                work.retention.count(self.turn.flow_id, workflow_code, what, removed)
        took = self.janitor.now() - begun
        if took > 2 * _GOOD_SECONDS:
            self._rows = max(_LEAST_ROWS, self._rows // 2)
        elif took < _GOOD_SECONDS:
            more = self._rows if took < _GOOD_SECONDS / 2 else self._rows // 4
            self._rows = min(_MOST_ROWS, self._rows + more)
        self.janitor.sleep(max(took, 0.001))
        self.breathe()

    def note(self, key: str) -> None:
        with self.store.write() as work:
            work.retention.set_done_to(self.turn.flow_id, self.turn.node, key)

    def result(self) -> JSON:
        with self.store.read() as work:
            if self.turn.node == "engines":
                words = work.retention.engine_words(self.turn.flow_id)
                return {"removed": sum(one.outcome == "removed" for one in words), "asked": len(words)}
            found = [one for one in work.retention.counts(self.turn.flow_id) if one.what == self.turn.node]
        return {"rows": sum(one.rows for one in found), "bytes": sum(one.bytes for one in found)}


def _go(janitor_of: Callable[[], Janitor], step: Callable[[_Pass], bool], turn: Turn) -> "JSON | Again":
    _spare_the_collector()
    mine = _Pass(janitor_of(), turn)
    return mine.result() if step(mine) else Again(0.0)


@cache
def _spare_the_collector() -> None:
    """Once a process. Dagster and what comes with it are 200,000 objects, and to look through them for cycles takes 0.2
    s: in the middle of a transaction, others would wait for that."""
    gc.freeze()


# --- versions ------------------------------------------------------------------------------------


def _versions(mine: _Pass) -> bool:
    """The newest first, so that who is interrupted comes to the same end."""

    def going(found: Scanned) -> list[HeldVersion]:
        with mine.store.read() as work:
            rule = work.retention.rule(found.code)
            few = found.versions <= rule.keep_last
            verdicts = [] if few else judge(work.retention.held(found.id), rule, work.retention.now())
        return [one.version for one in verdicts if not one.reasons]

    def clean(found: Scanned) -> bool:
        for batch in mine.batches(mine.looking(lambda: going(found)), lambda one: one.bytes):
            mine.change("versions", found.code, partial(_remove_versions, mine.turn, found.code, batch))
            if mine.is_over():
                return False
        return True

    return _each(mine, clean)


def _each(mine: _Pass, clean: Callable[[Scanned], bool]) -> bool:
    """False: it is not through with every workflow; where the next call begins is written down."""
    done_to = mine.done_to
    for found in each_workflow(mine.store, mine.scope, done_to):
        through = clean(found)
        done_to = found.code if through else done_to
        if not through or mine.is_over():
            mine.note(done_to)
            return False
    return True


def _remove_versions(turn: Turn, workflow_code: str, batch: Sequence[HeldVersion], work: Work) -> Removed:
    """Looked at once more under the workflow's lock: a publish is either before us and seen, or sees what is left."""
    rule = work.retention.rule(workflow_code)
    workflow = work.publishing.workflow(workflow_code, lock=True)
    assert workflow is not None, "workflows are never deleted"
    protected, rollbacks = work.retention.protected(workflow.id), work.retention.rollbacks(workflow.id)
    free: list[HeldVersion] = []
    for one in batch:
        why = [reason for reason in protected.get(one.id, ()) if reason != ROLLBACK and protects(reason, rule)]
        if not why and rollbacks.get(one.version_no, frozenset()) <= {gone.id for gone in free}:
            free.append(one)
    if not free:
        return Removed()
    work.retention.remove_versions(workflow.id, [one.id for one in free])
    detail = {"flow_id": turn.flow_id, "versions": sorted(one.version_no for one in free)}
    work.audit.add(turn.actor, "clean_up", ("workflow", workflow_code), detail)
    return Removed(len(free), sum(one.bytes for one in free))


# --- what nothing needs any more -----------------------------------------------------------------


def _edges(mine: _Pass) -> bool:
    """Also the intervals of tasks: they are of the same kind."""

    def clean(found: Scanned) -> bool:
        with mine.store.read() as work:
            kept = work.retention.numbers(found.id)
        steps = (("edges", dead_edges, _remove_edges), ("members", dead_members, _remove_members))
        for what, dead, remove in steps:
            for batch in mine.batches(dead(mine.store, found, kept), lambda one: one.bytes):
                mine.change(what, found.code, partial(remove, batch))
                if mine.is_over():
                    return False
        return True

    return _each(mine, clean)


def _remove_edges(batch: Sequence[Interval], work: Work) -> Removed:
    return _told(work.retention.remove_edges([one.key for one in batch]), [one.bytes for one in batch])


def _remove_members(batch: Sequence[Interval], work: Work) -> Removed:
    return _told(work.retention.remove_members([one.key for one in batch]), [one.bytes for one in batch])


def _tasks(mine: _Pass) -> bool:
    version, _, code = mine.done_to.partition(":")
    after = (code, int(version)) if version else ("", 0)
    for batch in mine.batches(dead_tasks(mine.store, after=after), lambda one: one.bytes):
        mine.change("tasks", "", partial(_remove_tasks, batch))
        if mine.is_over():
            code, number = batch[-1].key
            mine.note(f"{number}:{code}")
            return False
    return True


def _remove_tasks(batch: Sequence[OldTask], work: Work) -> Removed:
    return _told(work.retention.remove_tasks([one.key for one in batch]), [one.bytes for one in batch])


def _bodies(mine: _Pass) -> bool:
    for batch in mine.batches(dead_bodies(mine.store, mine.done_to), lambda one: one[1]):
        mine.change("bodies", "", partial(_remove_bodies, batch))
        if mine.is_over():
            mine.note(batch[-1][0])
            return False
    return True


def _remove_bodies(batch: Sequence[tuple[str, int]], work: Work) -> Removed:
    return _told(work.retention.remove_orphans([one for one, _ in batch]), [octets for _, octets in batch])


def _told(rows: int, sizes: Sequence[int]) -> Removed:
    """Somebody else may have removed some of them."""
    return Removed(rows, sum(sizes) * rows // len(sizes))


# --- engines -------------------------------------------------------------------------------------


def _engines(mine: _Pass) -> bool:
    if not mine.scope.engine_versions:
        return True
    janitor, turn = mine.janitor, mine.turn

    def clean(found: Scanned) -> bool:
        trim_engines(janitor.publisher, (turn.actor, turn.flow_id), found, janitor.sleep, mine.breathe)
        return True

    return _each(mine, clean)
