"""A made-up estate of any size: 40 layers, each task writes one table and reads 3 to 10, popular tables far more often.

Half of the reads stay near, so that workflows have inner edges. One table in twenty is read through a view on it. Four
tasks in five are declared to be in a workflow of about 100.
"""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from wfgov_dagster.store import migrate
from wfgov_dagster.store.change_feed import create_statements, drop_statements

LAYERS = 40
VIEW_EVERY = 20
TASKS_A_WORKFLOW = 100
_SKEW = 4.0  # a table at position p of its layer, 0 ≤ p < 1, is drawn as p = u ** _SKEW


def build(path: Path, tasks: int, seed: int = 7) -> None:
    """A migrated SQLite file; the change feed stays empty, as after a derivation."""
    migrate.upgrade(f"sqlite:///{path}")
    rng = np.random.default_rng(seed)
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA synchronous=OFF")
        for statement in drop_statements("sqlite"):
            db.execute(statement)
        _fill(db, tasks, rng)
        for statement in create_statements("sqlite"):
            db.execute(statement)
    db.close()


def _fill(db: sqlite3.Connection, tasks: int, rng: np.random.Generator) -> None:
    """Table i is written by task i; table `tasks` + i / VIEW_EVERY is the view on table i."""
    viewed = np.arange(VIEW_EVERY, tasks + 1, VIEW_EVERY)
    views = tasks + np.arange(1, len(viewed) + 1)
    db.executemany("INSERT INTO data_table (id, db_name, table_name, business_domain, owner) VALUES (?,?,?,?,?)",
                   _tables(tasks + len(views), rng))  # fmt: skip
    db.executemany(
        "INSERT INTO data_task (id, task_code, task_name, dolphin_node_type, task_sql, schedule_cron)"
        " VALUES (?,?,?,?,?,?)",
        ((i, f"task_{i:07}", f"Task {i}", "SQL", _text(i), "0 2 * * *") for i in range(1, tasks + 1)),
    )
    reader, read = _reads(tasks, rng)
    through = (read % VIEW_EVERY == 0) & (read > 0)
    read = np.where(through, tasks + read // VIEW_EVERY, read)
    line = "INSERT INTO data_lineage (task_id, upstream_table_id, downstream_table_id) VALUES (?,?,?)"
    db.executemany(line, zip(reader.tolist(), read.tolist(), reader.tolist(), strict=True))
    db.executemany(line, ((None, table, view) for table, view in zip(viewed.tolist(), views.tolist(), strict=True)))
    own = np.arange(1, tasks + 1)
    db.executemany(line, ((i, None, i) for i in own[: max(1, tasks // LAYERS)].tolist()))
    declared = own[rng.random(tasks) < 0.8]
    db.executemany(
        "INSERT INTO task_workflow_declaration (task_id, workflow_code, declared_by) VALUES (?,?,'import:bench')",
        zip(declared.tolist(), (f"flow_{flow:06}" for flow in _flows(declared, tasks).tolist()), strict=True),
    )


def _flows(task: np.ndarray, tasks: int) -> np.ndarray:
    """A workflow is a strip through all layers: neighbours of one layer and what is made of them."""
    size, flows = max(1, tasks // LAYERS), max(1, tasks // TASKS_A_WORKFLOW)
    return (task - 1) % size * flows // size


def _tables(count: int, rng: np.random.Generator) -> Iterator[tuple[int, str, str, str, str]]:
    owners = rng.integers(0, max(1, count // 2000), count).tolist()
    for i in range(1, count + 1):
        yield i, f"db{i % 50:02}", f"table_{i:07}", f"domain{i % 20:02}", f"owner{owners[i - 1]:04}"


def _reads(tasks: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(task, table): each task reads tables of earlier layers, the first layer reads nothing."""
    size = max(1, tasks // LAYERS)
    readers = np.arange(size + 1, tasks + 1)
    reader = np.repeat(readers, rng.integers(3, 11, len(readers)))
    layer = (reader - 1) // size
    from_layer = layer - 1 - (rng.random(len(reader)) ** _SKEW * layer).astype(np.int64)
    popular = (rng.random(len(reader)) ** _SKEW * size).astype(np.int64)
    near = ((reader - 1) % size + rng.integers(-1, 2, len(reader))) % size
    position = np.where(rng.random(len(reader)) < 0.5, near, popular)  # half of the reads stay near
    return reader, from_layer * size + position + 1


def _text(task: int) -> str:
    return f"INSERT INTO db{task % 50:02}.table_{task:07}\nSELECT id, sum(amount) AS amount -- {'x' * 200}\nFROM source"
