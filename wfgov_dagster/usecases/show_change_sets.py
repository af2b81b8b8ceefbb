"""Change sets for people: every member with how it ended, and whether it was brought back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wfgov_dagster.errors import InvalidInput
from wfgov_dagster.ports.change_sets import ChangeSet, Member
from wfgov_dagster.ports.store import Store

_MOST = 1000


@dataclass(frozen=True, slots=True)
class ChangeSetShown:
    """`members`: all of them, by wave. `by`: the newest set that restores; `back`: its members, by workflow."""

    change_set: ChangeSet
    members: Sequence[Member]
    by: int | None
    back: Mapping[str, Member]


def list_change_sets(store: Store, limit: int = 20) -> Sequence[ChangeSet]:
    """The newest first."""
    if not 1 <= limit <= _MOST:
        raise InvalidInput(f"{limit} change sets", where="limit", hint=f"1 to {_MOST}")
    with store.read() as work:
        return work.change_sets.newest(limit)


def show_change_set(store: Store, change_set_id: int) -> ChangeSetShown:
    """Raises NotFound."""
    with store.read() as work:
        found = work.change_sets.get(change_set_id)
        by = work.change_sets.restoring(change_set_id)
        back = () if by is None else work.change_sets.members(by)
        members = work.change_sets.members(change_set_id)
    return ChangeSetShown(found, members, by, {one.workflow_code: one for one in back})
