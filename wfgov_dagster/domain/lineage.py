"""Who reads and writes what, as columns, and the dependencies between tasks that follow.

Frames hold int64 ids. A view is a table fed by another table with no task between; a chain of views counts as one hop.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from wfgov_dagster.domain.columns import Ids, grouped, positions, ranges

DIRECT: Final = "direct"
VIEW: Final = "view"
DECLARED: Final = "declared"
_HALF: Final = 1 << 31

DEPENDENCY_SCHEMA: Final = {
    "task": pl.Int64,
    "upstream": pl.Int64,
    "kind": pl.String,
    "table_read": pl.Int64,
    "table_written": pl.Int64,
    "chain": pl.String,
}


@dataclass(frozen=True, slots=True)
class Lineage:
    """Active rows only; repeated ones are allowed.

    reads (task, table), writes (table, task), views (view, source), declared (task, upstream), and names
    (table, rank): the position of each table that occurs, by full name in byte order, which breaks ties.
    """

    reads: pl.DataFrame
    writes: pl.DataFrame
    views: pl.DataFrame
    declared: pl.DataFrame
    names: pl.DataFrame


def dependencies(lineage: Lineage) -> pl.DataFrame:
    """One row per (task, upstream), in DEPENDENCY_SCHEMA. A task that reads what it writes depends on no one by it.

    Evidence: the shortest chain from the table read to the table written; among equals the one whose names come
    first. `chain` is a JSON list of table ids from the read to the written one, null when they are the same.
    """
    direct = _direct(lineage)
    pairs = direct.select("task", "upstream")
    found = [direct]
    if lineage.views.height:
        through_views = _through_views(lineage, pairs)
        found.append(through_views)
        pairs = pl.concat([pairs, through_views.select("task", "upstream")])
    if lineage.declared.height:
        found.append(_declared(lineage, pairs))
    return pl.concat(found)


def _direct(lineage: Lineage) -> pl.DataFrame:
    """Ranks stand in for tables: their order is the names' order, so the first table of a pair is its smallest rank."""
    tables = lineage.names.sort("table")
    ids, rank = tables["table"].to_numpy(), tables["rank"].to_numpy()
    read = rank[positions(ids, lineage.reads["table"].to_numpy())]
    order, starts = grouped(rank[positions(ids, lineage.writes["table"].to_numpy())], len(ids))
    begins, ends = starts[read], starts[read + 1]
    upstream = lineage.writes["task"].to_numpy()[order[ranges(begins, ends)]]
    task = np.repeat(lineage.reads["task"].to_numpy(), ends - begins)
    task, upstream, smallest = _first(task, upstream, np.repeat(read, ends - begins))
    table = lineage.names.sort("rank")["table"].to_numpy()[smallest]
    return pl.DataFrame(
        {
            "task": task,
            "upstream": upstream,
            "kind": DIRECT,
            "table_read": table,
            "table_written": table,
            "chain": None,
        },
        schema=DEPENDENCY_SCHEMA,
    )


def _first(task: Ids, upstream: Ids, rank: Ids) -> tuple[Ids, Ids, Ids]:
    """Each pair of two tasks once, sorted, with its smallest rank."""
    if not task.size:
        return task, upstream, rank
    order = _by_pair(task, upstream)
    task, upstream = task[order], upstream[order]
    first = np.flatnonzero(np.r_[True, (task[1:] != task[:-1]) | (upstream[1:] != upstream[:-1])])
    smallest = np.minimum.reduceat(rank[order], first)
    differ = task[first] != upstream[first]
    first = first[differ]
    return task[first], upstream[first], smallest[differ]


def _by_pair(task: Ids, upstream: Ids) -> Ids:
    """One sort of one integer where both ids fit into its halves."""
    if max(task.max(), upstream.max()) < _HALF:
        return np.argsort(task * _HALF + upstream, kind="stable")
    return np.lexsort((upstream, task))


