"""What an adopted workflow becomes in our tables: metadata with a source of its own, memberships, V1, a baseline."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from wfgov_dagster.domain.adoption import Chosen, Match, lineage_edges, undrawn
from wfgov_dagster.domain.definition import Definition, Edge, make
from wfgov_dagster.errors import Conflict
from wfgov_dagster.ports.adoption import NewWorkflow
from wfgov_dagster.ports.engine import Observed
from wfgov_dagster.ports.metadata import (
    DependencyDeclaration,
    ImportBatch,
    LineageRow,
    RelationRow,
    TableRow,
)
from wfgov_dagster.ports.publishing import RegisteredEngine
from wfgov_dagster.ports.sql import TablesOfSql
from wfgov_dagster.ports.store import Work
from wfgov_dagster.usecases.end_publish import deployment_of
from wfgov_dagster.usecases.request_publish import Checked, freeze
from wfgov_dagster.usecases.stated import first_version, stated

REASON = "adopted"


@dataclass(frozen=True, slots=True)
class Taken:
    """`tables` by the engine's name of the node. `writes` and `reads` of tasks of the metadata that may be meant."""

    seen: Observed
    chosen: tuple[Chosen, ...]
    tables: Mapping[str, TablesOfSql]
    known_tables: frozenset[str]
    writes: Mapping[str, frozenset[str]]
    reads: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Kept:
    """`edges` as drawn, by our codes; `declared`: those of them that no lineage shows; `undrawn`: lineage without an
    edge."""

    edges: Sequence[Edge]
    declared: Sequence[Edge]
    undrawn: Sequence[Edge]


def source_of(engine: RegisteredEngine) -> str:
    return f"adopted:{engine.name}"[:90]


def keep(work: Work, actor: str, engine: RegisteredEngine, taken: Taken) -> Kept:
    """In the open unit of work. Raises Conflict when somebody made such a workflow or task meanwhile."""
    work.adoption.lock()
    definition = _with_schedule(taken.seen)
    if work.publishing.workflow(definition.code) is not None:
        raise Conflict("somebody made a workflow of that code", where=f"workflow {definition.code}", hint="try again")
    new = [one.code for one in taken.chosen if one.match is Match.NEW]
    if clash := work.adoption.taken(new):
        where = f"workflow {definition.code}"
        raise Conflict(f"tasks came meanwhile: {', '.join(sorted(clash))}", where=where, hint="adopt it again")
    source = source_of(engine)
    kept = Kept(definition.edges, *edges_of(taken, definition.edges))
    work.imports.merge(source, _batch(definition, taken, kept), without=frozenset(), removing=False)
    told = NewWorkflow(definition.code, definition.settings.name, definition.settings.description)
    codes = [task.code for task in definition.tasks]
    workflow_id = work.adoption.create(actor, told, codes, f"import:{source}")
    work.engines.name(workflow_id, engine.id, actor)
    first_version(work, actor, workflow_id, definition, REASON)
    version = work.adoption.version(workflow_id)
    workflow = work.publishing.workflow(definition.code)
    assert workflow is not None, "it was just made"
    snapshot_id = freeze(work, actor, Checked(engine, workflow, version), "manual")
    work.adoption.confirm(snapshot_id, workflow_id, engine.id, deployment_of(taken.seen, version))
    return kept


def edges_of(taken: Taken, edges: Sequence[Edge]) -> tuple[Sequence[Edge], Sequence[Edge]]:
    """(declared, undrawn), by our codes. A matched task's tables are those of the metadata."""
    reads: dict[str, frozenset[str]] = {}
    writes: dict[str, frozenset[str]] = {}
    for one in taken.chosen:
        told = taken.tables[one.node.task.code]
        matched = one.match is not Match.NEW
        reads[one.code] = taken.reads.get(one.code, frozenset()) if matched else frozenset(told.reads)
        writes[one.code] = taken.writes.get(one.code, frozenset()) if matched else frozenset(told.writes)
    bare = make(taken.seen.definition.settings, [], edges)
    return undrawn(bare, lineage_edges(reads, writes))


def _with_schedule(seen: Observed) -> Definition:
    definition = seen.definition
    return replace(definition, settings=replace(definition.settings, schedule=seen.schedule))


def _batch(definition: Definition, taken: Taken, kept: Kept) -> ImportBatch:
    """Rows of new tasks, and of all of them what makes the workflow the one that it is."""
    new = {one.code: taken.tables[one.node.task.code] for one in taken.chosen if one.match is Match.NEW}
    tasks = definition.by_code()
    names = {name for told in new.values() for name in (*told.reads, *told.writes)}
    names |= {name for told in new.values() for pair in told.views for name in pair}
    whole = stated(
        definition,
        [tasks[code] for code in sorted(new)],
        [DependencyDeclaration(post, pre, REASON) for pre, post in kept.declared],
    )
    return replace(
        whole,
        tables=[TableRow(name) for name in sorted(names - taken.known_tables)],
        lineage=[LineageRow(up, view) for up, view in sorted({pair for told in new.values() for pair in told.views})],
        relations=[row for code, told in sorted(new.items()) for row in _relations(code, told)],
    )


def _relations(code: str, told: TablesOfSql) -> list[RelationRow]:
    reads: AbstractSet[str] = set(told.reads)
    return [
        *(RelationRow(table, code, "read") for table in sorted(reads)),
        *(RelationRow(table, code, "write") for table in sorted(set(told.writes))),
    ]
