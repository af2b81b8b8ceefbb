"""Definitions of many workflows at once, from columns: the same bytes as one by one, without an object a task."""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import polars as pl

from wfgov_dagster.domain import graph, snapshot
from wfgov_dagster.domain.cron import to_cron
from wfgov_dagster.domain.definition import CrossEdge, Edge, Schedule, Settings


@dataclass(frozen=True, slots=True)
class Stated:
    """Settings of one workflow, its schedule apart: `declared` ones stand, else the cron that all its tasks share."""

    settings: Settings
    declared: bool
    cron: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class Defined:
    """A current definition; only one with tasks and without circles can become a version.

    `circles`: task codes in walking order. `schedule_finding`: why there is no schedule although one was asked for.
    """

    workflow: int
    document: bytes
    content_hash: str
    entry_tasks: tuple[str, ...]
    exit_tasks: tuple[str, ...]
    circles: tuple[tuple[str, ...], ...]
    schedule_finding: str | None

    @property
    def empty(self) -> bool:
        return not self.entry_tasks and not self.circles


@dataclass(frozen=True, slots=True)
class Estate:
    """members: as ports.store.Workflows.members; edges (workflow, pre, post) by task id; the rest by workflow id."""

    members: pl.DataFrame
    edges: pl.DataFrame
    stated: Mapping[int, Stated]
    cross_edges: Mapping[int, list[CrossEdge]]


def define(estate: Estate) -> Iterator[Defined]:
    """One definition for each workflow of `stated`, by its id."""
    members = estate.members.sort("workflow", "code")
    codes = dict(zip(members["task"], members["code"], strict=True))
    bodies = task_bodies(members)
    tasks = _slices(members["workflow"])
    edges = _edges(estate.edges, codes)
    for workflow, stated in sorted(estate.stated.items()):
        start, end = tasks.get(workflow, (0, 0))
        rows = members.slice(start, end - start)
        settings, finding = _scheduled(stated, rows)
        inner = edges.get(workflow, [])
        whole = snapshot.assemble(
            inner, bodies[start:end], snapshot.settings_body(settings), sorted(estate.cross_edges.get(workflow, ()))
        )
        names = rows["code"].to_list()
        waiting, feeding = {post for _, post in inner}, {pre for pre, _ in inner}
        yield Defined(
            workflow,
            whole,
            snapshot.digest(whole),
            tuple(name for name in names if name not in waiting),
            tuple(name for name in names if name not in feeding),
            _circles(rows, inner),
            finding,
        )


def task_bodies(tasks: pl.DataFrame) -> list[bytes]:
    """`snapshot.task_body` of each row. A task without text becomes a SHELL node that echoes its code.

    Whole columns are serialised at once, in the canonical order of the keys; the bytes are those of orjson, which a
    test holds against each other.
    """
    if not tasks.height:
        return []
    bare = tasks.filter(pl.col("text") == "")["code"]
    echoes = pl.DataFrame({"code": bare, "echo": [f"echo {shlex.quote(code)}" for code in bare]})
    nothing = pl.lit([], dtype=pl.List(pl.String))
    rows = tasks.join(echoes, on="code", how="left", maintain_order="left").select(
        "code",
        pl.when(pl.col("datasource") != "").then(pl.col("datasource")).alias("datasource"),
        "description",
        nothing.alias("flags"),
        "name",
        pl.when((pl.col("text") == "") | (pl.col("node_type") == ""))
        .then(pl.lit("SHELL"))
        .otherwise(pl.col("node_type"))
        .alias("node_type"),
        nothing.alias("parameters"),
        "priority",
        nothing.alias("resources"),
        "retries",
        "retry_interval",
        pl.coalesce("echo", "text").alias("text"),
        "timeout",
        "type",
    )
    return rows.write_ndjson().encode().split(b"\n")[:-1]


def _slices(workflows: pl.Series) -> dict[int, tuple[int, int]]:
    """Workflow id → its rows [start, end) in a column sorted by workflow."""
    counted = workflows.to_frame("workflow").group_by("workflow", maintain_order=True).len()
    found, start = {}, 0
    for workflow, length in counted.iter_rows():
        found[workflow] = (start, start + length)
        start += length
    return found


def _edges(edges: pl.DataFrame, codes: Mapping[int, str]) -> dict[int, list[Edge]]:
    """An edge may outlive its task until the step before sees that the task is gone."""
    found: dict[int, list[Edge]] = {}
    for workflow, pre, post in edges.iter_rows():
        if pre in codes and post in codes:
            found.setdefault(workflow, []).append((codes[pre], codes[post]))
    for listed in found.values():
        listed.sort()
    return found


def _scheduled(stated: Stated, rows: pl.DataFrame) -> tuple[Settings, str | None]:
    asked = {stated.cron} if stated.declared else set(rows["cron"])
    if asked in (set(), {""}):
        return stated.settings, None
    if len(asked) > 1:
        listed = "; ".join(f"{code}: {cron or 'none'}" for code, cron in rows.select("code", "cron").iter_rows())
        return stated.settings, f"its tasks ask for different schedules: {listed}"
    (text,) = asked
    cron = to_cron(text)
    if cron is None:
        return stated.settings, f"cron cannot say {text!r}"
    return replace(stated.settings, schedule=Schedule(cron, stated.time_zone)), None


def _circles(rows: pl.DataFrame, edges: list[Edge]) -> tuple[tuple[str, ...], ...]:
    """A task may be in a circle that runs through another workflow: then there is none in here."""
    if (rows["cycle"] == -1).all():
        return ()
    return tuple(tuple(circle) for circle in graph.cycles(edges))
