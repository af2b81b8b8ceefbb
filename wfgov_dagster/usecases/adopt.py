"""Workflows that somebody made on an engine become ours: V1 and a baseline are what the engine holds, unchanged."""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from wfgov_dagster.domain import cron, extra, graph
from wfgov_dagster.domain.adoption import LONGEST_WORKFLOW, Chosen, Known, Node, choose
from wfgov_dagster.domain.baseline import Baseline, TaskBaseline, WorkflowBaseline
from wfgov_dagster.domain.definition import Edge
from wfgov_dagster.errors import Conflict, EngineRejected, InvalidInput, NotFound
from wfgov_dagster.ports.engine import Engine, Observed
from wfgov_dagster.ports.publishing import RegisteredEngine
from wfgov_dagster.ports.sql import SqlReader, TablesOfSql
from wfgov_dagster.ports.store import Store
from wfgov_dagster.usecases.keep_adopted import Kept, Taken, edges_of, keep
from wfgov_dagster.usecases.sql_nodes import SCRIPTED_SQL, SQL_TYPES, speaks_sql


@dataclass(frozen=True, slots=True)
class Adopter:
    """`engine` is `registered`."""

    store: Store
    registered: RegisteredEngine
    engine: Engine
    sql: SqlReader
    actor: str


def adopt(adopter: Adopter, workflow: str | None, *, dry_run: bool) -> Baseline:
    """One workflow (the engine's name of it), or all. Each is taken in a transaction of its own; the report tells what
    cannot be taken, and what is ours already. A dry run writes nothing.

    Raises NotFound for a name that the engine does not hold, EngineError when it cannot be seen.
    """
    heads = adopter.engine.heads()
    if workflow is not None and workflow not in heads:
        known = ", ".join(sorted(heads)[:20]) or "it holds none"
        raise NotFound(f"no workflow {workflow!r}", where=f"engine {adopter.registered.name}", hint=f"known: {known}")
    names = sorted(heads) if workflow is None else [workflow]
    if not dry_run:
        _name_tasks(adopter, names)
    return Baseline(adopter.registered.name, dry_run, [_one(adopter, name, dry_run=dry_run) for name in names])


def _name_tasks(adopter: Adopter, names: Sequence[str]) -> None:
    """Of all of them first: then those that name each other's tasks do it by our codes. What fails, fails once more."""
    reserved: set[str] = set()
    for name in names:
        with adopter.store.read() as work:
            governed = work.publishing.workflow(name) is not None
        seen = None if governed else adopter.engine.observe(name)
        if seen is None:
            continue
        try:
            _check_name(name)
            taken = _look(adopter, name, seen, reserved)
            adopter.engine.adopt(name, _engine_codes(taken))
        except (InvalidInput, EngineRejected):
            continue
        reserved |= {one.code for one in taken.chosen}


def _engine_codes(taken: Taken) -> dict[str, str]:
    return {one.code: taken.seen.engine_task_codes[one.node.task.code] for one in taken.chosen}


def _one(adopter: Adopter, name: str, *, dry_run: bool) -> WorkflowBaseline:
    try:
        with adopter.store.read() as work:
            governed = work.publishing.workflow(name)
        if governed is not None:
            return WorkflowBaseline(name, "skipped", "it is governed already")
        _check_name(name)
        seen = adopter.engine.observe(name)
        if seen is None:
            return WorkflowBaseline(name, "skipped", "it went away meanwhile")
        taken = _look(adopter, name, seen)
        if dry_run:
            return _told(adopter, taken, _would_keep(taken), "adoptable")
        return _take(adopter, taken)
    except (InvalidInput, Conflict, EngineRejected) as refusal:
        if not dry_run:
            with adopter.store.write() as work:
                work.audit.add(adopter.actor, "adopt", ("workflow", name), {"error": refusal.sentence()}, refused=True)
        return WorkflowBaseline(name, "failed", refusal.sentence())


def _check_name(name: str) -> None:
    if not name.strip() or not name.isprintable() or len(name) > LONGEST_WORKFLOW:
        hint = f"rename it on the engine: 1 to {LONGEST_WORKFLOW} printable characters"
        raise InvalidInput(
            "its name cannot be a workflow's code", where=f"workflow {name[:LONGEST_WORKFLOW]}", hint=hint
        )


