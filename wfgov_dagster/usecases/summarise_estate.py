"""The estate in numbers, and what is wrong with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wfgov_dagster.ports.queries import QueryStore, WorkflowRow


@dataclass(frozen=True, slots=True)
class EstateSummary:
    """`totals`: rows of each noun; `dependencies` by kind; `drafts`: workflows that cannot become a version."""

    totals: Mapping[str, int]
    dependencies: Mapping[str, int]
    workflows: int
    drafts: Sequence[WorkflowRow]


def summarise_estate(store: QueryStore) -> EstateSummary:
    with store.read() as work:
        rows = work.queries.workflows()
        drafts = [row for row in rows if row.definition_error is not None]
        return EstateSummary(work.queries.totals(), work.queries.dependency_counts(), len(rows), drafts)


def count_open_changes(store: QueryStore) -> int:
    """Changes of the metadata that what is shown does not know yet."""
    with store.read() as work:
        return work.queries.open_changes()
