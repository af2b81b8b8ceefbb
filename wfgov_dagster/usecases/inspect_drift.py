"""Inspect engines: does each hold what was confirmed, and is that the current version? Never writes to an engine.

What differs is kept as findings, so that its age is known; an engine that cannot be seen is unknown, which is no drift.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from wfgov_dagster.domain import drift, drift_words
from wfgov_dagster.domain.drift import Confirmed, Difference, Drift, Kind, Severity
from wfgov_dagster.domain.publish import Content
from wfgov_dagster.errors import WfgovError
from wfgov_dagster.ports.engine import Head
from wfgov_dagster.ports.inspection import Area, Held, Stand
from wfgov_dagster.ports.publishing import RegisteredEngine
from wfgov_dagster.ports.store import Work
from wfgov_dagster.usecases import engines
from wfgov_dagster.usecases.drift_sight import Look, look, shown, sight
from wfgov_dagster.usecases.publisher import Publisher
from wfgov_dagster.usecases.show_workflows import unknown_workflow

RULE: Final = "drift."
UNSEEN: Final = "drift.unseen"
_WORKFLOW, _ENGINE, _FOREIGN = "deployment", "engine", "engine_workflow"  # object types of findings


@dataclass(frozen=True, slots=True)
class Scope:
    """`codes` None: everything on the engine. `engine` None: wherever they were deployed, else `default_engine`.
    `whole`: also what the engine tells untouched."""

    codes: Sequence[str] | None
    engine: str | None = None
    default_engine: str = engines.EMBEDDED
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """`since`: when an inspection first saw it; None for what is no difference."""

    engine: str
    workflow_code: str
    owner: str | None
    kind: Kind
    severity: Severity
    version_no: int | None
    since: datetime | None
    message: str
    next_step: str
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Unseen:
    """`workflow_code` None: the whole engine."""

    engine: str
    workflow_code: str | None
    since: datetime
    error_code: str
    message: str


@dataclass(frozen=True, slots=True)
class Inspected:
    """An engine: workflows that were compared, those of them that were looked at whole, and those left out because a
    publish is under way."""

    engine: str
    workflows: int
    observed: int
    publishing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Inspection:
    """By engine, workflow, kind."""

    engines: tuple[Inspected, ...]
    findings: tuple[Found, ...]
    unseen: tuple[Unseen, ...]

    @property
    def differs(self) -> bool:
        return any(one.severity is not Severity.INFO for one in self.findings)


def inspect_drift(publisher: Publisher, actor: str, scope: Scope) -> Inspection:
    """Raises NotFound for an unknown workflow or engine."""
    parts = [
        _inspect(publisher, actor, engine, codes, whole=scope.whole or codes is not None)
        for engine, codes in _chosen(publisher, scope)
    ]
    return Inspection(
        tuple(one for part in parts for one in part.engines),
        tuple(one for part in parts for one in part.findings),
        tuple(one for part in parts for one in part.unseen),
    )


def _chosen(publisher: Publisher, scope: Scope) -> list[tuple[RegisteredEngine, Sequence[str] | None]]:
    with publisher.store.read() as work:
        known = work.publishing.engines() if scope.engine is None else [engines.get(work, scope.engine)]
        if scope.codes is None:
            return [(engine, None) for engine in known]
        deployed = work.inspections.engines_of(scope.codes)
        default = None if scope.engine is not None else scope.default_engine
        if default is not None and not all(deployed.values()):
            engines.get(work, default)
    for code in scope.codes:
        if code not in deployed:
            raise unknown_workflow(code)
    chosen: list[tuple[RegisteredEngine, Sequence[str] | None]] = []
    for engine in known:
        codes = [code for code in scope.codes if scope.engine or engine.id in deployed[code]
                 or (not deployed[code] and engine.name == default)]  # fmt: skip
        chosen += [(engine, codes)] if codes else []
    return chosen


def _inspect(
    publisher: Publisher, actor: str, engine: RegisteredEngine, codes: Sequence[str] | None, *, whole: bool
) -> Inspection:
    before: dict[str, Stand] = {}

    def stands(heads: Mapping[str, Head]) -> Sequence[Stand]:
        with publisher.store.read() as work:
            before.update(_stands(work, engine, codes, heads))
        return list(before.values())

    found = look(publisher, engine, stands, whole)
    if found.error is not None and not found.seen:
        return _blind(publisher, actor, found, found.error, len(before))
    with publisher.store.read() as work:
        drifts = _compared(work, publisher, found, before)
    return _keep(publisher, actor, found, _Compared(before, drifts, codes is None))


def _stands(
    work: Work, engine: RegisteredEngine, codes: Sequence[str] | None, heads: Mapping[str, Head]
) -> dict[str, Stand]:
    """With `codes` None also workflows of ours that are there although nothing was ever confirmed."""
    found = {one.workflow_code: one for one in work.inspections.stands(engine.id, codes)}
    more = [] if codes is not None else [name for name in heads if name not in found]
    for one in work.inspections.stands(engine.id, more) if more else ():
        found[one.workflow_code] = one
    return dict(sorted(found.items()))


def _compared(
    work: Work, publisher: Publisher, found: Look, stands: Mapping[str, Stand]
) -> dict[str, tuple[Drift, ...]]:
    late = work.inspections.late_steps(found.engine.id, publisher.limits.horizon_seconds)
    drifts: dict[str, tuple[Drift, ...]] = {}
    for code, seen in found.seen.items():
        stand = stands[code]
        was, now = stand.deployed, stand.current
        if seen.untouched and was is not None and (now is None or now.content_hash == was.version.content_hash):
            drifts[code] = ()
            continue
        confirmed, current = _sides(work, found, stand)
        if seen.untouched:
            ahead = drift.unpublished(confirmed.content, current) if confirmed and current else None
            drifts[code] = () if ahead is None else (ahead,)
            continue
        own = None if confirmed is None else confirmed.content
        there = sight(work, found, stand, own, late.get(stand.workflow_id, frozenset()))
        drifts[code] = drift.compare(code, confirmed, current, there)
    return drifts


def _sides(work: Work, found: Look, stand: Stand) -> tuple[Confirmed | None, Content | None]:
    api, was, now = found.api, stand.deployed, stand.current
    assert api is not None, "it was looked at"
    current = None if now is None else shown(api, now, work.versions.definition(stand.workflow_code, now.version_no))
    if was is None:
        return None, current
    held = shown(api, was.version, work.versions.definition(stand.workflow_code, was.version.version_no))
    return Confirmed(held, was.online, was.schedule_online, was.engine_workflow_code), current


# --- what is kept --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Compared:
    stands: Mapping[str, Stand]
    drifts: Mapping[str, tuple[Drift, ...]]
    everything: bool


def _keep(publisher: Publisher, actor: str, found: Look, compared: _Compared) -> Inspection:
    name, prefix = found.engine.name, f"{found.engine.name}/"
    with publisher.store.write() as work:
        now = _stands(work, found.engine, list(compared.stands), {})
        moved = sorted(code for code, one in compared.stands.items() if one.driven or _moved(one, now.get(code)))
        drifts = {code: one for code, one in compared.drifts.items() if code not in moved}
        skipped = [code for code in compared.stands if code not in drifts and code not in found.unseen]
        rows = [
            Held(f"{RULE}{one.kind}", prefix + code, _message(one, code, name), compared.stands[code].owner)
            for code, some in drifts.items()
            for one in some
            if drift.is_difference(one)
        ]
        rows += [Held(UNSEEN, prefix + code, exc.sentence()) for code, exc in found.unseen.items()]
        judged = None if compared.everything else [prefix + code for code in (*drifts, *found.unseen)]
        area = Area(_WORKFLOW, prefix, judged, {prefix + code for code in skipped})
        since = dict(work.inspections.settle(RULE, area, rows))
        told = [_found(found, compared.stands[code], one, since) for code, some in drifts.items() for one in some]
        told += _unmanaged(work, found, compared, since) if compared.everything and found.error is None else []
        unseen = _unseen(work, found, since)
        work.inspections.saw(found.engine.id, _revisions(found, compared.stands, drifts))
        kinds = Counter(one.kind.value for one in told)
        detail = {"workflows": len(drifts), "observed": _observed(found), "found": dict(kinds), "unseen": len(unseen)}
        work.audit.add(actor, "inspect_drift", ("engine", name), detail)
    told.sort(key=lambda one: (one.workflow_code, list(Kind).index(one.kind)))
    return Inspection((Inspected(name, len(drifts), _observed(found), tuple(moved)),), tuple(told), tuple(unseen))


def _moved(before: Stand, now: Stand | None) -> bool:
    """Whether something was published, or a version made, since it was looked at; another inspection is no matter."""
    return now is None or _bare(before) != _bare(now)


def _bare(stand: Stand) -> Stand:
    was = stand.deployed
    return stand if was is None else replace(stand, deployed=replace(was, seen_revision=None))


def _blind(publisher: Publisher, actor: str, found: Look, error: WfgovError, workflows: int) -> Inspection:
    """The engine could not be seen: what is known of its workflows stays as it is."""
    name = found.engine.name
    found.error, found.unseen = error, {}
    with publisher.store.write() as work:
        unseen = _unseen(work, found, {})
        detail = {"workflows": workflows, "error": error.code}
        work.audit.add(actor, "inspect_drift", ("engine", name), detail)
    return Inspection((Inspected(name, 0, 0),), (), tuple(unseen))


def _unseen(work: Work, found: Look, since: Mapping[tuple[str, str], datetime]) -> list[Unseen]:
    name = found.engine.name
    rows = [] if found.error is None else [Held(UNSEEN, name, found.error.sentence())]
    own = work.inspections.settle(UNSEEN, Area(_ENGINE, name, [name]), rows)
    told = [] if found.error is None else [
        Unseen(name, None, own[UNSEEN, name], found.error.code, found.error.sentence())
    ]  # fmt: skip
    for code, exc in found.unseen.items():
        told.append(Unseen(name, code, since[UNSEEN, f"{name}/{code}"], exc.code, exc.sentence()))
    return told


def _unmanaged(work: Work, found: Look, compared: _Compared, since: dict[tuple[str, str], datetime]) -> list[Found]:
    """Findings of their own type: they are nobody's deployments."""
    name = found.engine.name
    ours = {*compared.stands, *(seen.name for seen in found.seen.values())}
    one = Drift(Kind.UNMANAGED, Severity.INFO)
    strangers = [code for code in sorted(found.heads) if code not in ours]
    rows = [Held(f"{RULE}{one.kind}", f"{name}/{code}", _message(one, code, name)) for code in strangers]
    since.update(work.inspections.settle(RULE, Area(_FOREIGN, f"{name}/"), rows))
    return [_found(found, Stand(0, code, None, None, None, False, None), one, since) for code in strangers]


