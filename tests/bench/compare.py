"""Comparing two versions against deepdiff on their parsed documents: 1 task in 100 changed, 1 in 1,000 gone.

deepdiff starts from both texts, ours from the database; results have to name the same tasks. Processor time, of one
process.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
from deepdiff import DeepDiff

from tests.integration.publish_support import Office
from wfgov_dagster.domain import snapshot
from wfgov_dagster.domain.definition import Definition, Settings, Task, make
from wfgov_dagster.domain.diff import Diff, diff
from wfgov_dagster.domain.outline import differing, thin
from wfgov_dagster.store import migrate
from wfgov_dagster.store.db import Database
from wfgov_dagster.usecases.compare_versions import Side, compare_in
from wfgov_dagster.wiring import sql_reader

SIZES = (1_000, 10_000)
_TEXT = (
    "INSERT INTO db.table_{0}\nSELECT id, sum(amount) AS amount -- " + "x" * 200 + "\nFROM db.table_{1}\nGROUP BY id"
)


def report(folder: Path, runs: int) -> None:
    print("\ntwo versions of a workflow compared, ms of processor time: deepdiff on parsed documents; ours, read from")
    print("SQLite; the use case whole, with classes by SQL, readers and moves")
    print(f"{'tasks':>9} {'edges':>9} {'deepdiff':>9} {'ours':>8} {'ratio':>7} {'use case':>9}")
    for size in SIZES:
        before, after = _version(size), _edited(_version(size))
        theirs, deep = _timed(1 if size > 1_000 else runs, _deepdiff(before, after))
        office = _office(folder / f"compare-{size}.db", before, after)
        mine, ours = _timed(max(runs, 5), _outlines(office))
        if ours != deep:
            raise SystemExit(f"{size} tasks: the two results differ")
        whole, _ = _timed(runs, _use_case(office))
        print(f"{size:>9} {len(before.edges):>9} {theirs:>9.1f} {mine:>8.2f} {theirs / mine:>6.0f}x {whole:>9.1f}",
              flush=True)  # fmt: skip


def _version(size: int) -> Definition:
    tasks = [Task(f"task_{at:06}", f"Task {at}", text=_TEXT.format(at, at // 2)) for at in range(size)]
    edges = [(f"task_{at // step:06}", f"task_{at:06}") for step in (2, 3, 5) for at in range(step, size)]
    return make(Settings("bench", "Bench"), tasks, edges)


def _edited(before: Definition) -> Definition:
    gone = {task.code for task in before.tasks[50::1000]}
    changed = {task.code for task in before.tasks[::100]}
    tasks = [
        replace(task, text=task.text.replace("GROUP BY id", "WHERE id > 0\nGROUP BY id"))
        if task.code in changed
        else task
        for task in before.tasks
        if task.code not in gone
    ]
    return make(before.settings, tasks, [edge for edge in before.edges if not gone & set(edge)])


Named = tuple[list[str], list[str]]  # tasks changed, tasks gone


def _deepdiff(before: Definition, after: Definition) -> Callable[[], Named]:
    """Tasks and edges by their names, which is the friendliest form for it: lists would be matched place by place."""
    texts = [snapshot.document(one) for one in (before, after)]

    def by_name(text: bytes) -> dict[str, Any]:
        found = orjson.loads(text)
        tasks = {task["code"]: task for task in found["tasks"]}
        return {"workflow": found["workflow"], "tasks": tasks, "edges": {f"{a} {b}": 1 for a, b in found["edges"]}}

    def run() -> Named:
        found = DeepDiff(*map(by_name, texts), threshold_to_diff_deeper=0)
        changed = {path.split("'")[3] for path in found.get("values_changed", ())}
        gone = {path.split("'")[3] for path in found.get("dictionary_item_removed", ()) if "['tasks']" in path}
        return sorted(changed), sorted(gone)

    return run


def _outlines(office: Office) -> Callable[[], Named]:
    """What only one of the two has, read from the database, bodies included."""

    def run() -> Named:
        with office.store.read() as work:
            past = work.version_history
            one, other = past.outlines("bench", 1, 2)
            old, new = (past.bodies(differing(*pair)) for pair in ((one, other), (other, one)))
        return _named(diff(*thin(one, other, (old, new))))

    return run


def _named(found: Diff) -> Named:
    return [one.code for one in found.tasks_changed], list(found.tasks_removed)


def _office(file: Path, *versions: Definition) -> Office:
    migrate.upgrade(f"sqlite:///{file}")
    office = Office(Database(f"sqlite:///{file}"))
    for one in versions:
        office.save(one)
    return office


def _use_case(office: Office) -> Callable[[], Named]:
    reader = sql_reader("duckdb")

    def run() -> Named:
        with office.store.read() as work:
            return _named(compare_in(work, lambda: reader, "bench", (Side(1), Side(2))).comparison.diff)

    return run


def _timed(runs: int, action: Callable[[], Named]) -> tuple[float, Named]:
    """(median ms, result)"""
    spent: list[float] = []
    found: Named | Sequence[Any] = ()
    for _ in range(runs):
        begun = time.process_time()
        found = action()
        spent.append(1000 * (time.process_time() - begun))
    return statistics.median(spent), found  # type: ignore[return-value]
