"""What is above workflows now: the current versions of those that they wait for, and of those that these wait for."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from wfgov_dagster.domain.deep import Seen, above_hashes
from wfgov_dagster.domain.definition import Definition
from wfgov_dagster.domain.version import Draft


class Versions(Protocol):
    def seen(self, workflow_codes: Collection[str]) -> Mapping[str, Seen]: ...


def above_drafts(versions: Versions, drafts: Sequence[Draft]) -> Mapping[str, str]:
    """Workflow code → hash of what is above it when these become versions together."""
    return _above(versions, {one.definition.code: seen(one.definition, one.hashes.content) for one in drafts})


def above_now(versions: Versions, definition: Definition, content_hash: str) -> str:
    """Of a version, as if it were made now."""
    return _above(versions, {definition.code: seen(definition, content_hash)})[definition.code]


def seen(definition: Definition, content_hash: str) -> Seen:
    return Seen(content_hash, frozenset(edge.upstream_workflow for edge in definition.cross_edges))


def _above(versions: Versions, these: Mapping[str, Seen]) -> dict[str, str]:
    """One query a level; none where nothing waits for another workflow."""
    known = dict(these)
    wanted = _named(these) - known.keys()
    while wanted:
        found = versions.seen(wanted)
        known |= {code: found.get(code, Seen()) for code in wanted}
        wanted = _named(found) - known.keys()
    return above_hashes(known)


def _named(some: Mapping[str, Seen]) -> set[str]:
    return {up for one in some.values() for up in one.above}
