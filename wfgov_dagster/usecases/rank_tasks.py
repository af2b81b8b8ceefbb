"""Keep the topology (levels, cycles, counts) in step with the dependency view.

Most edits leave all levels as they are, which can be seen from the ends of the changed edges. Where it cannot, all
levels are computed again from all edges: columns make that cheap, and it is right by construction.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from wfgov_dagster.domain.graph import topology
from wfgov_dagster.ports.store import Work

_PAIR = ["task", "upstream"]
_RANK = ["task", "level", "cycle"]


@dataclass(frozen=True, slots=True)
class Delta:
    """What changed: pairs (task, upstream) added and removed, tasks that came and went.

    `edges`: all pairs as they are now, where they are known already.
    """

    added: pl.DataFrame
    removed: pl.DataFrame
    came: frozenset[int]
    went: frozenset[int]
    edges: pl.DataFrame | None = None


def new_ranks(work: Work, delta: Delta) -> pl.DataFrame:
    """(task, level, cycle) of every task whose rank may differ. Call it before the delta is written."""
    if delta.edges is None:
        local = _local_ranks(work, delta)
        if local is not None:
            return local
    edges = delta.edges
    if edges is None:
        kept = work.derivation.edges().join(delta.removed, on=_PAIR, how="anti")
        edges = pl.concat([kept, delta.added])
    tasks = work.lineage.active_tasks(None)["task"].to_numpy()
    ranks = topology(tasks, edges["upstream"].to_numpy(), edges["task"].to_numpy())
    return pl.DataFrame({"task": ranks.task, "level": ranks.level, "cycle": ranks.cycle.astype(np.int64)})


def save_ranks(work: Work, delta: Delta, ranks: pl.DataFrame) -> None:
    """Write the topology rows that differ. Call it after the delta is written."""
    stored = work.derivation.topology(None if delta.edges is not None else _touched(delta) | set(ranks["task"]))
    counts = _counts(work, delta, ranks)
    fresh = (
        counts.join(ranks, on="task", how="left")
        .join(stored.select(_RANK), on="task", how="left", suffix="_before")
        .select(
            "task",
            pl.coalesce("level", "level_before"),
            pl.coalesce("cycle", "cycle_before"),
            "upstream_count",
            "downstream_count",
        )
    )
    came = fresh.join(stored, on=fresh.columns, how="anti")
    gone = set(stored.join(fresh, on=fresh.columns, how="anti")["task"]) | delta.went
    work.derivation.save_topology(gone, came)


def _counts(work: Work, delta: Delta, ranks: pl.DataFrame) -> pl.DataFrame:
    if delta.edges is None:
        tasks = (_touched(delta) | set(ranks["task"])) - delta.went
        return work.derivation.counts(tasks)
    upstream = delta.edges.group_by("task").agg(pl.len().cast(pl.Int64).alias("upstream_count"))
    downstream = delta.edges.group_by(pl.col("upstream").alias("task")).agg(
        pl.len().cast(pl.Int64).alias("downstream_count")
    )
    every = ranks.select("task").join(upstream, on="task", how="left").join(downstream, on="task", how="left")
    return every.with_columns(pl.col("upstream_count", "downstream_count").fill_null(0))


def _touched(delta: Delta) -> set[int]:
    ends = {task for frame in (delta.added, delta.removed) for name in _PAIR for task in frame[name]}
    return ends | delta.came | delta.went


def _local_ranks(work: Work, delta: Delta) -> pl.DataFrame | None:
    """Ranks of the new tasks alone, where all others provably keep theirs; else None."""
    upstream = _upstream_now(work, delta)
    known = work.derivation.topology(_touched(delta) | {up for ups in upstream.values() for up in ups})
    level = dict(zip(known["task"], known["level"], strict=True))
    cycle = dict(zip(known["task"], known["cycle"], strict=True))
    if any(up in delta.came for up in delta.added["upstream"]):
        return None
    for task, up in delta.added.iter_rows():
        if task not in delta.came and not level[up] < level[task]:
            return None  # the level may rise, or a cycle close
    for task, up in delta.removed.iter_rows():
        if task in delta.went:
            continue
        leaned_on = cycle[task] != -1 or level[up] == level[task] - 1
        if leaned_on and not _still_held(task, upstream[task], level, cycle):
            return None
    ranks = [(task, 1 + max((level[up] for up in upstream[task]), default=-1), -1) for task in sorted(delta.came)]
    return pl.DataFrame(ranks, schema=dict.fromkeys(_RANK, pl.Int64), orient="row")


def _still_held(task: int, upstream: set[int], level: Mapping[int, int], cycle: Mapping[int, int]) -> bool:
    """Another upstream task holds the task where it is. Inside a cycle only a full look can tell."""
    return cycle[task] == -1 and any(level[up] == level[task] - 1 for up in upstream)


def _upstream_now(work: Work, delta: Delta) -> dict[int, set[int]]:
    """Upstream tasks, after the delta, of the tasks that lost one or are new."""
    tasks = set(delta.removed["task"]) | delta.came
    found: dict[int, set[int]] = {task: set() for task in tasks}
    for task, up in work.derivation.dependencies(tasks).select(_PAIR).iter_rows():
        found[task].add(up)
    for task, up in delta.added.iter_rows():
        if task in found:
            found[task].add(up)
    for task, up in delta.removed.iter_rows():
        found[task].discard(up)
    return found
