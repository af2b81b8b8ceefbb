"""Definitions of many workflows at once, from columns: the same bytes as one by one, without an object a task."""

import io
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import chain, compress, islice
from typing import Final

import numpy as np
import orjson
import polars as pl

from wfgov_dagster.domain import extra, graph, snapshot
from wfgov_dagster.domain.columns import Ids
from wfgov_dagster.domain.cron import to_cron
from wfgov_dagster.domain.definition import CrossEdge, Edge, Schedule, Settings, Task

_SLICE: Final = 10_000  # tasks whose bodies are in memory at once: new pages cost more than the work on them


@dataclass(frozen=True, slots=True)
class Stated:
    """Settings of one workflow: `declared` ones stand, else the cron that all its tasks share. A schedule in `settings`
    is whole already."""

    settings: Settings
    declared: bool
    cron: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class Defined:
    """A current definition; only one with tasks and without circles can become a version.

    `circles`: task codes in walking order. `schedule_finding`: why there is no schedule although one was asked for.
    `problems`: what is wrong with its tasks, a sentence each.
    """

    workflow: int
    document: bytes
    content_hash: str
    entry_tasks: tuple[str, ...]
    exit_tasks: tuple[str, ...]
    circles: tuple[tuple[str, ...], ...]
    schedule_finding: str | None
    problems: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        return not self.entry_tasks and not self.circles


@dataclass(frozen=True, slots=True)
class Estate:
    """members: as ports.store.Workflows.members, of the workflows in `stated` alone; edges (workflow, pre, post) by
    task id, inside one workflow each; the rest by workflow id."""

    members: pl.DataFrame
    edges: pl.DataFrame
    stated: Mapping[int, Stated]
    cross_edges: Mapping[int, list[CrossEdge]]


def define(estate: Estate) -> Iterator[Defined]:
    """One definition for each workflow of `stated`, by its id. Columns become lists once, then each takes its slice."""
    members = estate.members.sort("workflow", "code")
    names, crons, cyclic = (members[name].to_list() for name in ("code", "cron", "cycle"))
    wrong = _problems(members)
    bodies = chain.from_iterable(task_bodies(some) for some in members.iter_slices(_SLICE))
    pre, post = _edges(estate.edges, members)
    codes = np.array(names, dtype=object)
    ups, downs = codes[pre].tolist(), codes[post].tolist()
    first, last = _without(post, members.height), _without(pre, members.height)
    tasks_of = _slices(members["workflow"])
    for workflow, stated in sorted(estate.stated.items()):
        own = tasks_of.get(workflow, slice(0, 0))
        held = slice(*np.searchsorted(pre, (own.start, own.stop)))
        inner = list(zip(ups[held], downs[held], strict=True))
        settings, finding = scheduled(stated, names[own], crons[own])
        crossing = sorted(estate.cross_edges.get(workflow, ()))
        listed = islice(bodies, own.stop - own.start)
        whole = snapshot.assemble(inner, listed, snapshot.settings_body(settings), crossing)
        yield Defined(
            workflow,
            whole,
            snapshot.digest(whole),
            tuple(compress(names[own], first[own])),
            tuple(compress(names[own], last[own])),
            _circles(cyclic[own], inner),
            finding,
            wrong.get(workflow, ()),
        )


def task_bodies(tasks: pl.DataFrame) -> list[bytes]:
    """`snapshot.task_body` of each row. A task without text becomes a SHELL node that echoes its code, unless `spec`
    says what its node is.

    Whole columns are serialised at once, in the canonical order of the keys; the bytes are those of orjson, which a
    test holds against each other. The rows with a `spec` are few and one like no other: each is a task of its own.
    """
    spelt = [snapshot.task_body(task) for task in _spelt(tasks)]
    if not spelt:
        return _plain_bodies(tasks)
    plain, own = iter(_plain_bodies(tasks.filter(pl.col("spec") == ""))), iter(spelt)
    return [next(own) if spec else next(plain) for spec in tasks["spec"]]


def _spelt(tasks: pl.DataFrame) -> Iterator[Task]:
    """The rows with a `spec` as tasks, in their order."""
    columns = [field.name for field in fields(Task) if field.name not in snapshot.NODE_FIELDS]
    for row in tasks.filter(pl.col("spec") != "").iter_rows(named=True):
        told = {name: row[name] for name in columns} | {"datasource": row["datasource"] or None}
        yield snapshot.task_from(told | orjson.loads(row["spec"]))


def _plain_bodies(tasks: pl.DataFrame) -> list[bytes]:
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
    lines = io.BytesIO()
    rows.write_ndjson(lines)
    return lines.getvalue().split(b"\n")[:-1]


def _problems(members: pl.DataFrame) -> dict[int, tuple[str, ...]]:
    """Workflow id → sentences about symbols of its tasks."""
    spelt = members.filter(pl.col("spec") != "")
    if not spelt.height:
        return {}
    codes = members.group_by("workflow").agg("code").rows_by_key("workflow", unique=True)
    found: dict[int, list[str]] = {}
    for workflow, task in zip(spelt["workflow"], _spelt(spelt), strict=True):
        found.setdefault(workflow, []).extend(extra.problems_of(task, set(codes[workflow][0])))
    return {workflow: tuple(told) for workflow, told in found.items()}


def _slices(workflows: pl.Series) -> dict[int, slice]:
    """Workflow id → its rows in a column sorted by workflow."""
    counted = workflows.to_frame("workflow").group_by("workflow", maintain_order=True).len()
    found, start = {}, 0
    for workflow, length in counted.iter_rows():
        found[workflow] = slice(start, start + length)
        start += length
    return found


def _edges(edges: pl.DataFrame, members: pl.DataFrame) -> tuple[Ids, Ids]:
    """(pre, post) as rows of the members, sorted: their order is that of the codes. An edge may outlive its task until
    the step before sees it gone."""
    rows = members.select("task", pl.int_range(pl.len(), dtype=pl.Int64).alias("row"))
    found = (
        edges.join(rows.rename({"task": "pre", "row": "pre_row"}), on="pre")
        .join(rows.rename({"task": "post", "row": "post_row"}), on="post")
        .select((pl.col("pre_row") * members.height + pl.col("post_row")).sort())
        .to_series()
        .to_numpy()
    )
    pre, post = np.divmod(found, max(members.height, 1))
    return pre, post


def _without(ends: Ids, height: int) -> list[bool]:
    """For each row: it is no end of an edge."""
    free = np.ones(height, dtype=np.bool_)
    free[ends] = False
    return free.tolist()


def scheduled(stated: Stated, names: Sequence[str], crons: Sequence[str]) -> tuple[Settings, str | None]:
    """The settings with their schedule, by what the tasks (`names`) ask for; or why there is none."""
    if stated.settings.schedule is not None:
        return stated.settings, None
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
    if max(cyclic, default=-1) == -1:
        return ()
    return tuple(tuple(circle) for circle in graph.cycles(edges))
