"""Looking at an engine for an inspection: one list of what it holds, and a whole look at what is not as it was."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from wfgov_dagster.domain import snapshot
from wfgov_dagster.domain.definition import Definition
from wfgov_dagster.domain.drift import Sight, canonical_form
from wfgov_dagster.domain.publish import Content, VersionRef, content
from wfgov_dagster.errors import EngineError, WfgovError
from wfgov_dagster.ports.engine import Engine, Head, Observed
from wfgov_dagster.ports.inspection import Stand
from wfgov_dagster.ports.publishing import RegisteredEngine
from wfgov_dagster.ports.store import Work
from wfgov_dagster.usecases.publisher import Publisher


@dataclass(frozen=True, slots=True)
class Seen:
    """`name`: on the engine. `live` None: it is not there, or untouched since the last look."""

    name: str | None
    head: Head | None
    live: Observed | None = None
    untouched: bool = False


@dataclass
class Look:
    """`error`: why the engine could not be seen at all; `unseen`: workflow → why it could not."""

    engine: RegisteredEngine
    api: Engine | None = None
    heads: Mapping[str, Head] = field(default_factory=dict)
    seen: dict[str, Seen] = field(default_factory=dict)
    unseen: dict[str, WfgovError] = field(default_factory=dict)
    error: WfgovError | None = None


def look(
    publisher: Publisher, engine: RegisteredEngine, stands: Callable[[Mapping[str, Head]], Sequence[Stand]], whole: bool
) -> Look:
    """`stands`: the workflows to look at, by what the engine's list says. `whole`: also at those that it tells
    untouched. The list comes first: what is edited while we look is looked at again by the next inspection."""
    found = Look(engine)
    with publisher.store.write() as work:
        rest = work.breakers.rest(engine.id, publisher.holder, publisher.limits.call_seconds)
    if rest > 0:
        what = f"it does not answer and is left alone for {rest:.0f} s"
        found.error = EngineError(what, where=f"engine {engine.name}", hint="inspect it again then")
        return found
    try:
        found.api = publisher.engine_of(engine)
        found.heads = found.api.heads()
    except WfgovError as exc:
        _failed(publisher, engine, exc)
        found.error = exc
        return found
    _look_at_each(publisher, found, found.api, stands(found.heads), whole)
    return found


def shown(api: Engine, version: VersionRef, definition: Definition) -> Content:
    """A version as the engine shows it."""
    whole = content(version, definition, api)
    return replace(whole, definition=canonical_form(whole.definition))


def sight(work: Work, found: Look, stand: Stand, confirmed: Content | None, late: frozenset[str]) -> Sight | None:
    """What `compare` has to know of a workflow that was looked at. None: the engine does not hold it."""
    seen, api = found.seen[stand.workflow_code], found.api
    if seen.live is None or seen.name is None or api is None:
        return None
    bare = canonical_form(seen.live.definition)
    live = replace(seen.live, definition=replace(bare, settings=replace(bare.settings, code=stand.workflow_code)))
    told = Sight(seen.name, live.engine_workflow_code, live, late_steps=late)
    if confirmed is not None and (live.definition, live.schedule) == (confirmed.definition, confirmed.schedule):
        return told
    held, strange = _ours(work, api, found.engine, stand, live)
    marker = live.marker
    known = marker is None or marker.content_hash in {
        row.content_hash for row in work.queries.versions(stand.workflow_code)
    }
    return replace(told, held=held, strange_schedule=strange, strange_marker=not known)


def _look_at_each(publisher: Publisher, found: Look, api: Engine, stands: Sequence[Stand], whole: bool) -> None:
    names = {head.engine_workflow_code: name for name, head in found.heads.items()}
    for stand in stands:
        code = stand.workflow_code
        name = _name_of(stand, found.heads, names)
        head = None if name is None else found.heads[name]
        if stand.driven:
            continue
        if name is None or (not whole and _untouched(stand, name, head)):
            found.seen[code] = Seen(name, head, untouched=name is not None)
            continue
        try:
            found.seen[code] = Seen(name, head, api.observe(name))
        except EngineError as exc:
            found.unseen[code] = exc
            if exc.retryable:  # it has gone away meanwhile: nothing more is seen of it
                _failed(publisher, found.engine, exc)
                found.error = exc
                return
    with publisher.store.write() as work:
        work.breakers.answered(found.engine.id)


def _name_of(stand: Stand, heads: Mapping[str, Head], names: Mapping[str, str]) -> str | None:
    """Its name on the engine: a renamed one is known by the engine's own code."""
    if stand.workflow_code in heads or stand.deployed is None:
        return stand.workflow_code if stand.workflow_code in heads else None
    return names.get(stand.deployed.engine_workflow_code)


def _untouched(stand: Stand, name: str, head: Head | None) -> bool:
    was = stand.deployed
    if was is None or head is None or was.seen_revision is None or name != stand.workflow_code:
        return False
    states = (was.online, was.schedule_online)
    same = was.engine_workflow_code == head.engine_workflow_code and states == (head.online, head.schedule_online)
    return same and was.seen_revision == head.revision


def _ours(
    work: Work, api: Engine, engine: RegisteredEngine, stand: Stand, live: Observed
) -> tuple[VersionRef | None, bool]:
    """The version of ours that it holds, and whether its schedule is none that we ever sent."""
    held: VersionRef | None = None
    strange = live.schedule is not None
    first = [] if stand.deployed is None else [stand.deployed.version.content_hash]
    first += [] if live.marker is None else [live.marker.content_hash]
    for version, text in work.publishing.sent(engine.id, stand.workflow_id, first):
        one = shown(api, version, snapshot.parse(text))
        strange = strange and one.schedule != live.schedule
        if held is None and one.definition == live.definition:
            held = version
        if held is not None and not strange:
            break
    return held, strange


def _failed(publisher: Publisher, engine: RegisteredEngine, exc: WfgovError) -> None:
    limits = publisher.limits
    if not isinstance(exc, EngineError):
        return
    with publisher.store.write() as work:
        if exc.retryable:
            work.breakers.failed(engine.id, limits.breaker_failures, limits.breaker_rest_seconds)
        else:
            work.breakers.answered(engine.id)
