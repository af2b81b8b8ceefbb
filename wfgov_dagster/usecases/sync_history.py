"""The last instances of each workflow on an engine, read into the cache: a page a project, never a call a workflow.

What an engine does not show any more stays. An engine that cannot be read leaves what is kept, and how it failed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from wfgov_dagster.domain.redact import redact
from wfgov_dagster.errors import EngineError, EngineRejected, WfgovError
from wfgov_dagster.ports.engine import Engine, Instance, TaskInstance
from wfgov_dagster.ports.instances import CachedInstance, SyncState
from wfgov_dagster.ports.publishing import RegisteredEngine
from wfgov_dagster.ports.store import Store
from wfgov_dagster.usecases import engines
from wfgov_dagster.usecases.history_news import KEPT, LOST, Look, News, Ours, is_open, order
from wfgov_dagster.usecases.raise_alerts import instance_failed

_ACTION: Final = "sync_history"
_MORE: Final = 4  # times the page, where one page did not reach what is known
_OPEN_ASKED: Final = 50  # open ones that no page shows any more, one by one
_SYSTEM: Final = "system"


@dataclass(frozen=True, slots=True)
class Pages:
    """Instances asked for at first, and at most; instances whose tasks are read in one go."""

    first: int = 80  # with an adapter's spare rows still one page of the server
    most: int = 1600
    tasks: int = 200


@dataclass(frozen=True, slots=True)
class SyncReport:
    """`read`: instances that the engine showed. `foreign`: of these, those of workflows that are not ours.
    `read_at`: how old what is kept is; None = never read. `error`: why it was not read now, or not in full."""

    engine: str
    read: int = 0
    foreign: int = 0
    changed: int = 0
    removed: int = 0
    alerts: int = 0
    read_at: datetime | None = None
    error: str | None = None


PAGES: Final = Pages()
EngineOf = Callable[[RegisteredEngine], Engine]
Tasks = Mapping[str, Sequence[TaskInstance]]
Error = tuple[str, str]  # code and sentence


def sync_history(store: Store, engine_of: EngineOf, actor: str, name: str, pages: Pages = PAGES) -> SyncReport:
    """What the engine does is in the report, and kept. Raises NotFound for an unknown name."""
    with store.write() as work:
        registered = engines.get(work, name)
        begun = work.instances.begin_sync(registered.id)
        deployed = work.instances.deployed(registered.id)
        known = work.instances.known(registered.id)
    try:
        engine = engine_of(registered)
        ours = Ours(engine, deployed)
        found = _read(engine, begun, ours, pages)
        found += _left_open(engine, known, found)
    except WfgovError as failure:
        return _failed(store, actor, registered, begun, failure)
    look = Look(begun, ours, found, told_elsewhere=registered.kind == engines.EMBEDDED)
    tasks, error = _read_tasks(engine, ours, _whose_tasks(look.news(known), known)[: pages.tasks])
    return _write(store, actor, registered, look, tasks, error)


def sync_all(store: Store, engine_of: EngineOf, actor: str, names: Sequence[str] = ()) -> list[SyncReport]:
    """Without names: every engine over a network."""
    with store.read() as work:
        known = work.publishing.engines()
    chosen = names or [one.name for one in known if one.kind != engines.EMBEDDED]
    return [sync_history(store, engine_of, actor, name) for name in chosen]


def _read(engine: Engine, state: SyncState, ours: Ours, pages: Pages) -> list[Instance]:
    """The newest first, as far back as what is known; at first, as far as each workflow has its last ones."""
    limit = pages.first
    while True:
        found = list(engine.instances(None, limit))
        if len(found) < limit or limit >= pages.most or _reaches(found, state, ours):
            return found
        limit = min(limit * _MORE, pages.most)


def _reaches(found: Sequence[Instance], state: SyncState, ours: Ours) -> bool:
    if state.newest_at is not None:
        return min(one.submitted_at for one in found) <= state.newest_at
    counts: dict[str, int] = {}
    for one in found:
        workflow = ours.deployed(one)
        if workflow is not None:
            counts[workflow.workflow_code] = counts.get(workflow.workflow_code, 0) + 1
    return len(counts) == len(ours) and all(count >= KEPT for count in counts.values())


def _left_open(engine: Engine, known: Mapping[str, CachedInstance], found: Sequence[Instance]) -> list[Instance]:
    """Open as far as we know, but on no page: a long one, or one that the engine has forgotten."""
    shown = {one.instance_id for one in found}
    missed = [one.instance for key, one in known.items() if key not in shown and is_open(one.instance)]
    return [_again(engine, one) for one in sorted(missed, key=order, reverse=True)[:_OPEN_ASKED]]


def _again(engine: Engine, known: Instance) -> Instance:
    try:
        return engine.instance(known.instance_id)
    except EngineRejected:
        return replace(known, state=LOST, error="the engine forgot it before we saw its end")


def _whose_tasks(fresh: News, known: Mapping[str, CachedInstance]) -> list[CachedInstance]:
    """Those that failed first, then the newest; what an earlier sync left comes last."""
    changed = {one.instance.instance_id for one in fresh.changed}
    left = [one for key, one in known.items() if one.tasks_due and key not in changed and key not in fresh.gone]
    failed = {one.instance.instance_id for one in fresh.failed}
    due = [one for one in fresh.changed if one.tasks_due]
    lots = (
        [one for one in due if one.instance.instance_id in failed],
        [one for one in due if one.instance.instance_id not in failed],
        left,
    )
    return [one for lot in lots for one in sorted(lot, key=lambda each: order(each.instance), reverse=True)]


def _read_tasks(engine: Engine, ours: Ours, rows: Sequence[CachedInstance]) -> tuple[Tasks, Error | None]:
    """As far as the engine answers; with the error that stopped it."""
    found: dict[str, Sequence[TaskInstance]] = {}
    for one in rows:
        key = one.instance.instance_id
        try:
            found[key] = ours.tasks(one, engine.task_instances(key))
        except EngineRejected:  # forgotten meanwhile
            found[key] = ()
        except EngineError as failure:
            return found, (failure.code, redact(failure.sentence()))
    return found, None


def _write(
    store: Store, actor: str, registered: RegisteredEngine, look: Look, tasks: Tasks, error: Error | None
) -> SyncReport:
    name, cut = registered.name, None if error is None else error[1]
    with store.write() as work:
        if not work.instances.sync_done(registered.id, look.begun, look.newest, look.ended_last):
            return SyncReport(
                name, len(look.found), read_at=look.begun.read_at, error="one that began later was quicker"
            )
        # One that began earlier may have been written meanwhile: what is news is seen by what is there now.
        known = work.instances.known(registered.id)
        fresh = look.news(known)
        work.instances.put(registered.id, fresh.changed, untold=fresh.untold)
        for instance_id in sorted(set(tasks) & {*known, *(one.instance.instance_id for one in fresh.changed)}):
            work.instances.put_tasks(registered.id, instance_id, tasks[instance_id])
        work.instances.remove(registered.id, fresh.gone)
        raised = [instance_failed(work, name, one, tasks.get(one.instance.instance_id, ())) for one in fresh.failed]
        if error is not None:
            work.instances.sync_failed(registered.id, look.begun, error)
        counts = {"changed": len(fresh.changed), "removed": len(fresh.gone), "alerts": sum(raised)}
        if actor != _SYSTEM:
            work.audit.add(actor, _ACTION, ("engine", name), {**counts, "error": cut})
        return SyncReport(name, len(look.found), fresh.foreign, **counts, read_at=look.begun.tried_at, error=cut)


def _failed(
    store: Store, actor: str, registered: RegisteredEngine, begun: SyncState, failure: WfgovError
) -> SyncReport:
    sentence = redact(failure.sentence())
    with store.write() as work:
        work.instances.sync_failed(registered.id, begun, (failure.code, sentence))
        if actor != _SYSTEM:
            work.audit.add(actor, _ACTION, ("engine", registered.name), {"error": sentence})
    return SyncReport(registered.name, read_at=begun.read_at, error=sentence)
