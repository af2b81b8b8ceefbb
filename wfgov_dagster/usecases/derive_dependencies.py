"""Step 1: the change feed → the dependency view and the topology.

The transaction that marks the open rows writes what they led to and what the next step has to do, so a crash leaves
either all of it or nothing.
"""

from dataclasses import asdict, dataclass

import polars as pl

from wfgov_dagster.domain.lineage import Lineage, dependencies
from wfgov_dagster.domain.todo import ALL, DEFINITIONS, LINEAGE_UPDATE, TASK_CHANGE, task_key, workflow_key
from wfgov_dagster.ports.store import Changes, Ids, Store, Todo, Work
from wfgov_dagster.usecases.rank_tasks import Delta, new_ranks, save_ranks

_PAIR = ["task", "upstream"]


@dataclass(frozen=True, slots=True)
class DependencyReport:
    """`changes` rows of the feed were taken; `added` and `removed` pairs; `total` is None where nothing was derived."""

    mode: str
    changes: int
    added: int = 0
    removed: int = 0


def derive_dependencies(
    store: Store, actor: str, *, full: bool = False, rebuild_above: int = 50_000
) -> DependencyReport:
    """Take all open changes. Very many of them, or `full`: everything is derived again; the result is the same."""
    with store.write() as work:
        work.derivation.lock()
        count = work.derivation.open_changes()
        if count == 0 and not full:
            return DependencyReport("incremental", 0)
        mode = "full" if full or count > rebuild_above else "incremental"
        changes = work.derivation.take_changes(actor, mode)
        if mode == "full":
            delta = _apply(work, None, set())
            todo = [Todo(ALL, changes.first_seq, LINEAGE_UPDATE)]
        else:
            flipped = _flipped(work, changes)
            readers = _affected(work, changes, flipped)
            delta = _apply(work, readers, flipped)
            todo = _todo(work, changes, delta, _circling(work, readers))
        work.derivation.add_todo(DEFINITIONS, todo)
        report = DependencyReport(mode, count, delta.added.height, delta.removed.height)
        work.audit.add(actor, "derive_dependencies", ("metadata", ""), asdict(report))
        return report


def _flipped(work: Work, changes: Changes) -> set[int]:
    """Changed tasks that came or went since the last derivation: a task has a topology row while it is active."""
    before = set(work.derivation.topology(changes.tasks)["task"])
    now = set(work.lineage.active_tasks(changes.tasks)["task"])
    return before ^ now


def _affected(work: Work, changes: Changes, flipped: set[int]) -> set[int]:
    """Every task whose upstream tasks, or their evidence, may differ now."""
    dirty = set(changes.tables)
    readers = set(flipped)
    for task, upstream, downstream in changes.lineage:
        if task is not None:
            readers.add(task)
        if downstream is not None:
            dirty.add(downstream)
        if upstream is not None and task is None:
            dirty.add(upstream)
    for table, task in changes.relations:
        readers.add(task)
        dirty.add(table)
    readers |= {task for task, _ in changes.dependencies}
    dirty |= set(work.lineage.written_by(flipped)["table"])
    readers |= set(work.derivation.downstream(flipped)["task"]) | set(work.lineage.declaring(flipped))
    return readers | set(work.lineage.readers(_fed_by(work, dirty))["task"])


def _fed_by(work: Work, tables: set[int]) -> set[int]:
    """These tables and all views above them."""
    seen, frontier = set(tables), set(tables)
    while frontier:
        frontier = set(work.lineage.views_on(frontier)["view"]) - seen
        seen |= frontier
    return seen


def _feeding(work: Work, tables: set[int]) -> tuple[pl.DataFrame, set[int]]:
    """View rows below these tables, and all tables met on the way."""
    seen, frontier = set(tables), set(tables)
    rows = [work.lineage.view_sources(frontier)]
    while frontier:
        frontier = set(rows[-1]["source"]) - seen
        seen |= frontier
        rows.append(work.lineage.view_sources(frontier))
    return pl.concat(rows).unique(), seen


def read_lineage(work: Work, readers: Ids) -> Lineage:
    """What these tasks read, and everything that can lead to a task that writes it; None: of all tasks."""
    if readers is None:
        return work.lineage.everything()
    reads = work.lineage.reads(readers)
    views, tables = _feeding(work, set(reads["table"]))
    return Lineage(
        reads, work.lineage.writes(tables), views, work.lineage.declared(readers), work.lineage.names(tables)
    )


def _apply(work: Work, readers: Ids, flipped: set[int]) -> Delta:
    """Write what differs from the stored view; the pairs and tasks that came and went."""
    fresh = dependencies(read_lineage(work, readers))
    stored = work.derivation.dependencies(readers)
    came = fresh.join(stored, on=fresh.columns, how="anti", nulls_equal=True)
    went = stored.join(fresh, on=fresh.columns, how="anti", nulls_equal=True)
    new = frozenset(work.lineage.active_tasks(flipped)["task"])
    delta = Delta(
        added=came.join(went, on=_PAIR, how="anti").select(_PAIR),
        removed=went.join(came, on=_PAIR, how="anti").select(_PAIR),
        came=new,
        went=frozenset(flipped) - new,
        edges=fresh.select(_PAIR) if readers is None else None,
    )
    ranks = new_ranks(work, delta)
    work.derivation.save_dependencies(went.select(_PAIR), came)
    save_ranks(work, delta, ranks)
    return delta


def _circling(work: Work, readers: set[int]) -> set[int]:
    """Of these, the tasks in a cycle: what names it names its evidence too, which may differ where no edge does."""
    return set(work.derivation.topology(readers).filter(pl.col("cycle") != -1)["task"])


def _todo(work: Work, changes: Changes, delta: Delta, circling: set[int]) -> list[Todo]:
    """Whose definition may differ. A reason given later wins, so lineage comes last."""
    touched = changes.tasks | changes.declarations | set(work.lineage.writes(changes.tables)["task"]) | circling
    moved = {task for frame in (delta.added, delta.removed) for task in (*frame["task"], *frame["upstream"])}
    reasons = {workflow_key(code): TASK_CHANGE for code in changes.settings}
    reasons |= {task_key(task): TASK_CHANGE for task in touched}
    reasons |= {task_key(task): LINEAGE_UPDATE for task in moved}
    return [Todo(key, changes.first_seq, reason) for key, reason in sorted(reasons.items())]
