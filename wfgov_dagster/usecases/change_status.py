"""Platform online and offline: whether the platform starts instances. No engine is called (design rule 7)."""

from dataclasses import dataclass

from wfgov_dagster.domain.lifecycle import Event, Status, advance
from wfgov_dagster.errors import Conflict, IllegalTransition, NotFound
from wfgov_dagster.ports.queries import WorkflowRow
from wfgov_dagster.ports.store import Store, Work
from wfgov_dagster.usecases.show_workflows import unknown_workflow


@dataclass(frozen=True, slots=True)
class StatusReport:
    workflow_code: str
    before: Status
    status: Status


def change_status(store: Store, actor: str, workflow_code: str, event: Event) -> StatusReport:
    """Raises NotFound, or IllegalTransition from a state that does not allow it; a refusal is on record too."""
    try:
        with store.write() as work:
            return _change(work, actor, workflow_code, event)
    except (NotFound, Conflict) as refusal:
        with store.write() as work:
            work.audit.add(actor, event, ("workflow", workflow_code), {"error": str(refusal)}, refused=True)
        raise


def _change(work: Work, actor: str, workflow_code: str, event: Event) -> StatusReport:
    found = work.queries.workflows(workflow_code)
    if not found:
        raise unknown_workflow(workflow_code)
    before = Status(found[0].status)
    after = _after(found[0], before, event)
    if after != before:
        if not work.workflows.change_status(workflow_code, before, after, actor):
            raise Conflict("its state has just changed", where=f"workflow {workflow_code}", hint="try again")
        work.audit.add(actor, event, ("workflow", workflow_code), {"before": before, "after": after})
    return StatusReport(workflow_code, before, after)


def _after(row: WorkflowRow, before: Status, event: Event) -> Status:
    try:
        return advance(before, event)
    except IllegalTransition as exc:
        hint = row.definition_error or f"wfgov workflow show {row.workflow_code}"
        raise IllegalTransition(str(exc), where=f"workflow {row.workflow_code}", hint=hint) from exc
