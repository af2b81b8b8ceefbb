"""Memberships: new tasks are placed once, declared ones follow their declaration, all others stay (design rule 2)."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from wfgov_dagster.domain.grouping import (
    MODES,
    NOWHERE,
    InheritanceMode,
    Placement,
    Unplaced,
    Upstream,
    auto_code,
    place,
)
from wfgov_dagster.errors import InvalidInput
from wfgov_dagster.ports.store import Finding, Ids, Work

_OVERRULED = "declaration_overruled"
_AUTO = MODES.index(InheritanceMode.AUTO)
_AUTO_GROUP = ["code", "business_domain", "owner"]


@dataclass(frozen=True, slots=True)
class Placed:
    """`workflows`: ids of all that hold or held one of the tasks."""

    placed: int
    moved: int
    workflows: frozenset[int]


def place_tasks(work: Work, tasks: Ids, actor: str) -> Placed:
    """Give every active task of `tasks` its workflow. Raises InvalidInput when two groups would share a code.

    A task that the step before has not seen yet has to wait for it: nobody knows its upstream tasks.
    """
    _tell_overruled(work, tasks)
    held = work.workflows.memberships(tasks)
    active = work.lineage.active_tasks(tasks).join(work.derivation.topology(tasks), on="task", how="semi")
    declared = work.workflows.declarations(tasks).join(active, on="task", how="semi")
    new = active.join(held, on="task", how="anti")
    known = work.workflows.all()
    moves = _moves(held, declared, known)
    if not new.height and not moves.height:
        return Placed(0, 0, frozenset(held["workflow"]))
    groups = _groups(work, new, tasks)
    codes = _codes(known, declared, groups)
    placement = _placement(work, new, tasks, _indexed(declared, codes), groups, codes)
    rows = new.with_columns(
        codes.gather(placement.workflow).alias("code"),
        pl.Series("mode", [MODES[mode] for mode in placement.mode], dtype=pl.String),
    )
    _create(work, known, declared, _made_for(rows, groups, placement), actor)
    ids = work.workflows.all().select("code", "workflow")
    by = declared.select("task", "by")
    placed = rows.join(ids, on="code").join(by, on="task", how="left").with_columns(pl.col("by").fill_null("system"))
    moved = moves.join(ids, on="code").with_columns(pl.lit(str(InheritanceMode.MANUAL_SELECT)).alias("mode"))
    columns = ["workflow", "task", "mode", "by"]
    work.workflows.place(placed.select(columns).sort("task"))
    work.workflows.move(moved.select(columns))
    touched = {*held["workflow"], *placed["workflow"], *moved["workflow"]}
    return Placed(placed.height, moved.height, frozenset(touched))


def _tell_overruled(work: Work, tasks: Ids) -> None:
    """What a person set outranks an import, which has to be told. While there is anything to tell, of all tasks: one
    of them may have lost its code or its row."""
    said = work.workflows.overruled(None if work.findings.open(_OVERRULED) else tasks)
    found = [
        Finding(_OVERRULED, "task", task, f"{by} declares {code!r}; {person} set {kept!r}, which counts")
        for task, code, by, kept, person in said.iter_rows()
    ]
    work.findings.settle((_OVERRULED,), "task", None, found)


def _groups(work: Work, new: pl.DataFrame, tasks: Ids) -> pl.DataFrame:
    """(task, code, business_domain, owner): the automatic workflow of each new task, should it need one."""
    found = work.workflows.groups(tasks if tasks is None else set(new["task"]))
    pairs = found.select("business_domain", "owner").unique()
    codes = pl.Series("code", [auto_code(domain, owner) for domain, owner in pairs.iter_rows()], dtype=pl.String)
    return found.join(pairs.with_columns(codes), on=["business_domain", "owner"]).select("task", *_AUTO_GROUP)


def _codes(known: pl.DataFrame, declared: pl.DataFrame, groups: pl.DataFrame) -> pl.Series:
    """Every code a task may come to; its position is the workflow number that placing works with."""
    return pl.concat([known["code"], declared["code"], groups["code"]]).unique().sort()


def _indexed(rows: pl.DataFrame, codes: pl.Series) -> pl.DataFrame:
    """(task, number) of rows (task, code)."""
    numbers = codes.to_frame("code").with_row_index("number").with_columns(pl.col("number").cast(pl.Int64))
    return rows.join(numbers, on="code").select("task", "number")


def _placement(
    work: Work, new: pl.DataFrame, tasks: Ids, declared: pl.DataFrame, groups: pl.DataFrame, codes: pl.Series
) -> Placement:
    chosen = tasks if tasks is None else set(new["task"])
    ranks = work.derivation.topology(chosen).select("task", "level", "cycle")
    rows = (
        new.join(ranks, on="task", how="left", maintain_order="left")
        .join(declared, on="task", how="left", maintain_order="left")
        .join(_indexed(groups, codes).rename({"number": "auto"}), on="task", how="left", maintain_order="left")
        .with_columns(pl.col("number").fill_null(NOWHERE))
    )
    columns = (rows[name].to_numpy() for name in ("task", "level", "cycle", "number", "auto"))
    return place(Unplaced(*columns), _upstream(work, chosen, new, codes))


def _upstream(work: Work, chosen: Ids, new: pl.DataFrame, codes: pl.Series) -> Upstream:
    pairs = work.derivation.dependencies(chosen).select("task", "upstream").join(new, on="task", how="semi")
    ups = chosen if chosen is None else set(pairs["upstream"])
    cycles = work.derivation.topology(ups).select("task", "cycle")
    ids = work.workflows.all().select("workflow", "code")
    where = _indexed(work.workflows.memberships(ups).join(ids, on="workflow"), codes)
    rows = pairs.join(cycles, left_on="upstream", right_on="task").join(
        where, left_on="upstream", right_on="task", how="left"
    )
    number = rows["number"].fill_null(NOWHERE).to_numpy()
    return Upstream(rows["task"].to_numpy(), rows["upstream"].to_numpy(), rows["cycle"].to_numpy(), number)


def _moves(held: pl.DataFrame, declared: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """(task, code, by) of the tasks that are elsewhere than declared."""
    now = held.join(known.select("workflow", pl.col("code").alias("now")), on="workflow")
    return declared.join(now, on="task").filter(pl.col("now") != pl.col("code")).select("task", "code", "by")


def _made_for(rows: pl.DataFrame, groups: pl.DataFrame, placement: Placement) -> pl.DataFrame:
    """(code, business_domain, owner) of the automatic workflows that tasks did come to."""
    automatic = rows.filter(pl.Series(placement.mode == _AUTO)).select("task")
    return automatic.join(groups, on="task").select(_AUTO_GROUP).unique().sort(_AUTO_GROUP)


def _create(work: Work, known: pl.DataFrame, declared: pl.DataFrame, automatic: pl.DataFrame, actor: str) -> None:
    existing = {row["code"]: row for row in known.iter_rows(named=True)}
    names = {row["code"]: row["name"] for row in work.workflows.settings().iter_rows(named=True)}
    made: dict[str, dict[str, object]] = {}
    for code in declared["code"].unique().sort():
        if code not in existing:
            made[code] = _row(code, names.get(code) or code, "declared", "", "", actor)
    for code, domain, owner in automatic.iter_rows():
        _refuse_clash(existing.get(code) or made.get(code), code, domain, owner)
        if code not in existing:
            made[code] = _row(code, code, "auto", domain, owner, actor)
    work.workflows.create(sorted(made.values(), key=lambda row: str(row["workflow_code"])))


def _refuse_clash(other: Mapping[str, object] | None, code: str, domain: str, owner: str) -> None:
    if other is None:
        return
    made_for = (other["origin"], other["business_domain"] or "", other["owner"] or "")
    if made_for != ("auto", domain, owner):
        raise InvalidInput(
            f"two groups of tasks would share the workflow code {code!r}: {made_for} and {('auto', domain, owner)}",
            where=f"workflow {code}",
            hint="declare a workflow for the tasks of one of them",
        )


def _row(code: str, name: str, origin: str, domain: str, owner: str, actor: str) -> dict[str, object]:
    return {
        "workflow_code": code,
        "workflow_name": name,
        "origin": origin,
        "business_domain": domain or None,
        "owner": owner or None,
        "created_by": actor,
        "updated_by": actor,
    }
