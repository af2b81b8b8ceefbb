"""What a changed SQL text means for the tables that it writes, column by column where that is known."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Fate(StrEnum):
    ADDED = "added"  # nobody wrote it before
    WIDENED = "widened"  # columns more, all others as before
    CHANGED = "changed"
    DROPPED = "dropped"  # nobody writes it any more


@dataclass(frozen=True, slots=True)
class Column:
    """`made_of`: its expression, normalised."""

    name: str
    made_of: str


@dataclass(frozen=True, slots=True)
class Written:
    """A table as one text fills it. `columns` None: not known. `rows`: all that decides which rows come, normalised.
    `by_place`: its columns are known by their order, as in an INSERT without a list of them."""

    table: str
    columns: tuple[Column, ...] | None
    rows: str
    by_place: bool = False


@dataclass(frozen=True, slots=True)
class TableChange:
    """`whole`: all columns count as changed. Names as written, sorted."""

    table: str
    fate: Fate
    whole: bool = False
    columns_dropped: tuple[str, ...] = ()
    columns_changed: tuple[str, ...] = ()
    columns_added: tuple[str, ...] = ()

    def touched(self) -> frozenset[str] | None:
        """Columns that a reader misses or finds changed, case folded; None = any."""
        if self.whole or self.fate is Fate.DROPPED:
            return None
        return frozenset(name.casefold() for name in (*self.columns_dropped, *self.columns_changed))


def table_changes(before: Iterable[Written], after: Iterable[Written]) -> tuple[TableChange, ...]:
    """By table; what is written as before is left out, whichever task writes it."""
    old, new = _by_table(before), _by_table(after)
    found = (_change(old.get(key, []), new.get(key, [])) for key in sorted(old.keys() | new.keys()))
    return tuple(one for one in found if one is not None)


def _by_table(written: Iterable[Written]) -> dict[str, list[Written]]:
    found: dict[str, list[Written]] = {}
    for one in written:
        found.setdefault(one.table.casefold(), []).append(one)
    return found


def _change(before: Sequence[Written], after: Sequence[Written]) -> TableChange | None:
    if not before:
        return TableChange(after[0].table, Fate.ADDED)
    if not after:
        return TableChange(before[0].table, Fate.DROPPED)
    gone = list((Counter(before) - Counter(after)).elements())
    came = list((Counter(after) - Counter(before)).elements())
    if not gone and not came:
        return None
    if len(gone) != 1 or len(came) != 1:  # who fills which part of it is not known
        return TableChange(after[0].table, Fate.CHANGED, whole=True)
    return _compared(gone[0], came[0])


def _compared(before: Written, after: Written) -> TableChange | None:
    if before.columns is None or after.columns is None:
        return TableChange(after.table, Fate.CHANGED, whole=True)
    old = {one.name.casefold(): one for one in before.columns}
    new = {one.name.casefold(): one for one in after.columns}
    dropped = tuple(sorted(old[key].name for key in old.keys() - new.keys()))
    added = tuple(sorted(new[key].name for key in new.keys() - old.keys()))
    kept = old.keys() & new.keys()
    changed = tuple(sorted(new[key].name for key in kept if old[key].made_of != new[key].made_of))
    moved = any(one != other for one, other in zip(old, new, strict=False))
    whole = before.rows != after.rows or (moved and (before.by_place or after.by_place))
    if not (dropped or added or changed or whole):
        return None
    fate = Fate.CHANGED if dropped or changed or whole else Fate.WIDENED
    return TableChange(after.table, fate, whole, dropped, changed, added)
