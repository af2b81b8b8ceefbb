"""A person pins a workflow: from then on orchestration makes candidates of it, until somebody unpins it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from wfgov_dagster.domain.pin import reason_of
from wfgov_dagster.domain.todo import MANUAL
from wfgov_dagster.errors import Conflict, InvalidInput, NotFound
from wfgov_dagster.ports.pins import Pin
from wfgov_dagster.ports.publishing import GovernedWorkflow
from wfgov_dagster.ports.store import Store, Work
from wfgov_dagster.usecases.new_versions import NewVersion, drafts_of, save_drafts
from wfgov_dagster.usecases.orchestrate import T, steadily
from wfgov_dagster.usecases.show_workflows import unknown_workflow


@dataclass(frozen=True, slots=True)
class Pinned:
    """`before`: the pin whose place it took."""

    workflow_code: str
    pin: Pin
    before: Pin | None


@dataclass(frozen=True, slots=True)
class Unpinned:
    """`before` None: it was not pinned, nothing was done. `version`: what its definition has become; None = it is the
    current version already, or `broken` says why it can be none."""

    workflow_code: str
    before: Pin | None
    version: NewVersion | None
    broken: str | None


def pin(store: Store, actor: str, workflow_code: str, reason: str, until: datetime | None = None) -> Pinned:
    """In place of the pin before. Raises NotFound, InvalidInput without a reason or for a time that is over; a refusal
    is on record too."""
    return recorded(store, actor, ("pin", workflow_code), lambda work: _pin(work, actor, workflow_code, reason, until))


def put_pin(work: Work, workflow_id: int, new: Pin) -> None:
    """Raises InvalidInput for a time that is over by the database's clock."""
    work.pins.put(workflow_id, new)
    if not work.pins.in_force([workflow_id]):
        raise InvalidInput("that time is over", where="until", hint="--until TIME, in the future; UTC without a zone")


def unpin(store: Store, actor: str, workflow_code: str) -> Unpinned:
    """Orchestration makes versions again, and at once the one that waits. Its candidates are no more.

    Raises NotFound; a refusal is on record too.
    """
    return recorded(store, actor, ("unpin", workflow_code), lambda work: _unpin(work, actor, workflow_code))


def recorded(
    store: Store,
    actor: str,
    about: tuple[str, str],
    do: Callable[[Work], T],
    detail: Mapping[str, object] | None = None,
) -> T:
    """`do` in a unit of work that no derivation runs beside. `about`, `detail`: action, workflow and what was asked
    for, for the audit entry of a refusal."""

    def locked() -> T:
        with store.write() as work:
            work.derivation.lock()
            return do(work)

    try:
        return steadily(locked)
    except (InvalidInput, NotFound, Conflict) as refusal:
        with store.write() as work:
            told = {**(detail or {}), "error": refusal.sentence()}
            work.audit.add(actor, about[0], ("workflow", about[1]), told, refused=True)
        raise


def locked_workflow(work: Work, workflow_code: str) -> GovernedWorkflow:
    """Nobody else changes it until the transaction ends. Raises NotFound."""
    workflow = work.publishing.workflow(workflow_code, lock=True)
    if workflow is None:
        raise unknown_workflow(workflow_code)
    return workflow


def _pin(work: Work, actor: str, workflow_code: str, reason: str, until: datetime | None) -> Pinned:
    workflow = locked_workflow(work, workflow_code)
    before, new = work.pins.of(workflow.id), Pin(reason_of(reason), actor, until)
    put_pin(work, workflow.id, new)
    work.audit.add(actor, "pin", ("workflow", workflow_code), {"reason": new.reason, "until": until})
    return Pinned(workflow_code, new, before)


def _unpin(work: Work, actor: str, workflow_code: str) -> Unpinned:
    workflow = locked_workflow(work, workflow_code)
    before = work.pins.of(workflow.id)
    if before is None:
        return Unpinned(workflow_code, None, None, None)
    work.pins.clear(actor, [workflow.id])
    work.candidates.forget([workflow.id])
    made: list[NewVersion] = []
    if work.versions.waiting([workflow_code]):
        documents = work.versions.current_documents([workflow.id])
        made = save_drafts(work, actor, drafts_of(work, documents, {workflow.id: MANUAL}))
    number = made[0].version_no if made else None
    work.audit.add(actor, "unpin", ("workflow", workflow_code), {"reason": before.reason, "version_no": number})
    return Unpinned(workflow_code, before, made[0] if made else None, workflow.error)
