"""The same derivation as one writes it with pandas and networkx: read the tables, merge, build a graph, dump JSON."""

import hashlib
import json
import sqlite3
from collections import defaultdict

import networkx as nx
import pandas as pd

from tests.bench.alone import Derived
from wfgov_dagster.domain.grouping import auto_code

_TASK = (
    "id", "task_code", "task_name", "task_desc", "task_type", "dolphin_node_type", "task_sql", "datasource_name",
    "schedule_cron",
)  # fmt: skip


def derive(path: str) -> Derived:
    with sqlite3.connect(path) as db:
        tasks = pd.read_sql(f"SELECT {', '.join(_TASK)} FROM data_task WHERE deleted = 0", db)
        tables = pd.read_sql(
            "SELECT id, db_name || '.' || table_name AS name, business_domain, owner FROM data_table", db
        )
        lineage = pd.read_sql(
            "SELECT task_id, upstream_table_id, downstream_table_id FROM data_lineage WHERE deleted = 0", db
        )
        declared = pd.read_sql("SELECT task_id, workflow_code FROM task_workflow_declaration", db)
    db.close()
    found = _dependencies(lineage, tables)
    edges = set(found[["upstream", "task_id"]].itertuples(index=False, name=None))
    levels = _levels(tasks, edges)
    workflow = _workflows(tasks, tables, lineage, declared, edges, levels)
    return Derived(found.to_numpy(), max(levels.values()), _hashes(tasks, edges, workflow))


def _dependencies(lineage: pd.DataFrame, tables: pd.DataFrame) -> pd.DataFrame:
    """Each pair of tasks once, through views too, with the table read and the table written: the shortest way, among
    equals the one whose name comes first."""
    of_task = lineage[lineage.task_id.notna()]
    reads = of_task[["task_id", "upstream_table_id"]].dropna().rename(columns={"upstream_table_id": "read"})
    writes = of_task[["task_id", "downstream_table_id"]].dropna().drop_duplicates()
    writes = writes.rename(columns={"task_id": "upstream", "downstream_table_id": "written"})
    views = lineage[lineage.task_id.isna()].rename(columns={"downstream_table_id": "view"})
    through = reads.assign(written=reads.read, distance=0)
    found = [through]
    while len(through):
        through = through.merge(views[["view", "upstream_table_id"]], left_on="written", right_on="view")
        through = through.assign(written=through.upstream_table_id, distance=through.distance + 1)
        through = through[["task_id", "read", "written", "distance"]].drop_duplicates()
        found.append(through)
    pairs = pd.concat(found).merge(writes, on="written")
    pairs = pairs[pairs.task_id != pairs.upstream].merge(tables[["id", "name"]], left_on="read", right_on="id")
    pairs = pairs.sort_values(["task_id", "upstream", "distance", "name"]).drop_duplicates(["task_id", "upstream"])
    return pairs[["task_id", "upstream", "read", "written"]].astype("int64")


def _levels(tasks: pd.DataFrame, edges: set[tuple[int, int]]) -> dict[int, int]:
    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_nodes_from(tasks.id)
    graph.add_edges_from(edges)
    condensed = nx.condensation(graph)
    level: dict[int, int] = {}
    for part in nx.topological_sort(condensed):
        level[part] = max((level[before] + 1 for before in condensed.predecessors(part)), default=0)
    return {task: level[condensed.graph["mapping"][task]] for task in tasks.id}


def _workflows(
    tasks: pd.DataFrame,
    tables: pd.DataFrame,
    lineage: pd.DataFrame,
    declared: pd.DataFrame,
    edges: set[tuple[int, int]],
    levels: dict[int, int],
) -> dict[int, str]:
    writes = lineage.dropna(subset=["task_id", "downstream_table_id"]).drop_duplicates("task_id")
    owned = writes.merge(tables, left_on="downstream_table_id", right_on="id")
    auto = {int(row.task_id): auto_code(row.business_domain or "", row.owner or "") for row in owned.itertuples()}
    upstream = defaultdict(list)
    for up, task in edges:
        upstream[task].append(up)
    found = dict(zip(declared.task_id, declared.workflow_code, strict=True))
    codes = dict(zip(tasks.id, tasks.task_code, strict=True))
    for task in sorted(tasks.id, key=lambda task: (levels[task], codes[task])):
        if task not in found:
            above = {found[up] for up in upstream[task]}
            found[task] = above.pop() if len(above) == 1 else auto[task]
    return found


def _hashes(tasks: pd.DataFrame, edges: set[tuple[int, int]], workflow: dict[int, str]) -> dict[str, str]:
    codes = dict(zip(tasks.id, tasks.task_code, strict=True))
    inner = defaultdict(list)
    for up, task in edges:
        if workflow[up] == workflow[task]:
            inner[workflow[task]].append([codes[up], codes[task]])
    members = defaultdict(list)
    for row in tasks.to_dict("records"):
        members[workflow[row["id"]]].append(_task(row))
    return {code: _hash(code, listed, inner[code]) for code, listed in members.items()}


def _hash(code: str, tasks: list[dict[str, object]], edges: list[list[str]]) -> str:
    (cron,) = {str(task.pop("cron")) for task in tasks}
    document = {
        "scheme": "w1",
        "workflow": {
            "code": code,
            "name": code,
            "description": "",
            "timeout": 0,
            "failure_strategy": "continue",
            "parameters": [],
            "resources": [],
            "schedule": {"cron": cron, "time_zone": "UTC", "start": None, "end": None},
            "worker_group": "default",
            "tenant": "default",
            "environment": "",
            "priority": 3,
        },
        "tasks": sorted(tasks, key=lambda task: str(task["code"])),
        "edges": sorted(edges),
        "cross_workflow_edges": [],
    }
    text = json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return f"w1:{hashlib.sha256(text.encode()).hexdigest()}"


def _task(row: dict[str, object]) -> dict[str, object]:
    return {
        "code": row["task_code"],
        "name": row["task_name"],
        "description": row["task_desc"] or "",
        "type": row["task_type"],
        "node_type": row["dolphin_node_type"],
        "text": row["task_sql"],
        "datasource": row["datasource_name"],
        "parameters": [],
        "resources": [],
        "priority": 3,
        "timeout": 0,
        "retries": 0,
        "retry_interval": 0,
        "flags": [],
        "cron": row["schedule_cron"],
    }
