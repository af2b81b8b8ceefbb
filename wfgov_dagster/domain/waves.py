"""In which order the workflows of a change set are published: the waves."""

from collections.abc import Collection, Iterable

import numpy as np

from wfgov_dagster.domain.graph import topology

Waves = tuple[tuple[str, ...], ...]


def waves(members: Collection[str], edges: Iterable[tuple[str, str]], *, downstream_first: bool = False) -> Waves:
    """Members by topological level, each wave by code; a circle is one wave as a whole.

    `edges`: (upstream, downstream) workflow; those with an end that is no member do not count.
    """
    order = sorted(set(members))
    position = {code: at for at, code in enumerate(order)}
    inside = {(position[up], position[down]) for up, down in edges if up in position and down in position}
    ends = np.array(sorted(pair for pair in inside if pair[0] != pair[1]), dtype=np.int64).reshape(-1, 2)
    levels = topology(np.arange(len(order)), ends[:, 0], ends[:, 1]).level
    found = [tuple(order[at] for at in np.flatnonzero(levels == level)) for level in np.unique(levels)]
    return tuple(reversed(found)) if downstream_first else tuple(found)