def _through_views(lineage: Lineage, already: pl.DataFrame) -> pl.DataFrame:
    reached, steps = _closure(lineage)
    written = lineage.writes.rename({"task": "upstream", "table": "table_written"})
    ways = (
        lineage.reads.join(reached, left_on="table", right_on="origin")
        .join(written, left_on="reached", right_on="table_written")
        .filter(pl.col("task") != pl.col("upstream"))
    )
    known = already.join(ways, on=["task", "upstream"], how="semi")  # few: the right side is the one that is indexed
    best = (
        ways.join(known, on=["task", "upstream"], how="anti")
        .join(lineage.names, on="table")
        .sort("distance", "rank", "order")
        .unique(["task", "upstream"], keep="first", maintain_order=True)
        .rename({"table": "table_read", "reached": "table_written"})
    )
    return _with_chain(best, steps).select(
        "task", "upstream", pl.lit(VIEW).alias("kind"), "table_read", "table_written", "chain"
    )


def _closure(lineage: Lineage) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    """Tables that each read view is made of: (origin, reached, distance ≥ 1, order), and who led to whom.

    Breadth first, so the first chain found is a shortest; `order` sorts chains of one origin and distance by their
    names. `steps[d]` maps (origin, reached at distance d) to the table before it. Circles of views end by themselves.
    """
    views = lineage.views.unique()
    frontier = (
        lineage.reads.join(views, left_on="table", right_on="view", how="semi")
        .select(pl.col("table").alias("origin"))
        .unique()
        .select("origin", pl.col("origin").alias("reached"), pl.lit(0, dtype=pl.Int64).alias("order"))
    )
    seen = frontier.select("origin", "reached")
    levels: list[pl.DataFrame] = []
    steps: list[pl.DataFrame] = []
    while frontier.height:
        frontier = (
            frontier.join(views, left_on="reached", right_on="view")
            .join(seen, left_on=["origin", "source"], right_on=["origin", "reached"], how="anti")
            .join(lineage.names, left_on="source", right_on="table")
            .sort("order", "rank")
            .unique(["origin", "source"], keep="first", maintain_order=True)
            .select("origin", pl.col("source").alias("reached"), pl.col("reached").alias("before"))
            .with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias("order"))
        )
        steps.append(frontier.select("origin", "reached", "before"))
        levels.append(frontier.select("origin", "reached", pl.lit(len(steps)).alias("distance"), "order"))
        frontier = frontier.select("origin", "reached", "order")
        seen = pl.concat([seen, frontier.select("origin", "reached")])
    empty = {"origin": pl.Int64, "reached": pl.Int64, "distance": pl.Int32, "order": pl.Int64}
    return pl.concat([pl.DataFrame(schema=empty), *levels], how="vertical_relaxed"), steps


def _with_chain(best: pl.DataFrame, steps: list[pl.DataFrame]) -> pl.DataFrame:
    """Walk back from the written table to the read one, all rows of one distance at a time."""
    parts = [best.clear().with_columns(pl.lit(None, dtype=pl.String).alias("chain"))]
    for distance in range(1, len(steps) + 1):
        rows = best.filter(pl.col("distance") == distance)
        if not rows.height:
            continue
        walked = rows.with_columns(pl.col("table_written").alias(f"at{distance}"))
        for at in range(distance, 0, -1):
            step = steps[at - 1].rename({"reached": f"at{at}", "before": f"at{at - 1}"})
            walked = walked.join(step, left_on=["table_read", f"at{at}"], right_on=["origin", f"at{at}"])
        listed = pl.concat_str([f"at{at}" for at in range(distance + 1)], separator=",")
        parts.append(walked.with_columns(pl.format("[{}]", listed).alias("chain")).select(parts[0].columns))
    return pl.concat(parts)


def _declared(lineage: Lineage, already: pl.DataFrame) -> pl.DataFrame:
    return (
        lineage.declared.unique()
        .filter(pl.col("task") != pl.col("upstream"))
        .join(already, on=["task", "upstream"], how="anti")
        .select(
            "task",
            "upstream",
            pl.lit(DECLARED).alias("kind"),
            pl.lit(None, dtype=pl.Int64).alias("table_read"),
            pl.lit(None, dtype=pl.Int64).alias("table_written"),
            pl.lit(None, dtype=pl.String).alias("chain"),
        )
    )
