"""Compare two versions of a workflow, or one with the current definition or with what an engine holds."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from wfgov_dagster.domain import snapshot
from wfgov_dagster.domain.compare import Comparison, Moved, Moves, compare
from wfgov_dagster.domain.deep import Changed, changed
from wfgov_dagster.domain.definition import Definition, Task
from wfgov_dagster.domain.diff import diff
from wfgov_dagster.domain.outline import differing, thin
from wfgov_dagster.domain.publish import Content, VersionRef
from wfgov_dagster.errors import Conflict, InvalidInput, NotFound
from wfgov_dagster.ports.sql import SqlReader
from wfgov_dagster.ports.store import Store, Work
from wfgov_dagster.usecases import engines
from wfgov_dagster.usecases.drift_sight import look, shown, sight
from wfgov_dagster.usecases.publisher import Publisher
from wfgov_dagster.usecases.show_workflows import unknown_workflow
from wfgov_dagster.usecases.sql_effects import Load, Sides, effects


@dataclass(frozen=True, slots=True)
class Side:
    """A version, or what an engine holds; neither: the current definition."""

    version_no: int | None = None
    engine: str | None = None

    def __str__(self) -> str:
        if self.engine is not None:
            return f"engine {self.engine}"
        return "the current definition" if self.version_no is None else f"V{self.version_no}"


@dataclass(frozen=True, slots=True)
class Comparer:
    """`sql` and `publisher` are only asked for when they are needed."""

    store: Store
    sql: Callable[[], SqlReader]
    publisher: Callable[[], Publisher]


@dataclass(frozen=True, slots=True)
class Compared:
    """`old` and `new`: at least what differs of the two. `changed`: of two versions, see domain/deep.py; None = nobody
    knows what was above one of them."""

    workflow_code: str
    before: Side
    after: Side
    comparison: Comparison
    old: Definition
    new: Definition
    changed: Changed | None = None


def compare_sides(comparer: Comparer, workflow_code: str, before: Side, after: Side) -> Compared:
    """Raises NotFound, Conflict while a publish is under way on the engine, EngineError where it cannot be seen."""
    if before.engine is not None and after.engine is not None:
        raise InvalidInput("both sides are engines", where="comparison", hint="a version or `current` on one of them")
    with comparer.store.read() as work:
        if not work.queries.workflows(workflow_code):
            raise unknown_workflow(workflow_code)
    if before.engine is None and after.engine is None:
        with comparer.store.read() as work:
            return compare_in(work, comparer.sql, workflow_code, (before, after))
    sides = _beside_engine(comparer, workflow_code, before, after)
    with comparer.store.read() as work:
        return _compared(work, comparer.sql, workflow_code, (before, after), sides)


def compare_in(work: Work, sql: Callable[[], SqlReader], workflow_code: str, sides: tuple[Side, Side]) -> Compared:
    """Of versions and the current definition, in an open unit of work. Raises NotFound."""
    before, after = sides
    if before.version_no is None or after.version_no is None:
        whole = _definition(work, workflow_code, before), _definition(work, workflow_code, after)
        return _compared(work, sql, workflow_code, sides, Sides(*whole, _from(whole[1])))
    past = work.version_history
    one, other = past.outlines(workflow_code, before.version_no, after.version_no)
    old, new = (past.bodies(differing(*pair)) for pair in ((one, other), (other, one)))
    load = _loader(work, workflow_code, after.version_no)
    found = _compared(work, sql, workflow_code, sides, Sides(*thin(one, other, (old, new)), load))
    hashes = (past.hashes(workflow_code, side.version_no or 0) for side in sides)
    return replace(found, changed=changed(*hashes))


def _compared(
    work: Work, sql: Callable[[], SqlReader], workflow_code: str, about: tuple[Side, Side], sides: Sides
) -> Compared:
    found = diff(sides.before, sides.after)
    moves = _moves(work, workflow_code, about, (found.tasks_added, found.tasks_removed))
    moved = {one.code for one in (*moves.came, *moves.left)}
    meant = effects(work.table_use, sql, found, sides, moved)
    return Compared(workflow_code, *about, compare(found, meant, moves), sides.before, sides.after)


def _definition(work: Work, workflow_code: str, side: Side) -> Definition:
    if side.version_no is not None:
        return work.versions.definition(workflow_code, side.version_no)
    detail = work.queries.workflow_detail(workflow_code)
    if detail is None or detail.definition_json is None:
        where = f"workflow {workflow_code}"
        raise NotFound("it has no definition yet", where=where, hint="wfgov orchestrate")
    return snapshot.parse(detail.definition_json)


def _from(whole: Definition) -> Load:
    def load(codes: Collection[str] | None) -> Mapping[str, Task]:
        tasks = whole.by_code()
        return tasks if codes is None else {code: tasks[code] for code in codes if code in tasks}

    return load


def _loader(work: Work, workflow_code: str, version_no: int) -> Load:
    def load(codes: Collection[str] | None) -> Mapping[str, Task]:
        tasks = work.queries.task_versions(workflow_code, version_no)
        wanted = {code: version for code, version in tasks.items() if codes is None or code in codes}
        return {task.code: task for task in work.version_history.bodies(wanted)}

    return load


def _moves(
    work: Work, workflow_code: str, about: tuple[Side, Side], tasks: tuple[Collection[str], Collection[str]]
) -> Moves:
    """Back in time the same is told the other way round: what came is elsewhere now, what left came from elsewhere."""
    before, after = about
    if before.engine is not None or after.engine is not None:
        return Moves()
    back = before.version_no is None or (after.version_no is not None and after.version_no < before.version_no)
    came, left = tasks if not back else tasks[::-1]
    newer = before.version_no if back else after.version_no
    past = work.version_history
    origins = _moved(past.came_from(workflow_code, newer, came)) if came else ()
    targets = _moved(past.now_in(left, workflow_code)) if left else ()
    return Moves(targets, origins) if back else Moves(origins, targets)


def _moved(found: Mapping[str, str]) -> tuple[Moved, ...]:
    return tuple(Moved(code, workflow) for code, workflow in sorted(found.items()))


# --- engines ---------------------------------------------------------------------------------------


def _beside_engine(comparer: Comparer, workflow_code: str, before: Side, after: Side) -> Sides:
    """Both as the engine shows them: what it cannot hold is no difference."""
    ours = after if before.engine is not None else before
    with comparer.store.read() as work:
        mine = _definition(work, workflow_code, ours)
    held, kept = _seen(comparer, workflow_code, before.engine or after.engine or "", ours, mine)
    pair = (held, kept) if before.engine is not None else (kept, held)
    return Sides(*pair, _from(pair[1]))


def _seen(
    comparer: Comparer, workflow_code: str, engine: str, ours: Side, mine: Definition
) -> tuple[Definition, Definition]:
    """(what the engine holds, our side as it would show it)"""
    publisher = comparer.publisher()
    with publisher.store.read() as work:
        registered = engines.get(work, engine)
        (stand,) = work.inspections.stands(registered.id, [workflow_code])
    where = f"workflow {workflow_code} on engine {engine}"
    if stand.driven:
        raise Conflict(
            "a publish is under way", where=where, hint=f"compare when it has ended: wfgov record list {workflow_code}"
        )
    found = look(publisher, registered, lambda _heads: [stand], True)
    error = found.unseen.get(workflow_code) or found.error
    if error is not None or found.api is None:
        raise error or Conflict("it was not looked at", where=where)
    kept = shown(found.api, VersionRef(0, ours.version_no or 0, ""), mine)
    with publisher.store.read() as work:
        there = sight(work, found, stand, kept, frozenset())
    if there is None:
        raise NotFound(
            "the engine does not hold it", where=where, hint=f"wfgov publish {workflow_code} --operation deploy"
        )
    return _whole(replace(kept, definition=there.live.definition, schedule=there.live.schedule)), _whole(kept)


def _whole(content: Content) -> Definition:
    """With its schedule: engines keep it apart."""
    settings = replace(content.definition.settings, schedule=content.schedule)
    return replace(content.definition, settings=settings)
