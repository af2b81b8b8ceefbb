"""What a clean-up would remove, and why the rest is kept. Nothing is written, on no engine either."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from wfgov_dagster.domain.retention import EngineHeld, Rule, engine_going, is_needed, judge
from wfgov_dagster.errors import NotFound, WfgovError
from wfgov_dagster.ports.engine import Engine
from wfgov_dagster.ports.retention import Interval, IntervalKey, OldTask, Removed, Scanned, TaskKey
from wfgov_dagster.ports.store import Store, Work
from wfgov_dagster.usecases import engines
from wfgov_dagster.usecases.publisher import Publisher

PAGE = 200  # workflows, versions or texts that are read at a time
_ROWS = 2000  # intervals or task definitions


@dataclass(frozen=True, slots=True)
class Scope:
    """`workflows` None = every one. Task definitions and texts that nothing names are nobody's: they go in any case."""

    workflows: Sequence[str] | None = None
    engine_versions: bool = False


@dataclass(frozen=True, slots=True)
class Kept:
    version_no: int
    reasons: Sequence[str]


@dataclass(frozen=True, slots=True)
class WorkflowPlan:
    """`removed`: numbers of versions, ascending; `bytes` of them. `edges`, `members`: intervals of edges and of tasks
    that no kept version needs."""

    workflow_code: str
    removed: Sequence[int]
    bytes: int
    kept: Sequence[Kept]
    edges: Removed
    members: Removed


@dataclass(frozen=True, slots=True)
class EnginePlan:
    """`removed`: the engine's own numbers. `error`: why its list could not be read."""

    engine: str
    workflow_code: str
    removed: Sequence[int]
    kept: int
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """`workflows`: those of which something goes; `untouched`: how many others there are. `tasks`, `bodies`: what
    nothing would name any more."""

    workflows: Sequence[WorkflowPlan]
    untouched: int
    tasks: Removed
    bodies: Removed
    engines: Sequence[EnginePlan] = field(default=())

    @property
    def rows(self) -> int:
        mine = sum(len(one.removed) + one.edges.rows + one.members.rows for one in self.workflows)
        return mine + self.tasks.rows + self.bodies.rows

    @property
    def bytes(self) -> int:
        mine = sum(one.bytes + one.edges.bytes + one.members.bytes for one in self.workflows)
        return mine + self.tasks.bytes + self.bodies.bytes


def plan(publisher: Publisher, scope: Scope) -> Plan:
    """What `clean_up` of the same scope would do now. Raises NotFound."""
    store = publisher.store
    check(store, scope)
    plans: list[WorkflowPlan] = []
    engine_plans: list[EnginePlan] = []
    count, unnamed = 0, Counter[TaskKey]()
    for found in each_workflow(store, scope):
        count += 1
        one, left = _of_workflow(store, found)
        unnamed += left
        if one.removed or one.edges.rows or one.members.rows:
            plans.append(one)
        if scope.engine_versions:
            engine_plans += [_of_engine(publisher, name, found) for name in _engines(store, found)]
    going = list(dead_tasks(store, unnamed))
    tasks = Removed(len(going), sum(one.bytes for one in going))
    return Plan(plans, count - len(plans), tasks, _bodies(store, going), engine_plans)


def check(store: Store, scope: Scope) -> None:
    """Raises NotFound for workflows that are none."""
    if scope.workflows is not None:
        with store.read() as work:
            unknown = work.retention.unknown(scope.workflows)
        if unknown:
            raise NotFound(f"no workflow {', '.join(unknown)}", where="workflows", hint="wfgov workflow list")


def each_workflow(store: Store, scope: Scope, after: str = "") -> Iterator[Scanned]:
    """By code, those after it."""
    while True:
        with store.read() as work:
            page = work.retention.workflows(scope.workflows, after, PAGE)
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1].code


# --- ours ----------------------------------------------------------------------------------------


