"""What tasks write: what a finished instance has made anew."""

from collections.abc import Collection, Sequence

from wfgov_dagster.ports.store import Store


def tables_written(store: Store, task_codes: Collection[str]) -> Sequence[tuple[str, str]]:
    """(db_name, table_name), sorted."""
    with store.read() as work:
        return work.catalogue.written_by(task_codes)