def _revisions(
    found: Look, stands: Mapping[str, Stand], drifts: Mapping[str, tuple[Drift, ...]]
) -> dict[int, str | None]:
    """Only where it changes. What the platform alone is ahead of is untouched on the engine."""
    told: dict[int, str | None] = {}
    for code, some in drifts.items():
        seen, was = found.seen[code], stands[code].deployed
        clean = seen.head is not None and all(one.kind is Kind.UNPUBLISHED for one in some)
        revision = seen.head.revision if clean and seen.head is not None else None
        if was is not None and was.seen_revision != revision:
            told[stands[code].workflow_id] = revision
    return told


def _found(found: Look, stand: Stand, one: Drift, since: Mapping[tuple[str, str], datetime]) -> Found:
    name, code = found.engine.name, stand.workflow_code
    return Found(
        name,
        code,
        stand.owner,
        one.kind,
        one.severity,
        one.version_no,
        since.get((f"{RULE}{one.kind}", f"{name}/{code}"[:255])),
        drift_words.told(one, name),
        drift_words.next_step(one, code, name),
        one.differences,
    )


def _message(one: Drift, code: str, engine: str) -> str:
    return f"{drift_words.told(one, engine)} — {drift_words.next_step(one, code, engine)}"


def _observed(found: Look) -> int:
    return sum(1 for seen in found.seen.values() if seen.live is not None)
