"""Deployments that were confirmed and that Dagster was not told of: by the command line, or a run that died."""

from collections.abc import Sequence
from typing import Final

from wfgov_dagster.ports.publish_history import Untold
from wfgov_dagster.ports.store import Store

GRACE_SECONDS: Final = 10.0  # a run that confirms one tells it itself, a moment later
_AT_ONCE: Final = 500


def to_tell(store: Store, limit: int = _AT_ONCE) -> Sequence[Untold]:
    """The oldest first."""
    with store.read() as work:
        return work.history.untold(limit, GRACE_SECONDS)


def told(store: Store, one: Untold) -> None:
    """Said after Dagster was told: whoever dies in between lets it be told once more, never not at all."""
    with store.write() as work:
        work.history.told(one.engine, one.workflow_code, one.confirmed_at)


def told_itself(store: Store, engine: str, workflow_code: str) -> None:
    """By the run that confirmed it."""
    with store.write() as work:
        work.history.told(engine, workflow_code)
