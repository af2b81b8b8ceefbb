"""A workflow of 200 tasks and any number of edits of it, one task each. Names and edges are bigquery-etl's, texts those
of the sample retail."""

import csv
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from wfgov_dagster.domain import graph
from wfgov_dagster.domain.definition import Definition, Edge, Settings, Task, make
from wfgov_dagster.settings import CHECKOUT

TASKS = 200
_SAMPLES = CHECKOUT / "sql" / "samples"
_DATASET = "moz-fx-data-shared-prod.telemetry_derived"  # the largest: what a team would have in one workflow


def versions(count: int) -> Iterator[Definition]:
    """V1, and one for each edit: every task has its turn, and a line of its text is another one."""
    first = workflow()
    yield first
    for number in range(1, count):
        at = number * 37 % TASKS
        changed = replace(first.tasks[at], text=first.tasks[at].text + f"\n-- {number} days are kept")
        first = replace(first, tasks=(*first.tasks[:at], changed, *first.tasks[at + 1 :]))
        yield first


def workflow() -> Definition:
    texts = [file.read_text(encoding="utf-8") for file in sorted((_SAMPLES / "retail").glob("*/*.sql"))]
    with (_SAMPLES / "bigquery-etl" / "tasks.csv").open(encoding="utf-8", newline="") as lines:
        names = sorted(row["task_code"] for row in csv.DictReader(lines) if row["dataset"] == _DATASET)[:TASKS]
    edges, codes = list(_edges(set(names))), [_short(name) for name in names]
    tasks = [
        Task(code, code, node_type="SHELL", text=f"run_sql <<'SQL'\n-- {code}\n{text}SQL")
        for code, text in zip(codes, islice(_again(texts), TASKS), strict=True)
    ]
    return make(Settings("telemetry_derived", "Telemetry"), tasks, edges)


def _edges(names: set[str]) -> Iterator[Edge]:
    """Directly, or through views. Of a circle, what runs against the order of names is left out."""
    with (_SAMPLES / "bigquery-etl" / "lineage.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    sources: dict[str, set[str]] = {}
    for row in rows:
        if not row["task_code"]:
            sources.setdefault(row["downstream_table"], set()).add(row["upstream_table"])
    found = set()
    for row in (row for row in rows if row["task_code"] in names):
        seen, waiting = set[str](), [row["upstream_table"]]
        while waiting:
            table = waiting.pop()
            if table not in seen:
                seen.add(table)
                waiting += sources.get(table, ())
        found |= {(_short(table), _short(row["task_code"])) for table in seen & names - {row["task_code"]}}
    circles = {code for circle in graph.cycles(sorted(found)) for code in circle}
    return (edge for edge in sorted(found) if edge[0] < edge[1] or not circles.issuperset(edge))


def _short(name: str) -> str:
    return name.rpartition(".")[2]


def _again(texts: list[str]) -> Iterator[str]:
    while True:
        yield from texts
