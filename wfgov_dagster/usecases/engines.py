"""Registered engines."""

from typing import Final

from wfgov_dagster.errors import NotFound
from wfgov_dagster.ports.publishing import RegisteredEngine
from wfgov_dagster.ports.store import Store, Work

EMBEDDED: Final = "embedded"  # kind, and the name of the one that is always there


def ensure_embedded(store: Store, actor: str, name: str = EMBEDDED) -> RegisteredEngine:
    """The engine that needs no registration; it gets its row when it is asked for first."""
    with store.read() as work:
        known = {engine.name: engine for engine in work.publishing.engines()}
    if name not in known:
        with store.write() as work:
            if work.publishing.add_engine(name, EMBEDDED):
                work.audit.add(actor, "register_engine", ("engine", name), {"kind": EMBEDDED})
            return get(work, name)
    return known[name]


def seen(work: Work, name: str) -> RegisteredEngine:
    """As `get`, for who only looks and leaves no row: the embedded one is there before it is registered."""
    known = {engine.name: engine for engine in work.publishing.engines()}
    return known.get(name) or RegisteredEngine(0, name, EMBEDDED) if name == EMBEDDED else get(work, name)


def get(work: Work, name: str) -> RegisteredEngine:
    """Raises NotFound that names the known ones."""
    known = {engine.name: engine for engine in work.publishing.engines()}
    if name not in known:
        hint = f"known: {', '.join(known)}" if known else "none is registered yet"
        raise NotFound(f"no engine {name!r}", where="engines", hint=hint)
    return known[name]
