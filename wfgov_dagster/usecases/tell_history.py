"""Instances that have ended and that Dagster was not told of, with the tables that they wrote."""

from collections.abc import Sequence
from dataclasses import dataclass

from wfgov_dagster.ports.instances import Ran
from wfgov_dagster.ports.store import Store

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Wrote:
    """`tables`: (db_name, table_name) of what the tasks that succeeded write, sorted."""

    ran: Ran
    tables: Sequence[tuple[str, str]]


def to_tell(store: Store) -> list[Wrote]:
    """The oldest first."""
    with store.read() as work:
        return [
            Wrote(one, work.catalogue.written_by(one.task_codes) if one.task_codes else ())
            for one in work.instances.untold(_AT_ONCE)
        ]


def told(store: Store, wrote: Wrote) -> None:
    """Said after Dagster was told: whoever dies in between lets it be told once more, never not at all."""
    instance = wrote.ran.cached.instance
    with store.write() as work:
        work.instances.told(wrote.ran.engine_id, instance.instance_id, instance.run)
