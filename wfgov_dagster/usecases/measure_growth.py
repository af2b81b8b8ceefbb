"""How much of versions is kept, how it grew, and where that leads."""

from collections.abc import Sequence
from dataclasses import dataclass

from wfgov_dagster.domain.retention import Month, forecast, without_gaps
from wfgov_dagster.ports.store import Store

KINDS = ("versions", "members", "tasks", "edges", "bodies")
_QUARTER, _YEAR = 3, 12


@dataclass(frozen=True, slots=True)
class Growth:
    """`months`: what was added and is still there, without gaps; what a clean-up took is in none of them. `in_3`,
    `in_12`: bytes after so many more months, by a straight line through the months; None = there are not two yet."""

    what: str
    rows: int
    bytes: int
    months: Sequence[Month]
    in_3: int | None
    in_12: int | None


def measure_growth(store: Store) -> Sequence[Growth]:
    """Versions, task definitions, edges, texts, and all of them."""
    with store.read() as work:
        sizes = work.retention.sizes()
    found = [_growth(kind, sizes[kind].rows, sizes[kind].bytes, sizes[kind].months) for kind in KINDS]
    together: dict[str, tuple[int, int]] = {}
    for month in (one for kind in found for one in kind.months):
        rows, octets = together.get(month.month, (0, 0))
        together[month.month] = rows + month.rows, octets + month.bytes
    months = [Month(name, *counts) for name, counts in together.items()]
    return [*found, _growth("all", sum(one.rows for one in found), sum(one.bytes for one in found), months)]


def _growth(what: str, rows: int, octets: int, months: Sequence[Month]) -> Growth:
    filled = without_gaps(months)
    known = [one.bytes for one in filled]
    if len(known) < 2:
        return Growth(what, rows, octets, filled, None, None)
    undated = octets - sum(known)
    ahead = [forecast(known, count) + undated for count in (_QUARTER, _YEAR)]
    return Growth(what, rows, octets, filled, ahead[0], ahead[1])