def _of_workflow(store: Store, found: Scanned) -> tuple[WorkflowPlan, Counter[TaskKey]]:
    """And the versions of tasks that its dying intervals name, with how many do."""
    with store.read() as work:
        verdicts = judge(work.retention.held(found.id), work.retention.rule(found.code), work.retention.now())
    going = [one.version for one in verdicts if not one.reasons]
    kept = [Kept(one.version.version_no, one.reasons) for one in reversed(verdicts) if one.reasons]
    numbers = [one.version_no for one in kept]
    edges, members = list(dead_edges(store, found, numbers)), list(dead_members(store, found, numbers))
    told = WorkflowPlan(
        found.code,
        sorted(one.version_no for one in going),
        sum(one.bytes for one in going),
        kept,
        *(Removed(len(dead), sum(one.bytes for one in dead)) for dead in (edges, members)),
    )
    return told, Counter(one.task for one in members if one.task is not None)


def dead_edges(store: Store, found: Scanned, kept: Sequence[int]) -> Iterator[Interval]:
    """Intervals in which none of the kept versions, ascending, lies."""
    return _dead(store, lambda work, after: work.retention.edge_intervals(found.code, after, _ROWS), kept)


def dead_members(store: Store, found: Scanned, kept: Sequence[int]) -> Iterator[Interval]:
    return _dead(store, lambda work, after: work.retention.task_intervals(found.id, after, _ROWS), kept)


def _dead(
    store: Store, read: Callable[[Work, IntervalKey], Sequence[Interval]], kept: Sequence[int]
) -> Iterator[Interval]:
    after = (-1, 0)
    while True:
        with store.read() as work:
            page = read(work, after)
        yield from (one for one in page if not is_needed(kept, one.first, one.last))
        if len(page) < _ROWS:
            return
        after = page[-1].key


def dead_tasks(
    store: Store, unnamed: Mapping[TaskKey, int] = MappingProxyType({}), after: TaskKey = ("", 0)
) -> Iterator[OldTask]:
    """Versions of tasks that no interval names, are not current and will not be named again: versions that are saved
    meanwhile name what is current, or new. `unnamed`: by how many that will be gone."""
    while True:
        with store.read() as work:
            page = work.retention.old_tasks(after, _ROWS)
        yield from (one for one in page if one.named == unnamed.get(one.key, 0))
        if len(page) < _ROWS:
            return
        after = page[-1].key


def dead_bodies(store: Store, after: str = "") -> Iterator[tuple[str, int]]:
    """(hash, bytes)."""
    while True:
        with store.read() as work:
            page = work.retention.orphans(after, PAGE)
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1][0]


def _bodies(store: Store, going: Sequence[OldTask]) -> Removed:
    """Texts that nothing names, and those that nothing would name without these versions of tasks."""
    sizes = dict(dead_bodies(store))
    losing = Counter(one.body_hash for one in going)
    hashes = sorted(losing)
    for start in range(0, len(hashes), PAGE):
        with store.read() as work:
            found = work.retention.only_logged(hashes[start : start + PAGE])
        sizes |= {one: octets for one, octets, logged in found if logged == losing[one]}
    return Removed(len(sizes), sum(sizes.values()))


# --- on engines ----------------------------------------------------------------------------------


def _engines(store: Store, found: Scanned) -> Sequence[str]:
    with store.read() as work:
        return work.retention.deployed_on(found.id)


def _of_engine(publisher: Publisher, name: str, found: Scanned) -> EnginePlan:
    with publisher.store.read() as work:
        registered = engines.seen(work, name)
        rule, now = work.retention.rule(found.code), work.retention.now()
    try:
        going, count = look(publisher.engine_of(registered), found.code, rule, now)
    except WfgovError as failure:  # an engine that cannot be asked keeps no other from being cleaned up
        return EnginePlan(name, found.code, [], 0, failure.sentence())
    return EnginePlan(name, found.code, going, count - len(going))


def look(engine: Engine, workflow_code: str, rule: Rule, now: datetime) -> tuple[list[int], int]:
    """(versions that may go, how many there are). Raises EngineError."""
    live = engine.observe(workflow_code)
    held = engine.versions(workflow_code) if live is not None else ()
    if live is None:
        return [], 0
    marked = [EngineHeld(one.version, one.marker is not None, one.created_at) for one in held]
    return engine_going(marked, live.engine_version, rule, now), len(marked)
