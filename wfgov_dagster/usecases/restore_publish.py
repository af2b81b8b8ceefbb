"""Bring back what an engine held: a publish record with a target of its own, driven by the same loop."""

from dataclasses import asdict, dataclass

from wfgov_dagster.domain.publish import Operation, Phase, Target
from wfgov_dagster.errors import NotFound
from wfgov_dagster.ports.publishing import Intent, Note
from wfgov_dagster.ports.store import Work
from wfgov_dagster.usecases import engines
from wfgov_dagster.usecases.request_publish import Checked, freeze, open_record


@dataclass(frozen=True, slots=True)
class Restore:
    """`version_no` None: the content stays as it is, only its release is brought back; if the engine does not hold
    it at all, nothing is to be done. `publishes`: the version is the workflow's last published one afterwards."""

    workflow_code: str
    engine: str
    version_no: int | None
    online: bool
    schedule_online: bool
    reason: str
    publishes: bool = True
    trigger_source: str = "manual"


def request_restore(work: Work, actor: str, wanted: Restore, flow_id: int | None = None) -> int:
    """The id of a new publish record, in an open unit of work. It is driven by its flow, as every other one, or by
    `flow_id`; an open record for the same workflow and engine is superseded by it, even while somebody drives that one.

    Raises NotFound. The workflow is locked until the transaction ends: ask for many in the order of their codes.
    """
    engine = engines.get(work, wanted.engine)
    workflow = work.publishing.workflow(wanted.workflow_code, lock=True)
    if workflow is None:
        raise NotFound(f"no workflow {wanted.workflow_code!r}", where="workflows", hint="wfgov workflow list")
    known = work.publishing.held(engine.id, workflow.id) or workflow.current
    version = known if wanted.version_no is None else work.publishing.version(workflow.id, wanted.version_no)
    if version is None:
        number = "" if wanted.version_no is None else f" V{wanted.version_no}"
        hint = f"wfgov version list {workflow.code}"
        raise NotFound(f"no version{number} to bring back", where=f"workflow {workflow.code}", hint=hint)
    sends = wanted.version_no is not None
    target = Target(version.id if sends else None, wanted.online, wanted.schedule_online, wanted.publishes)
    snapshot_id = freeze(work, actor, Checked(engine, workflow, version), wanted.trigger_source) if sends else None
    operation = Operation.DEPLOY if sends or wanted.online else Operation.OFFLINE
    intent = Intent(workflow.id, engine, version, snapshot_id, operation, actor, target, flow_id)
    record_id = open_record(work, workflow, intent)
    work.publishing.note(record_id, Note(Phase.INTENT, f"restore: {wanted.reason}", actor))
    detail = asdict(wanted) | {"record_id": record_id}
    work.audit.add(actor, "restore", ("workflow", workflow.code), detail)
    return record_id
