"""The governed tables with what each is made from: what Dagster shows as external assets."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from wfgov_dagster.domain.graph import topology
from wfgov_dagster.ports.catalogue import GovernedTable
from wfgov_dagster.ports.store import Store, Work

Name = tuple[str, str]  # db_name, table_name


@dataclass(frozen=True, slots=True)
class ListedTable:
    """`upstream` has no circle; what would close one is in `circular`. Both sorted, both among the listed."""

    table: GovernedTable
    upstream: Sequence[Name]
    circular: Sequence[Name]


@dataclass(frozen=True, slots=True)
class TableList:
    tables: Sequence[ListedTable]
    left_out: int


def list_tables(store: Store, limit: int) -> TableList:
    """At most `limit`: those that a task or view makes first, then by name."""
    with store.read() as work:
        chosen = work.catalogue.tables(limit)
        edges = _edges(work, [table.id for table in chosen])
        count = work.catalogue.count()
    names = {table.id: (table.db_name, table.table_name) for table in chosen}
    upstream: dict[bool, dict[int, list[Name]]] = {False: {}, True: {}}
    for table, source, circular in edges.iter_rows():
        upstream[circular].setdefault(table, []).append(names[source])
    return TableList(
        [ListedTable(one, *(sorted(upstream[circle].get(one.id, [])) for circle in (False, True))) for one in chosen],
        count - len(chosen),
    )


def _edges(work: Work, tables: list[int]) -> pl.DataFrame:
    """(table, source, circular): a task writes the one and reads the other, or the one is a view of the other."""
    written = work.lineage.writes(tables)
    read = work.lineage.reads(written["task"].unique().to_list())
    by_task = written.join(read.rename({"table": "source"}), on="task").select("table", "source")
    by_view = work.lineage.view_sources(tables).rename({"view": "table"}).select("table", "source")
    listed = pl.DataFrame({"source": tables}, schema={"source": pl.Int64})
    edges = pl.concat([by_task, by_view]).unique().join(listed, on="source", how="semi")
    edges = edges.filter(pl.col("table") != pl.col("source")).sort("table", "source")
    nodes = np.array(sorted(tables), dtype=np.int64)
    found = topology(nodes, edges["source"].to_numpy(), edges["table"].to_numpy())
    cycle = pl.DataFrame({"node": found.task, "cycle": found.cycle})
    for end in ("table", "source"):
        edges = edges.join(cycle.rename({"node": end, "cycle": f"{end}_cycle"}), on=end, how="left")
    circular = (pl.col("table_cycle") == pl.col("source_cycle")) & (pl.col("table_cycle") != -1)
    return edges.select("table", "source", circular.alias("circular")).sort("table", "source")
