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
    """One definition for each workflow of `stated`, by its id. Columns become lists once, then each takes its slice."""
    members = estate.members.sort("workflow", "code")
    names, crons, cyclic = (members[name].to_list() for name in ("code", "cron", "cycle"))
    bodies = task_bodies(members)
    edges = _edges(estate.edges, members)
    pairs = edges.select("pre", "post").rows()
    tasks_of, edges_of = _slices(members["workflow"]), _slices(edges["workflow"])
    for workflow, stated in sorted(estate.stated.items()):
        own = tasks_of.get(workflow, slice(0))
        inner = pairs[edges_of.get(workflow, slice(0))]
        settings, finding = _scheduled(stated, names[own], crons[own])
        crossing = sorted(estate.cross_edges.get(workflow, ()))
        whole = snapshot.assemble(inner, bodies[own], snapshot.settings_body(settings), crossing)
        waiting, feeding = {post for _, post in inner}, {pre for pre, _ in inner}
        yield Defined(
            workflow,
            whole,
            snapshot.digest(whole),
            tuple(name for name in names[own] if name not in waiting),
            tuple(name for name in names[own] if name not in feeding),
            _circles(cyclic[own], inner),
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


def _slices(workflows: pl.Series) -> dict[int, slice]:
    """Workflow id → its rows in a column sorted by workflow."""
    counted = workflows.to_frame("workflow").group_by("workflow", maintain_order=True).len()
    found, start = {}, 0
    for workflow, length in counted.iter_rows():
        found[workflow] = slice(start, start + length)
        start += length
    return found


def _edges(edges: pl.DataFrame, members: pl.DataFrame) -> pl.DataFrame:
    """(workflow, pre, post) by code, sorted. An edge may outlive its task until the step before sees it gone."""
    codes = members.select("task", "code")
    return (
        edges.join(codes.rename({"task": "pre", "code": "pre_code"}), on="pre")
        .join(codes.rename({"task": "post", "code": "post_code"}), on="post")
        .select("workflow", pl.col("pre_code").alias("pre"), pl.col("post_code").alias("post"))
        .sort("workflow", "pre", "post")
    )


def _scheduled(stated: Stated, names: list[str], crons: list[str]) -> tuple[Settings, str | None]:
    asked = {stated.cron} if stated.declared else set(crons)
    if asked in (set(), {""}):
        return stated.settings, None
    if len(asked) > 1:
        listed = "; ".join(f"{code}: {cron or 'none'}" for code, cron in zip(names, crons, strict=True))
        return stated.settings, f"its tasks ask for different schedules: {listed}"
    (text,) = asked
    cron = to_cron(text)
    if cron is None:
        return stated.settings, f"cron cannot say {text!r}"
    return replace(stated.settings, schedule=Schedule(cron, stated.time_zone)), None


def _circles(cyclic: list[int], edges: list[Edge]) -> tuple[tuple[str, ...], ...]:
    """A task may be in a circle that runs through another workflow: then there is none in here."""
    if all(cycle == -1 for cycle in cyclic):
        return ()
    return tuple(tuple(circle) for circle in graph.cycles(edges))