def _look(adopter: Adopter, name: str, seen: Observed, reserved: AbstractSet[str] = frozenset()) -> Taken:
    """What would be taken: reads only. `reserved`: codes that tasks of other workflows will have."""
    tables = {task.code: _tables(adopter.sql, task.node_type, task.text, task.extra) for task in seen.definition.tasks}
    nodes = [
        Node(task, _normal(adopter.sql, task.node_type, task.text), frozenset(tables[task.code].writes))
        for task in seen.definition.tasks
    ]
    codes, names = {node.task.code for node in nodes}, {node.task.name for node in nodes}
    with adopter.store.read() as work:
        facts = work.adoption.tasks(codes, names)
        taken = work.adoption.taken([*codes, *(f"{name}.{code}" for code in codes)])
        told = {table for one in tables.values() for table in (*one.reads, *one.writes)}
        known_tables = work.adoption.known_tables(told)
        held_by_known = work.adoption.reads([one.code for one in facts])
    known = [
        Known(one.code, one.name, _normal(adopter.sql, "SQL", one.text), one.writes, one.workflow) for one in facts
    ]
    chosen = choose(name, nodes, known, taken | reserved)
    return Taken(seen, chosen, tables, known_tables, {one.code: one.writes for one in facts}, held_by_known)


def _tables(sql: SqlReader, node_type: str, text: str, told: str) -> TablesOfSql:
    if not speaks_sql(node_type, told):
        return TablesOfSql(problem=f"no SQL in a {node_type} node")
    return sql.tables(text)


def _normal(sql: SqlReader, node_type: str, text: str) -> str:
    return sql.normal(text) if node_type in SQL_TYPES | SCRIPTED_SQL else text.strip()


def _take(adopter: Adopter, taken: Taken) -> WorkflowBaseline:
    name = taken.seen.definition.code
    codes = _engine_codes(taken)
    adopter.engine.adopt(name, codes)
    seen = adopter.engine.observe(name)
    if seen is None or {task.code for task in seen.definition.tasks} != set(codes):
        raise Conflict("somebody changed it meanwhile", where=f"workflow {name}", hint="adopt it again")
    taken = replace(taken, seen=seen)
    with adopter.store.write() as work:
        kept = keep(work, adopter.actor, adopter.registered, taken)
        told = _told(adopter, taken, kept, "adopted")
        detail = {"engine": adopter.registered.name, "tasks": len(codes), "risks": len(told.risks)}
        work.audit.add(adopter.actor, "adopt", ("workflow", name), detail)
    return told


def _would_keep(taken: Taken) -> Kept:
    """As `keep` would say, from what is known now."""
    ours = {one.node.task.code: one.code for one in taken.chosen}
    edges = [(ours[pre], ours[post]) for pre, post in taken.seen.definition.edges]
    return Kept(edges, *edges_of(taken, edges))


def _told(adopter: Adopter, taken: Taken, kept: Kept, state: str) -> WorkflowBaseline:
    seen = taken.seen
    older = max(0, len(adopter.engine.versions(seen.definition.code)) - 1)
    schedule = seen.schedule
    return WorkflowBaseline(
        workflow_code=seen.definition.code,
        state=state,
        engine_workflow_code=seen.engine_workflow_code,
        engine_version=seen.engine_version,
        online=seen.online,
        schedule=None if schedule is None else f"{schedule.cron} ({schedule.time_zone})",
        schedule_online=seen.schedule_online,
        tasks=tuple(_task(one, taken) for one in taken.chosen),
        edges=len(seen.definition.edges),
        declared_edges=tuple(kept.declared),
        undrawn_edges=tuple(kept.undrawn),
        unreadable_versions=older,
        risks=tuple(_risks(taken, kept, older)),
    )


def _task(one: Chosen, taken: Taken) -> TaskBaseline:
    tables = taken.tables[one.node.task.code]
    told = {*tables.reads, *tables.writes}
    new = tuple(sorted(told - taken.known_tables))
    lineage = "missing" if not told else "unmatched" if new else "found"
    elsewhere = None if one.elsewhere is None else f"also task {one.elsewhere[0]} of workflow {one.elsewhere[1]}"
    problem = tables.problem or (None if told else "it names no table")
    return TaskBaseline(
        one.code, one.node.task.name, one.node.task.node_type, str(one.match), lineage, new, problem, elsewhere
    )


def _risks(taken: Taken, kept: Kept, older: int) -> Iterator[str]:
    if older:
        yield f"{older} older versions on the engine cannot be read: one can go back to V1, not further"
    for one in taken.chosen:
        if one.elsewhere is not None:
            yield f"task {one.code} is also {one.elsewhere[0]} of workflow {one.elsewhere[1]}: it runs in both"
        if one.other_text:
            yield f"task {one.code} has another text in the metadata: the next orchestration makes a version of that"
    yield from extra.nameless(taken.seen.definition)
    if taken.seen.schedule is not None:
        try:
            cron.check_schedule(taken.seen.schedule)
        except InvalidInput as exc:
            yield f"its schedule is kept as it is, but {exc}"
    for pre, post in kept.undrawn:
        yield f"{post} reads what {pre} writes, and no edge says so: the next orchestration adds it"
    for circle in _circles([*kept.edges, *kept.undrawn]):
        yield f"with its lineage its tasks depend on each other in a circle ({circle}): no version until one goes"


def _circles(edges: Sequence[Edge]) -> list[str]:
    return [" → ".join((*circle, circle[0])) for circle in graph.cycles(list(edges))]
