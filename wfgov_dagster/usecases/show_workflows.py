"""What a workflow is now: as a line of the list, and whole."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from wfgov_dagster.domain.cron import fires_of
from wfgov_dagster.domain.definition import Definition, Edge, Schedule, Settings, Task, entry_tasks, exit_tasks
from wfgov_dagster.domain.snapshot import parse
from wfgov_dagster.errors import NotFound
from wfgov_dagster.ports.queries import (
    CrossWorkflowEdge,
    MembershipRow,
    OpenFinding,
    QueryStore,
    WorkflowDetail,
    WorkflowRow,
)

_FIRES = 5


@dataclass(frozen=True, slots=True)
class WorkflowShown:
    """Everything about one workflow; what is derived of its definition is empty while it has none."""

    row: WorkflowRow
    detail: WorkflowDetail
    definition: Definition | None
    next_fires: Sequence[datetime]
    memberships: Sequence[MembershipRow]
    cross_workflow_edges: Sequence[CrossWorkflowEdge]
    findings: Sequence[OpenFinding]

    @property
    def tasks(self) -> Sequence[Task]:
        return () if self.definition is None else self.definition.tasks

    @property
    def edges(self) -> Sequence[Edge]:
        return () if self.definition is None else self.definition.edges

    @property
    def entry_tasks(self) -> Sequence[str]:
        return () if self.definition is None else entry_tasks(self.definition)

    @property
    def exit_tasks(self) -> Sequence[str]:
        return () if self.definition is None else exit_tasks(self.definition)

    @property
    def settings(self) -> Settings | None:
        return None if self.definition is None else self.definition.settings

    @property
    def schedule(self) -> Schedule | None:
        return None if self.definition is None else self.definition.settings.schedule

    @property
    def levels(self) -> Mapping[str, int | None]:
        return {row.task_code: row.level for row in self.memberships}


def list_workflows(store: QueryStore) -> Sequence[WorkflowRow]:
    """All workflows, by code."""
    with store.read() as work:
        return work.queries.workflows()


def show_workflow(store: QueryStore, workflow_code: str, now: datetime) -> WorkflowShown:
    """Raises NotFound."""
    with store.read() as work:
        found = work.queries.workflows(workflow_code)
        detail = work.queries.workflow_detail(workflow_code)
        if not found or detail is None:
            raise unknown_workflow(workflow_code)
        definition = None if detail.definition_json is None else parse(detail.definition_json)
        return WorkflowShown(
            found[0],
            detail,
            definition,
            _fires(definition, now),
            work.queries.members(workflow_code),
            work.queries.crossing(workflow_code),
            work.queries.findings(workflow_code),
        )


def unknown_workflow(workflow_code: str) -> NotFound:
    return NotFound(f"no workflow {workflow_code!r}", where="data_workflow", hint="wfgov workflow list")


def _fires(definition: Definition | None, now: datetime) -> Sequence[datetime]:
    if definition is None or definition.settings.schedule is None:
        return ()
    return list(islice(fires_of(definition.settings.schedule, now), _FIRES))
