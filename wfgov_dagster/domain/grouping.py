"""Which workflow a task belongs to. Placement happens once; a membership is a fact that is kept (design rule 2)."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from wfgov_dagster.domain.columns import Ids, grouped, positions, ranges

CODE_LIMIT = 100
_DIGITS = 8
NOWHERE = -1


class InheritanceMode(StrEnum):
    MANUAL_SELECT = "manual_select"  # declared by an import or a person
    INHERIT_UPSTREAM = "inherit_upstream"  # all its upstream tasks are in one workflow
    AUTO = "auto"  # grouped by business domain and owner


MODES = tuple(InheritanceMode)  # `Placement.mode` holds positions in it


@dataclass(frozen=True, slots=True)
class Unplaced:
    """Tasks without membership, any order. `declared` and `auto` are workflow numbers, `declared` NOWHERE if none."""

    task: Ids
    level: Ids
    cycle: Ids
    declared: Ids
    auto: Ids


@dataclass(frozen=True, slots=True)
class Upstream:
    """Direct upstream tasks of the unplaced ones. `workflow`: where the upstream task is, NOWHERE = unplaced too."""

    task: Ids
    upstream: Ids
    cycle: Ids
    workflow: Ids


@dataclass(frozen=True, slots=True)
class Placement:
    """In the order of `Unplaced.task`: workflow number and position in MODES."""

    workflow: Ids
    mode: Ids


def place(unplaced: Unplaced, upstream: Upstream) -> Placement:
    """Declared first; else where all upstream tasks outside the own cycle are, if that is one workflow; else auto.

    A whole level at a time: tasks of one level depend on each other only inside a cycle, so their order among
    themselves does not matter and the result is that of the order (level, task_code).
    """
    where = np.where(unplaced.declared != NOWHERE, unplaced.declared, NOWHERE)
    mode = np.where(unplaced.declared != NOWHERE, MODES.index(InheritanceMode.MANUAL_SELECT), NOWHERE)
    edges = _relevant(unplaced, upstream)
    for rows in _by_level(unplaced.level, where == NOWHERE):
        lowest, highest = edges.span(rows, where)
        inherits = lowest == highest
        where[rows] = np.where(inherits, lowest, unplaced.auto[rows])
        mode[rows] = np.where(
            inherits, MODES.index(InheritanceMode.INHERIT_UPSTREAM), MODES.index(InheritanceMode.AUTO)
        )
    return Placement(where, mode)


def auto_code(business_domain: str, owner: str) -> str:
    """`auto.<business_domain>.<owner>`, empty parts as `_`, at most CODE_LIMIT characters."""
    return fitted(f"auto.{business_domain or '_'}.{owner or '_'}")


def fitted(code: str) -> str:
    """The code itself, or cut, `-` and 8 hex digits of its sha256."""
    if len(code) <= CODE_LIMIT:
        return code
    digits = hashlib.sha256(code.encode()).hexdigest()[:_DIGITS]
    return f"{code[: CODE_LIMIT - _DIGITS - 1]}-{digits}"


@dataclass(frozen=True, slots=True)
class _Edges:
    """Edges sorted by the row of their downstream task. `row`: of an upstream task that is unplaced too, or NOWHERE."""

    starts: Ids
    row: Ids
    workflow: Ids

    def span(self, rows: Ids, where: Ids) -> tuple[Ids, Ids]:
        """Smallest and largest workflow number among the upstream tasks of each row; (0, -1) without any."""
        lowest, highest = np.zeros(len(rows), dtype=np.int64), np.full(len(rows), NOWHERE)
        lengths = self.starts[rows + 1] - self.starts[rows]
        some = lengths > 0
        if not some.any():
            return lowest, highest
        index = ranges(self.starts[rows[some]], self.starts[rows[some] + 1])
        offsets = np.cumsum(lengths[some]) - lengths[some]
        found = np.where(self.row[index] == NOWHERE, self.workflow[index], where[self.row[index]])
        lowest[some] = np.minimum.reduceat(found, offsets)
        highest[some] = np.maximum.reduceat(found, offsets)
        return lowest, highest


def _relevant(unplaced: Unplaced, upstream: Upstream) -> _Edges:
    """Edges that decide: into a task that is not declared, from outside its cycle, from a task that is somewhere."""
    order = np.argsort(unplaced.task)
    tasks = unplaced.task[order]
    row = order[positions(tasks, upstream.task)]
    decides = np.flatnonzero(unplaced.declared[row] == NOWHERE)
    row, up = row[decides], upstream.upstream[decides]
    workflow, cycle = upstream.workflow[decides], upstream.cycle[decides]
    position = np.minimum(np.searchsorted(tasks, up), len(tasks) - 1)
    up_row = np.where(tasks[position] == up, order[position], NOWHERE)
    inside = (cycle != NOWHERE) & (cycle == unplaced.cycle[row])
    lost = (up_row == NOWHERE) & (workflow == NOWHERE)
    chosen = np.flatnonzero(~inside & ~lost)
    by_row, starts = grouped(row[chosen], len(tasks))
    return _Edges(starts, up_row[chosen][by_row], workflow[chosen][by_row])


def _by_level(level: Ids, open_rows: npt.NDArray[np.bool_]) -> list[Ids]:
    rows = np.flatnonzero(open_rows)
    rows = rows[np.argsort(level[rows], kind="stable")]
    return [part for part in np.split(rows, np.flatnonzero(np.diff(level[rows])) + 1) if part.size]
