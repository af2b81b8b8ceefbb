"""Ask for a publish: checks, then the intent on record with its frozen version, before any engine is touched."""

from dataclasses import asdict, dataclass

from wfgov_dagster.domain import snapshot
from wfgov_dagster.domain.publish import (
    Choice,
    Operation,
    Phase,
    PublishEvent,
    PublishStatus,
    VersionRef,
    status_after,
    version_for,
)
from wfgov_dagster.errors import Conflict, InvalidInput, LeaseHeld, NotFound, StoreError
from wfgov_dagster.ports.publishing import Frozen, GovernedWorkflow, Intent, RegisteredEngine
from wfgov_dagster.ports.store import Store, Work
from wfgov_dagster.usecases import engines, publish_flow
from wfgov_dagster.usecases.end_publish import close

_LONGEST_CODE = 255  # an audit entry's; what was asked for may be any text


@dataclass(frozen=True, slots=True)
class Request:
    """`version_no` guards: a publish that would be about another version is refused."""

    workflow_code: str
    operation: Operation
    engine: str
    version_no: int | None = None
    trigger_source: str = "manual"


@dataclass(frozen=True, slots=True)
class Checked:
    engine: RegisteredEngine
    workflow: GovernedWorkflow
    version: VersionRef


def request(store: Store, actor: str, wanted: Request) -> int:
    """The id of a new publish record in phase intent. A record of the same workflow and engine that is still open
    is superseded by it.

    Raises NotFound, Conflict, or LeaseHeld while somebody publishes; a refusal gets an audit entry, nothing else.
    """
    try:
        with store.write() as work:
            return request_in(work, actor, wanted)
    except (InvalidInput, NotFound, Conflict) as refusal:
        with store.write() as work:
            detail = asdict(wanted) | {"error": refusal.sentence()}
            subject = ("workflow", wanted.workflow_code[:_LONGEST_CODE])
            work.audit.add(actor, "publish", subject, detail, refused=True)
        raise


def request_in(work: Work, actor: str, wanted: Request, flow_id: int | None = None) -> int:
    """`request` in an open unit of work; a refusal has written nothing. `flow_id`: the flow that drives it instead of
    one of its own."""
    checked = check(work, wanted, lock=True)
    _refuse_while_held(work, checked)
    sends = wanted.operation is not Operation.OFFLINE
    snapshot_id = freeze(work, actor, checked, wanted.trigger_source) if sends else None
    workflow, version = checked.workflow, checked.version
    intent = Intent(workflow.id, checked.engine, version, snapshot_id, wanted.operation, actor, flow_id=flow_id)
    record_id = open_record(work, workflow, intent)
    detail = asdict(wanted) | {"version_no": version.version_no, "record_id": record_id}
    work.audit.add(actor, "publish", ("workflow", workflow.code), detail)
    return record_id


def check(work: Work, wanted: Request, *, lock: bool = False) -> Checked:
    """What the request is about; without `lock` somebody only looks. Raises NotFound and Conflict."""
    engine = engines.get(work, wanted.engine) if lock else engines.seen(work, wanted.engine)
    workflow = work.publishing.workflow(wanted.workflow_code, lock=lock)
    if workflow is None:
        raise NotFound(f"no workflow {wanted.workflow_code!r}", where="workflows", hint="wfgov workflow list")
    where = f"workflow {workflow.code}"
    if workflow.status == "archived" and wanted.operation is not Operation.OFFLINE:
        raise Conflict(f"it is archived, {wanted.operation} is not possible", where=where, hint="only offline is")
    number = wanted.version_no
    if number is not None and work.publishing.version(workflow.id, number) is None:
        raise NotFound(f"no version V{number}", where=where, hint=f"wfgov version list {workflow.code}")
    held = work.publishing.held(engine.id, workflow.id)
    choice = Choice(workflow.code, workflow.current, workflow.last_published, held)
    return Checked(engine, workflow, version_for(wanted.operation, choice, number))


def _refuse_while_held(work: Work, checked: Checked) -> None:
    left = work.leases.left(checked.engine.id, checked.workflow.code)
    if left > 0:
        raise LeaseHeld(
            "somebody is publishing it",
            where=f"workflow {checked.workflow.code} on engine {checked.engine.name}",
            hint=f"try again when that has ended, or in {left:.0f} s if it has died",
        )


def open_record(work: Work, workflow: GovernedWorkflow, intent: Intent) -> int:
    """A new record with its flow; what is still open for this workflow and engine is superseded by it."""
    for older in work.publishing.open_records(intent.engine.id, workflow.id):
        reason = Conflict("a newer publish of the workflow was asked for", where=f"workflow {workflow.code}")
        close(work, work.publishing.job(older), Phase.SUPERSEDED, reason, intent.operator)
    record_id = work.publishing.add_record(intent)
    status = status_after(PublishStatus(workflow.publish_status), PublishEvent.BEGIN)
    work.publishing.set_publish_status(workflow.id, status)
    if intent.flow_id is None:
        publish_flow.begin_flow(work, intent.operator, record_id)
    return record_id


def freeze(work: Work, actor: str, checked: Checked, trigger_source: str) -> int:
    engine, workflow, version = checked.engine, checked.workflow, checked.version
    keep_document(work, workflow.code, version)
    key = f"{engine.name}/{engine.project}/{workflow.code}"
    return work.publishing.freeze(Frozen(key, workflow.id, engine.id, version, actor, trigger_source))


def keep_document(work: Work, workflow_code: str, version: VersionRef) -> None:
    """The version's whole document, kept by its hash. Raises StoreError when the logs no longer give it."""
    document = snapshot.document(work.versions.definition(workflow_code, version.version_no))
    if snapshot.digest(document) != version.content_hash:
        raise StoreError(
            f"V{version.version_no} cannot be rebuilt: its content is not what was signed",
            where=f"workflow {workflow_code}",
            hint="restore the database, or save a new version",
        )
    work.versions.keep({version.content_hash: document.decode()})
