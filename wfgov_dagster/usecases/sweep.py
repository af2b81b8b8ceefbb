"""Look where a write without a reply may have come late: what nobody drives any more is found and settled here.

A late write of ours is taken back by a restore, which goes the loop of every publish. What a person changed on the
engine is reported, never overwritten. Nothing is written to an engine here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from wfgov_dagster.domain.plan import plan
from wfgov_dagster.domain.protocol import explained
from wfgov_dagster.domain.publish import Content, Desired, Shows, Target, VersionRef, content, restored
from wfgov_dagster.errors import Conflict, EngineError, NotFound
from wfgov_dagster.ports.engine import Observed
from wfgov_dagster.ports.publishing import RegisteredEngine, Suspect
from wfgov_dagster.ports.store import Finding, Work
from wfgov_dagster.usecases.foreign_edits import Place, strange_parts
from wfgov_dagster.usecases.publisher import Publisher
from wfgov_dagster.usecases.restore_publish import Restore, request_restore
from wfgov_dagster.usecases.settle_parked import settle_parked

RULE: Final = "engine_edited"
_OBJECT: Final = "deployment"  # of a finding: <engine>/<workflow code>


@dataclass(frozen=True, slots=True)
class Pace:
    """`most`: observations a pass. `sleep` is called between them, so that there are at most `a_second`."""

    sleep: Callable[[float], None]
    most: int = 50
    a_second: float = 10.0


@dataclass(frozen=True, slots=True)
class Swept:
    """`found`: unseen, as_confirmed, restoring, edited, released, settled, waiting. `record_id`: what goes on."""

    engine: str
    workflow_code: str
    found: str
    message: str
    record_id: int | None = None


def sweep(publisher: Publisher, actor: str, pace: Pace) -> list[Swept]:
    """What was looked at, those first that were looked at longest ago. Engines that are left alone are not asked."""
    with publisher.store.read() as work:
        parked = list(work.publishing.parked(pace.most))
        suspects = work.publishing.suspects(publisher.limits.horizon_seconds, max(0, pace.most - len(parked)))
    swept: list[Swept] = []
    for record_id in parked:
        with publisher.store.read() as work:
            job = work.publishing.job(record_id)
        found = _observed(publisher, job.engine, job.workflow.code)
        if not isinstance(found, Swept):
            word, said = settle_parked(publisher, actor, record_id, found.live)
            found = Swept(job.engine.name, job.workflow.code, word, said, record_id)
        swept.append(found)
        pace.sleep(1 / pace.a_second)
    for suspect in suspects:
        found = _observed(publisher, suspect.engine, suspect.workflow_code)
        swept.append(found if isinstance(found, Swept) else _judge(publisher, actor, suspect, found.live))
        pace.sleep(1 / pace.a_second)
    return swept


@dataclass(frozen=True, slots=True)
class _Sight:
    live: Observed | None


def _observed(publisher: Publisher, engine: RegisteredEngine, code: str) -> _Sight | Swept:
    limits = publisher.limits
    with publisher.store.write() as work:
        work.publishing.swept(engine.id, code)
        rest = work.breakers.rest(engine.id, publisher.holder, limits.call_seconds)
    if rest > 0:
        return Swept(engine.name, code, "unseen", f"the engine does not answer and is left alone for {rest:.0f} s")
    try:
        live = publisher.engine_of(engine).observe(code)
    except EngineError as failure:
        with publisher.store.write() as work:
            if failure.retryable:
                work.breakers.failed(engine.id, limits.breaker_failures, limits.breaker_rest_seconds)
            else:
                work.breakers.answered(engine.id)
        return Swept(engine.name, code, "unseen", failure.sentence())
    with publisher.store.write() as work:
        work.breakers.answered(engine.id)
    return _Sight(live)


def _judge(publisher: Publisher, actor: str, suspect: Suspect, live: Observed | None) -> Swept:
    engine, code, shows = suspect.engine, suspect.workflow_code, publisher.engine_of(suspect.engine)
    with publisher.store.read() as work:
        confirmed = _confirmed(work, suspect, shows)
    told = Swept(engine.name, code, "as_confirmed", "it shows what was confirmed")
    if live is None:
        return told if confirmed is None else Swept(engine.name, code, "released", "it is not there any more")
    sent = None if confirmed is None else confirmed.content
    strange = strange_parts(publisher.store, Place(engine.id, suspect.workflow_id, shows, sent), live)
    _report(publisher, suspect, ", ".join(sorted(strange)))
    if strange:
        return Swept(engine.name, code, "edited", f"its {', '.join(sorted(strange))}: nothing that we ever sent there")
    wanted = confirmed.desired(code) if confirmed else Desired(code, None, online=False, schedule_online=False)
    if not plan(wanted, live):
        return told
    if not explained(live, wanted, suspect.unknown_steps):
        return Swept(engine.name, code, "released", "somebody took it online or offline there")
    return _restore(publisher, actor, suspect, confirmed)


@dataclass(frozen=True, slots=True)
class _Confirmed:
    version: VersionRef
    target: Target
    content: Content

    def desired(self, code: str) -> Desired:
        return restored(code, self.content, self.target)


def _confirmed(work: Work, suspect: Suspect, engine: Shows) -> _Confirmed | None:
    deployed = work.publishing.deployed(suspect.engine.id, suspect.workflow_id)
    if deployed is None:
        return None
    version, target = deployed
    definition = work.versions.definition(suspect.workflow_code, version.version_no)
    return _Confirmed(version, target, content(version, definition, engine))


def _restore(publisher: Publisher, actor: str, suspect: Suspect, confirmed: _Confirmed | None) -> Swept:
    engine, code = suspect.engine, suspect.workflow_code
    reason = f"a write without a reply ({', '.join(sorted(suspect.unknown_steps))}) came late"
    wanted = Restore(code, engine.name, None, online=False, schedule_online=False, reason=reason, publishes=False)
    if confirmed is not None:
        target = confirmed.target
        number = confirmed.version.version_no
        wanted = Restore(code, engine.name, number, target.online, target.schedule_online, reason, publishes=False)
    try:
        with publisher.store.write() as work:
            work.publishing.workflow(code, lock=True)
            if _overtaken(work, suspect, publisher.engine_of(engine), confirmed):
                return Swept(engine.name, code, "waiting", "somebody publishes it meanwhile")
            record_id = request_restore(work, actor, wanted)
    except (NotFound, Conflict) as refusal:
        return Swept(engine.name, code, "waiting", refusal.sentence())
    return Swept(engine.name, code, "restoring", reason, record_id)


def _overtaken(work: Work, suspect: Suspect, engine: Shows, confirmed: _Confirmed | None) -> bool:
    """Something was asked for, or confirmed, since it was looked at."""
    if work.publishing.open_records(suspect.engine.id, suspect.workflow_id):
        return True
    return _confirmed(work, suspect, engine) != confirmed


def _report(publisher: Publisher, suspect: Suspect, parts: str) -> None:
    code = f"{suspect.engine.name}/{suspect.workflow_code}"
    message = f"its {parts} on engine {suspect.engine.name}: nothing that we ever sent there"
    found = [Finding(RULE, _OBJECT, code, message)] if parts else []
    with publisher.store.write() as work:
        work.findings.settle([RULE], _OBJECT, [code], found)
