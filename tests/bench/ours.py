"""A full derivation in memory with the product's own functions: what the use cases do, without writing."""

import numpy as np
import polars as pl
import sqlalchemy as sa

from tests.bench.alone import Derived
from wfgov_dagster.domain.columns import positions
from wfgov_dagster.domain.definition import Settings
from wfgov_dagster.domain.estate import Estate, Stated, define
from wfgov_dagster.domain.graph import topology
from wfgov_dagster.domain.grouping import NOWHERE, Unplaced, Upstream, auto_code, place
from wfgov_dagster.domain.lineage import dependencies
from wfgov_dagster.store.db import Database
from wfgov_dagster.store.frames import bulk_frame
from wfgov_dagster.store.schema.given import data_task
from wfgov_dagster.store.store import SqlWork
from wfgov_dagster.store.workflows import MEMBER_SCHEMA, task_columns
from wfgov_dagster.usecases.derive_dependencies import read_lineage


def derive(path: str) -> Derived:
    database = Database(f"sqlite:///{path}")
    with database.read() as conn:
        work = SqlWork(conn)
        found = dependencies(read_lineage(work, None))
        pairs = found.select("task", "upstream")
        tasks = work.lineage.active_tasks(None)
        ranks = topology(tasks["task"].to_numpy(), found["upstream"].to_numpy(), found["task"].to_numpy())
        placed, codes = _placed(
            work, pairs, pl.DataFrame({"task": ranks.task, "level": ranks.level, "cycle": ranks.cycle})
        )
        hashes = _hashes(conn, pairs, placed, codes)
    database.dispose()
    evidence = found.select("task", "upstream", "table_read", "table_written").to_numpy()
    return Derived(evidence, int(ranks.level.max()), hashes)


def _placed(work: SqlWork, pairs: pl.DataFrame, ranks: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    declared = work.workflows.declarations(None).select("task", pl.col("code").alias("declared"))
    undeclared = ranks.join(declared, on="task", how="anti")["task"].to_list()
    groups = work.workflows.groups(undeclared)
    named = groups.select("business_domain", "owner").unique()
    auto = named.with_columns(pl.Series("auto", [auto_code(*one) for one in named.iter_rows()]))
    rows = ranks.join(declared, on="task", how="left", maintain_order="left").join(
        groups.join(auto, on=["business_domain", "owner"]), on="task", how="left", maintain_order="left"
    )
    codes = pl.concat([rows["declared"], rows["auto"]]).drop_nulls().unique().sort()
    numbers = {code: number for number, code in enumerate(codes)}
    declared_no = rows["declared"].replace_strict(numbers, default=NOWHERE, return_dtype=pl.Int64).to_numpy()
    auto_no = rows["auto"].replace_strict(numbers, default=NOWHERE, return_dtype=pl.Int64).to_numpy()
    task, level, cycle = (rows[name].to_numpy() for name in ("task", "level", "cycle"))
    reader, upstream = (pairs[name].to_numpy() for name in ("task", "upstream"))
    placement = place(
        Unplaced(task, level, cycle, declared_no, auto_no),
        Upstream(reader, upstream, cycle[positions(task, upstream)], np.full(len(reader), NOWHERE)),
    )
    return rows.select("task", "cycle").with_columns(pl.Series("workflow", placement.workflow)), codes.to_list()


def _hashes(conn: sa.Connection, pairs: pl.DataFrame, placed: pl.DataFrame, codes: list[str]) -> dict[str, str]:
    schema = {name: type_ for name, type_ in MEMBER_SCHEMA.items() if name not in ("workflow", "cycle", "spec")}
    query = sa.select(*task_columns()).where(data_task.c.deleted == 0)
    members = bulk_frame(conn, query, schema).sort("task")
    by_task = placed.sort("task")
    assert members["task"].equals(by_task["task"])
    members = members.with_columns(by_task["workflow"], by_task["cycle"], spec=pl.lit("")).select(list(MEMBER_SCHEMA))
    ids, flows = (by_task[name].to_numpy() for name in ("task", "workflow"))
    up, down = (flows[positions(ids, pairs[end].to_numpy())] for end in ("upstream", "task"))
    both = pairs.select(pl.Series("workflow", down), pl.col("upstream").alias("pre"), pl.col("task").alias("post"))
    edges = both.filter(pl.Series(up == down))
    used = placed["workflow"].unique().sort()
    stated = {number: Stated(Settings(codes[number], codes[number]), False, "", "UTC") for number in used}
    return {codes[one.workflow]: one.content_hash for one in define(Estate(members, edges, stated, {}))}
