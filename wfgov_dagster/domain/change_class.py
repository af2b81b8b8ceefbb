"""How grave a change is, for whoever has to say yes to it. The gravest part decides; the table is in the handbook."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from wfgov_dagster.domain.definition import CrossEdge, Edge
from wfgov_dagster.domain.diff import Diff, FieldChange
from wfgov_dagster.domain.sql_change import Fate, TableChange


class ChangeClass(StrEnum):
    """From harmless to grave."""

    NONE = "none"
    METADATA = "metadata"  # names and descriptions: the functional hash is equal
    ORDERING = "ordering"  # the same is computed, written otherwise or at another moment
    NON_BREAKING = "non-breaking"
    BREAKING = "breaking"  # who reads what it wrote may find it gone, or other than it was


@dataclass(frozen=True, slots=True)
class Reader:
    """`columns`: those that it reads among the ones that are touched; None = not known, or all are."""

    task_code: str
    workflow_code: str | None
    columns: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class TableEffect:
    """`readers`: today's, without those that are known to read none of the touched columns: they are `unaffected`."""

    change: TableChange
    readers: tuple[Reader, ...] = ()
    unaffected: int = 0


@dataclass(frozen=True, slots=True)
class Unordered:
    """A wait that is gone. `tables`: what the downstream task reads of the upstream one's; None = not known."""

    upstream: str
    task: str
    tables: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Effects:
    """What a diff means beyond its fields. `formatted`: tasks whose text differs in nothing that counts. `users`:
    tasks by the parameter that they name and do not get any more."""

    formatted: frozenset[str] = frozenset()
    tables: tuple[TableEffect, ...] = ()
    unordered: tuple[Unordered, ...] = ()
    users: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reason:
    change_class: ChangeClass
    told: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reasons`: the gravest first."""

    change_class: ChangeClass
    reasons: tuple[Reason, ...]


TOLD_ONLY: Final = frozenset({"name", "description"})
_ORDER_ONLY: Final = frozenset({"priority"})
_GRAVITY: Final = {one: at for at, one in enumerate(ChangeClass)}
_SHOWN: Final = 10  # readers in a sentence


def judge(found: Diff, effects: Effects) -> Verdict:
    reasons = sorted(_reasons(found, effects), key=lambda one: -_GRAVITY[one.change_class])
    return Verdict(reasons[0].change_class if reasons else ChangeClass.NONE, tuple(reasons))


def _reasons(found: Diff, effects: Effects) -> Iterator[Reason]:
    yield from (Reason(_OF_TABLE[one.change.fate], _table(one)) for one in effects.tables)
    for name, users in sorted(effects.users.items()):
        yield Reason(ChangeClass.BREAKING, f"parameter {name} is gone, and {_listed(users)} still names it")
    yield from _of_fields("", found.settings, ())
    for change in found.tasks_changed:
        yield from _of_fields(f" of task {change.code}", change.fields, effects.formatted & {change.code})
    yield from (Reason(ChangeClass.NON_BREAKING, f"task {code} is new") for code in found.tasks_added)
    yield from (Reason(ChangeClass.NON_BREAKING, f"task {code} is gone") for code in found.tasks_removed)
    yield from _waits(found, effects)


def _of_fields(of: str, changes: Iterable[FieldChange], formatted: Collection[str]) -> Iterator[Reason]:
    for one in changes:
        if one.field in TOLD_ONLY:
            yield Reason(ChangeClass.METADATA, f"{one.field}{of}")
        elif one.field == "text" and formatted:
            yield Reason(ChangeClass.ORDERING, f"text{of}: formatting only")
        elif one.field in _ORDER_ONLY:
            yield Reason(ChangeClass.ORDERING, f"{one.field}{of}")
        else:
            yield Reason(ChangeClass.NON_BREAKING, f"{one.field}{of}")


def waits(edges: Iterable[Edge], crossing: Iterable[CrossEdge]) -> list[Edge]:
    """Pairs of who is waited for and who waits, those of other workflows as `workflow/task`."""
    return [*edges, *((f"{one.upstream_workflow}/{one.upstream_task}", one.task) for one in crossing)]


def _waits(found: Diff, effects: Effects) -> Iterator[Reason]:
    """A wait that went with its task is told with it; one that stays has another window."""
    came = waits(found.edges_added, found.cross_added)
    went = waits(found.edges_removed, found.cross_removed)
    for pre, post in sorted({*came} - {*went}):
        yield Reason(ChangeClass.ORDERING, f"{post} waits for {pre}")
    for pre, post in sorted({*came} & {*went}):
        yield Reason(ChangeClass.NON_BREAKING, f"{post} waits for {pre} in another window")
    judged = {(one.upstream, one.task): one for one in effects.unordered}
    for pre, post in sorted({*went} - {*came}):
        if not {pre, post} & {*found.tasks_removed}:
            yield _unordered(judged.get((pre, post), Unordered(pre, post, None)))


def _unordered(one: Unordered) -> Reason:
    told = f"{one.task} does not wait for {one.upstream} any more"
    if one.tables is None:
        return Reason(ChangeClass.NON_BREAKING, f"{told}; what the one writes and the other reads is not known")
    if not one.tables:
        return Reason(ChangeClass.ORDERING, f"{told}, and reads nothing of it")
    return Reason(ChangeClass.BREAKING, f"{told}, and reads {_listed(one.tables)} of it")


_OF_TABLE: Final = {
    Fate.ADDED: ChangeClass.NON_BREAKING,
    Fate.WIDENED: ChangeClass.NON_BREAKING,
    Fate.CHANGED: ChangeClass.BREAKING,
    Fate.DROPPED: ChangeClass.BREAKING,
}


def _table(effect: TableEffect) -> str:
    one = effect.change
    if one.fate is Fate.ADDED:
        return f"table {one.table} is written now"
    if one.fate is Fate.DROPPED:
        return f"table {one.table} is no longer written{_read_by(effect)}"
    columns = (("without", one.columns_dropped), ("other", one.columns_changed), ("new", one.columns_added))
    parts = [f"{word} {', '.join(names)}" for word, names in columns if names]
    rows = "its rows, or all its columns, are others" if one.whole else ""
    told = "; ".join(filter(None, (rows, *parts)))
    if one.fate is Fate.WIDENED:
        return f"table {one.table}: {told}"
    return f"table {one.table}: {told}{_read_by(effect)}"


def _read_by(effect: TableEffect) -> str:
    rest = f"; {effect.unaffected} more read it without them" if effect.unaffected else ""
    if not effect.readers:
        return f"; nobody known reads {'those' if effect.unaffected else 'it'}{rest}"
    return f"; read by {_listed([reader(one) for one in effect.readers])}{rest}"


def reader(one: Reader) -> str:
    place = "" if one.workflow_code is None else f"{one.workflow_code}/"
    columns = f" ({', '.join(one.columns)})" if one.columns else ""
    return f"{place}{one.task_code}{columns}"


def _listed(names: Sequence[str]) -> str:
    more = f" … and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
