"""Calls of the verbs of flows, written down by day; in between they are counted in memory, so that no call writes."""

from collections.abc import Sequence
from typing import Final

from wfgov_dagster.errors import InvalidInput, WfgovError
from wfgov_dagster.ports.calls import CallRow, UnkeptCalls
from wfgov_dagster.ports.store import Store

EVERY_SECONDS: Final = 60.0  # at most so much is lost with a process that is killed
_LONGEST_DAYS: Final = 3660


def keep_counts(store: Store, unkept: UnkeptCalls) -> None:
    """One transaction, none if nothing was called. Raises StoreError; then they are counted the next time."""
    taken = unkept.take()
    if not taken:
        return
    try:
        with store.write() as work:
            work.calls.add(taken)
    except WfgovError:
        unkept.give_back(taken)
        raise


def show_counts(store: Store, days: int = 7) -> Sequence[CallRow]:
    """The newest day first. Raises InvalidInput."""
    if not 1 <= days <= _LONGEST_DAYS:
        raise InvalidInput(f"{days} days", where="calls of flows", hint=f"1 to {_LONGEST_DAYS}")
    with store.read() as work:
        return work.calls.of_days(days)
