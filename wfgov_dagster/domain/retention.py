"""Which versions may go: what a rule keeps, and what is protected whatever the rule says."""

from bisect import bisect_left
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Final

from wfgov_dagster.errors import InvalidInput

MOST_KEPT: Final = 1_000_000  # versions, or days: more is a slip of the hand
TAGGED: Final = "tagged"
PUBLISHED: Final = "published"
ROLLBACK: Final = "rollback target"  # of a version that is there


@dataclass(frozen=True, slots=True)
class Rule:
    """A version goes when it is not one of the last `keep_last`, is older than `keep_days`, and nothing protects it.
    What is tagged or was published is protected unless the rule says otherwise."""

    keep_last: int = 50
    keep_days: int = 180
    keep_tagged: bool = True
    keep_published: bool = True


@dataclass(frozen=True, slots=True)
class RuleChange:
    """What is said of a rule; None = nothing."""

    keep_last: int | None = None
    keep_days: int | None = None
    keep_tagged: bool | None = None
    keep_published: bool | None = None

    def __bool__(self) -> bool:
        return bool(self.said())

    def said(self) -> dict[str, int | bool]:
        told = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in told.items() if value is not None}

    def check(self) -> None:
        """Raises InvalidInput."""
        for name, least in (("keep_last", 1), ("keep_days", 0)):
            value = getattr(self, name)
            if value is not None and not least <= value <= MOST_KEPT:
                raise InvalidInput(f"{name} {value}", where="retention", hint=f"{least} to {MOST_KEPT}")


# Reasons that only hold while the rule says so; every other one holds always.
_SWITCHED: Final[Mapping[str, Callable[[Rule], bool]]] = {
    TAGGED: lambda rule: rule.keep_tagged,
    PUBLISHED: lambda rule: rule.keep_published,
}


def effective(said: Sequence[RuleChange | None]) -> Rule:
    """The defaults, then what each says, the nearest last."""
    told: dict[str, int | bool] = {}
    for one in said:
        told |= one.said() if one is not None else {}
    return Rule(**told)  # type: ignore[arg-type]  # RuleChange has the fields of Rule


def protects(reason: str, rule: Rule) -> bool:
    return reason not in _SWITCHED or _SWITCHED[reason](rule)


@dataclass(frozen=True, slots=True)
class HeldVersion:
    """A version that is there. `reasons`: of everything that speaks for it, the switched ones included. `rollback_of`:
    number of the version whose content it brought back."""

    id: int
    version_no: int
    created_at: datetime
    bytes: int
    reasons: Sequence[str] = ()
    rollback_of: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reasons` why it is kept; none = it goes."""

    version: HeldVersion
    reasons: Sequence[str]


def judge(versions: Collection[HeldVersion], rule: Rule, now: datetime) -> list[Verdict]:
    """Of all versions of one workflow, the newest first: so they go, and whoever is interrupted comes to the same end.
    A version that goes does not hold the one that it brought back."""
    ordered = sorted(versions, key=lambda one: -one.version_no)
    last = {one.version_no for one in ordered[: rule.keep_last]}
    since = now - timedelta(days=rule.keep_days)
    verdicts: list[Verdict] = []
    targets: set[int | None] = set()
    for one in ordered:
        held = [reason for reason in one.reasons if protects(reason, rule)]
        why = [reason for reason in held if reason != ROLLBACK or one.version_no in targets]
        if one.version_no in last:
            why.append(f"one of the last {rule.keep_last}")
        if rule.keep_days and one.created_at > since:
            why.append(f"younger than {rule.keep_days} days")
        if why:
            targets.add(one.rollback_of)
        verdicts.append(Verdict(one, why))
    return verdicts


def is_needed(kept: Sequence[int], first: int, last: int) -> bool:
    """Whether one of the kept versions, ascending, lies in the interval; both ends belong to it. The newest version is
    always kept: an interval that reaches beyond it is of versions that were saved after somebody looked."""
    at = bisect_left(kept, first)
    return (at < len(kept) and kept[at] <= last) or (bool(kept) and last > kept[-1])


# --- versions that an engine keeps ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EngineHeld:
    """`ours`: it has a mark of ours."""

    version: int
    ours: bool
    created_at: datetime


def engine_going(held: Collection[EngineHeld], current: int, rule: Rule, now: datetime) -> list[int]:
    """Versions on an engine that may go, the oldest first: all but the one in use, the last ones, the young ones and
    those that nobody of ours made. Tags do not count: what is tagged is kept here, and can be deployed again."""
    ordered = sorted(held, key=lambda one: one.version)
    last = {one.version for one in ordered[-rule.keep_last :]} | {current}
    since = now - timedelta(days=rule.keep_days)
    young = {one.version for one in ordered if rule.keep_days and one.created_at > since}
    return [one.version for one in ordered if one.ours and one.version not in last | young]


# --- growth --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Month:
    """What was added in a month (`YYYY-MM`) and is still there."""

    month: str
    rows: int
    bytes: int


def forecast(added: Sequence[int], ahead: int) -> int:
    """What a straight line through the running total says of so many months after the last; `added`: by month, without
    gaps. With less than two months there is no line, and the total stays."""
    total, totals = 0, []
    for one in added:
        total += one
        totals.append(total)
    count = len(totals)
    if count < 2:
        return total
    mean_x, mean_y = (count - 1) / 2, sum(totals) / count
    slope = sum((x - mean_x) * (y - mean_y) for x, y in enumerate(totals))
    slope /= sum((x - mean_x) ** 2 for x in range(count))
    return max(total, round(total + slope * ahead))


def without_gaps(months: Sequence[Month]) -> list[Month]:
    """In order, with a zero for a month in which nothing was added."""
    known = {one.month: one for one in months}
    if not known:
        return []
    year, month = (int(part) for part in min(known).split("-"))
    filled = []
    while (name := f"{year:04}-{month:02}") <= max(known):
        filled.append(known.get(name, Month(name, 0, 0)))
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
    return filled
