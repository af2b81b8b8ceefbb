"""What somebody changed on an engine: neither what we want there, nor anything that we ever sent there."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from wfgov_dagster.domain import snapshot
from wfgov_dagster.domain.diff import diff, summary
from wfgov_dagster.domain.protocol import DEFINITION, foreign, parts, parts_of
from wfgov_dagster.domain.publish import Content, Shows, VersionRef, content
from wfgov_dagster.errors import ForeignEdit
from wfgov_dagster.ports.engine import Observed
from wfgov_dagster.ports.store import Store, Work


@dataclass(frozen=True, slots=True)
class Place:
    """A workflow on an engine. `likeliest`: content that it is most likely to hold."""

    engine_id: int
    workflow_id: int
    engine: Shows
    likeliest: Content | None = None


def strange_parts(store: Store, place: Place, live: Observed, overruled: Sequence[str] = ()) -> Mapping[str, str]:
    """Parts of what the engine holds that are foreign, with their digests."""
    own = () if place.likeliest is None else (place.likeliest,)
    if not foreign(live, own, overruled):  # mostly, and nothing has to be read for it
        return {}
    with store.read() as work:
        return foreign(live, _ever_sent(work, place, live), overruled)


def held_version(store: Store, place: Place, live: Observed) -> VersionRef | None:
    """The version of ours that the engine holds, by its content; None for a foreign one. Where several versions have
    the same, the one that was confirmed before still is."""
    seen = parts(live)[DEFINITION]
    with store.read() as work:
        before = work.publishing.deployed(place.engine_id, place.workflow_id)
        likeliest = [] if before is None else [before[0].content_hash]
        for version, one in _sent(work, place, [*likeliest, *_marked(live)]):
            if parts_of(one)[DEFINITION] == seen:
                return version
    return None


def edit_of(strange: Mapping[str, str], live: Observed, wanted: Content | None) -> dict[str, object]:
    """What a person has to know to decide; `changes` against what is wanted."""
    changes = summary(diff(None if wanted is None else wanted.definition, live.definition), {})
    return {"strange": dict(strange), "changes": changes, "online": live.online, "engine_version": live.engine_version}


def refusal(strange: Mapping[str, str], where: str, hint: str) -> ForeignEdit:
    parts = " and its ".join(sorted(strange))
    return ForeignEdit(f"its {parts} on the engine: nothing that we ever sent there", where=where, hint=hint)


def _ever_sent(work: Work, place: Place, live: Observed) -> Iterator[Content]:
    """The likeliest first: it is parsed one after the other, as far as needed."""
    if place.likeliest is not None:
        yield place.likeliest
    for _, one in _sent(work, place, _marked(live)):
        yield one


def _marked(live: Observed) -> list[str]:
    return [] if live.marker is None else [live.marker.content_hash]


def _sent(work: Work, place: Place, first: Sequence[str]) -> Iterator[tuple[VersionRef, Content]]:
    for version, text in work.publishing.sent(place.engine_id, place.workflow_id, first):
        yield version, content(version, snapshot.parse(text), place.engine)
