"""What waits to become a version of a pinned workflow, and what a person says to it."""

from collections.abc import Sequence
from dataclasses import dataclass

from wfgov_dagster.domain import snapshot
from wfgov_dagster.domain.diff import Diff, diff
from wfgov_dagster.domain.pin import reason_of
from wfgov_dagster.domain.todo import MANUAL
from wfgov_dagster.errors import Conflict, NotFound
from wfgov_dagster.ports.candidates import Candidate
from wfgov_dagster.ports.publishing import GovernedWorkflow
from wfgov_dagster.ports.store import Store, Work
from wfgov_dagster.usecases.new_versions import NewVersion, drafts_of, save_drafts
from wfgov_dagster.usecases.pin import locked_workflow, recorded
from wfgov_dagster.usecases.show_workflows import unknown_workflow


@dataclass(frozen=True, slots=True)
class CandidateShown:
    """`diff`: what it takes to come from the current version to it."""

    candidate: Candidate
    current_version_no: int | None
    diff: Diff


def list_candidates(store: Store, workflow_code: str | None = None, state: str | None = "open") -> Sequence[Candidate]:
    """Raises NotFound for a workflow that is none."""
    with store.read() as work:
        if workflow_code is not None and not work.queries.workflows(workflow_code):
            raise unknown_workflow(workflow_code)
        return work.candidates.all(workflow_code, state)


def show_candidate(store: Store, workflow_code: str) -> CandidateShown:
    """Raises NotFound."""
    with store.read() as work:
        workflow = work.publishing.workflow(workflow_code)
        if workflow is None:
            raise unknown_workflow(workflow_code)
        found = _open(work, workflow)
        before = work.versions.latest_definitions([workflow.id]).get(workflow.id)
        after = snapshot.parse(work.candidates.body(found.content_hash))
        number = None if workflow.current is None else workflow.current.version_no
        return CandidateShown(found, number, diff(None if before is None else before.definition, after))


def apply_candidate(store: Store, actor: str, workflow_code: str) -> NewVersion:
    """It becomes the next version, though the workflow is pinned and stays so: a person's word.

    Raises NotFound, or Conflict when it was made upon another version than the current one; a refusal is on record too.
    """
    return recorded(store, actor, ("apply_candidate", workflow_code), lambda work: _apply(work, actor, workflow_code))


def drop_candidate(store: Store, actor: str, workflow_code: str, reason: str) -> Candidate:
    """The same content is not proposed again as long as the pin lasts.

    Raises NotFound, InvalidInput without a reason; a refusal is on record too.
    """
    about = ("drop_candidate", workflow_code)
    return recorded(store, actor, about, lambda work: _drop(work, actor, workflow_code, reason))


def _apply(work: Work, actor: str, workflow_code: str) -> NewVersion:
    workflow = locked_workflow(work, workflow_code)
    found = _open(work, workflow)
    current = None if workflow.current is None else workflow.current.version_no
    if found.base_version_no != current:
        raise Conflict(
            f"it was made upon V{found.base_version_no}, and V{current} is current now",
            where=f"candidate of workflow {workflow_code}",
            hint="wfgov orchestrate, then look at it again: wfgov candidate show",
        )
    documents = {workflow.id: work.candidates.body(found.content_hash)}
    (made,) = save_drafts(work, actor, drafts_of(work, documents, {workflow.id: MANUAL}))
    work.candidates.take_back([workflow.id])
    detail = {"content_hash": found.content_hash, "version_no": made.version_no}
    work.audit.add(actor, "apply_candidate", ("workflow", workflow_code), detail)
    return made


def _drop(work: Work, actor: str, workflow_code: str, reason: str) -> Candidate:
    workflow, told = locked_workflow(work, workflow_code), reason_of(reason)
    found = _open(work, workflow)
    work.candidates.drop(actor, workflow.id, told)
    detail = {"content_hash": found.content_hash, "change_summary": found.change_summary, "reason": told}
    work.audit.add(actor, "drop_candidate", ("workflow", workflow_code), detail)
    return found


def _open(work: Work, workflow: GovernedWorkflow) -> Candidate:
    found = work.candidates.open([workflow.id]).get(workflow.id)
    if found is None:
        raise NotFound("no candidate waits", where=f"workflow {workflow.code}", hint="wfgov candidate list")
    return found
