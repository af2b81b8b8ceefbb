"""Ask for a change set: every member is checked, and the set is on record before any engine is touched."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from wfgov_dagster.domain.change_set import FLOW, Former, OnFailure
from wfgov_dagster.domain.flow import Biz
from wfgov_dagster.domain.publish import Operation
from wfgov_dagster.domain.waves import waves
from wfgov_dagster.errors import ChangeSetRefused, Conflict, InvalidInput, NotFound
from wfgov_dagster.ports.change_sets import NewMember, NewSet
from wfgov_dagster.ports.publishing import RegisteredEngine
from wfgov_dagster.ports.store import Store, Work
from wfgov_dagster.usecases import engines
from wfgov_dagster.usecases.flow_changes import create, start
from wfgov_dagster.usecases.request_publish import Checked, Request, check

ACTION: Final = "publish_change_set"  # in audit entries
MOST_PARALLEL: Final = 64


@dataclass(frozen=True, slots=True)
class Wanted:
    """`versions`: of a plan; else those that the operation is about now. `writes_per_second` 0 = no limit. `plan`: hash
    of the plan that is applied; `waves`: those that it had."""

    operation: Operation
    engine: str
    codes: Sequence[str]
    on_failure: OnFailure = OnFailure.STOP
    parallel: int = 4
    writes_per_second: float = 0.0
    versions: Mapping[str, int] | None = None
    waves: Sequence[Sequence[str]] | None = None
    plan: str | None = None


@dataclass(frozen=True, slots=True)
class Ordered:
    """Members that may be published, in waves."""

    engine: RegisteredEngine
    waves: Sequence[Sequence[Checked]]


def all_changed(work: Work, engine: str, *, default: str) -> Sequence[str]:
    """Workflows of the engine whose current version is not the one confirmed there, never deployed ones too; by code.

    Its workflows are those that name it, and those that name none: all of them if it is the `default` one, else those
    that were deployed there.
    """
    return work.change_sets.changed(engines.seen(work, engine).id, is_default=engine == default)


def request_change_set(store: Store, actor: str, wanted: Wanted) -> int:
    """`make` in a transaction of its own; a refusal gets an audit entry, nothing else."""
    detail = {"operation": wanted.operation, "engine": wanted.engine, "members": list(wanted.codes)}
    with audited(store, actor, ACTION, "", detail), store.write() as work:
        return make(work, actor, wanted)


def make(work: Work, actor: str, wanted: Wanted) -> int:
    """The id of a new change set whose flow has been started, in an open unit of work; no member is begun yet.

    Raises InvalidInput, NotFound, or ChangeSetRefused with the reason of every member that is bad.
    """
    ordered = order(work, wanted, lock=True)
    new = NewSet(
        ordered.engine.id, wanted.operation, wanted.on_failure, wanted.parallel, wanted.writes_per_second, actor
    )
    change_set_id = work.change_sets.add(new, list(_members(work, ordered)))
    start_flow(work, actor, change_set_id)
    codes = [one.workflow.code for wave in ordered.waves for one in wave]
    detail = {"operation": wanted.operation, "engine": wanted.engine, "on_failure": wanted.on_failure, "members": codes,
              "plan": wanted.plan}  # fmt: skip
    work.audit.add(actor, ACTION, ("change_set", str(change_set_id)), detail)
    return change_set_id


def start_flow(work: Work, actor: str, change_set_id: int) -> None:
    """It is due now: whoever drives flows goes on with the set."""
    flow_id = create(work, actor, Biz(str(change_set_id), FLOW), FLOW)
    work.change_sets.set_flow(change_set_id, flow_id)
    start(work, actor, flow_id)


@contextmanager
def audited(store: Store, actor: str, action: str, change_set: str, detail: Mapping[str, object]) -> Iterator[None]:
    """A refusal has an audit entry in a transaction of its own."""
    try:
        yield
    except (InvalidInput, NotFound, Conflict) as refusal:
        with store.write() as work:
            told = {**detail, "error": refusal.sentence()}
            work.audit.add(actor, action, ("change_set", change_set), told, refused=True)
        raise


def order(work: Work, wanted: Wanted, *, lock: bool = False) -> Ordered:
    """Every member checked, in waves. `lock`: nobody else publishes or changes them until the transaction ends; without
    it somebody only looks."""
    _check_numbers(wanted)
    engine = engines.get(work, wanted.engine) if lock else engines.seen(work, wanted.engine)
    checked = _check_all(work, wanted, lock=lock)
    ids = [one.workflow.id for one in checked.values()]
    elsewhere = work.change_sets.elsewhere(engine.id, ids)
    if elsewhere:
        told = {code: f"change set {other} has not ended with it" for code, other in sorted(elsewhere.items())}
        raise ChangeSetRefused(told, hint="wait for it, or: wfgov change-set cancel")
    found = waves(checked, work.change_sets.crossing(ids), downstream_first=wanted.operation is Operation.OFFLINE)
    if wanted.waves is not None and [list(wave) for wave in found] != [list(wave) for wave in wanted.waves]:
        raise Conflict("its waves are others now: dependencies moved", where="plan", hint="look at it anew: wfgov plan")
    return Ordered(engine, [[checked[code] for code in wave] for wave in found])


def _check_numbers(wanted: Wanted) -> None:
    if not wanted.codes:
        raise InvalidInput("no workflow is in it", where="change set", hint="a change set has at least one member")
    if not 1 <= wanted.parallel <= MOST_PARALLEL:
        raise InvalidInput(f"{wanted.parallel} side by side", where="change set", hint=f"1 to {MOST_PARALLEL}")
    if not 0 <= wanted.writes_per_second <= 1000:
        raise InvalidInput(
            f"{wanted.writes_per_second} writes a second", where="change set", hint="0 (no limit) to 1000"
        )


def _check_all(work: Work, wanted: Wanted, *, lock: bool) -> dict[str, Checked]:
    """By code, in this order, so that two sets never wait for each other's locks."""
    checked: dict[str, Checked] = {}
    twice = [code for code, count in Counter(wanted.codes).items() if count > 1]
    bad: dict[str, str] = dict.fromkeys(twice, "it is named more than once")
    for code in sorted(set(wanted.codes)):
        asked = None if wanted.versions is None else wanted.versions.get(code)
        try:
            checked[code] = check(work, Request(code, wanted.operation, wanted.engine, asked), lock=lock)
        except (NotFound, Conflict, InvalidInput) as refusal:
            bad.setdefault(code, refusal.sentence())
    if bad:
        raise ChangeSetRefused(dict(sorted(bad.items())))
    return checked


def _members(work: Work, ordered: Ordered) -> Iterator[NewMember]:
    for number, wave in enumerate(ordered.waves, 1):
        for one in wave:
            before = _before(work, ordered.engine.id, one)
            yield NewMember(one.workflow.id, number, one.version.version_no, before)


def _before(work: Work, engine_id: int, one: Checked) -> Former | None:
    deployed = work.publishing.deployed(engine_id, one.workflow.id)
    if deployed is None:
        return None
    version, release = deployed
    published = one.workflow.last_published is not None and one.workflow.last_published.id == version.id
    return Former(version.version_no, release.online, release.schedule_online, published)
