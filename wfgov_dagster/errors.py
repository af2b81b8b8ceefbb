"""Every error this product raises on purpose.

WfgovError                   code              status  retryable
├── InvalidInput             invalid              422  no   the input breaks a rule that we can name
│   ├── ImportRefused        import_refused       422  no   rows of an import are bad; nothing was merged
│   └── CycleFound           cycle                422  no   tasks depend on each other in a circle
├── NotFound                 not_found            404  no   no such task, workflow, version, engine, instance
├── Conflict                 conflict             409  no   true, but not now: somebody else moved first
│   ├── IllegalTransition    illegal_state        409  no   the life cycle does not allow it from here
│   ├── ChangeSetRefused     change_set_refused   409  no   members of it cannot be published; nothing was written
│   │   └── PlanMoved        plan_moved           409  no   platform or engine is not as the plan saw it
│   ├── ForeignEdit          foreign_edit         409  no   somebody changed it on the engine: a person chooses
│   └── LeaseHeld            lease_held           409  yes  another publisher holds the workflow on this engine
├── Forbidden                forbidden            403  no   the actor may not do this
├── NotDelivered             not_delivered        503  yes  a channel did not take an alert
├── StoreError               store                500  no   the platform's own database
│   ├── DatabaseMissing      database_missing     500  no   no tables there yet
│   ├── DatabaseNewer        database_newer       500  no   made by a newer release; we refuse to touch it
│   ├── DatabaseOlder        database_older       500  no   `wfgov db upgrade` has to run first
│   └── DatabaseBusy         database_busy        503  yes  locked longer than the busy timeout
├── FlowError                    flow                 500  no   a durable flow (the codes are spec D's)
│   ├── FlowCreateFailed         WORKFLOW_CREATE_FAILED          500  no
│   ├── FlowQueryFailed          WORKFLOW_QUERY_FAILED           500  no
│   ├── FlowDetailFailed         WORKFLOW_DETAIL_FAILED          500  no
│   ├── FlowStartFailed          WORKFLOW_START_FAILED           500  no
│   ├── FlowStopFailed           WORKFLOW_STOP_FAILED            500  no
│   ├── FlowCancelFailed         WORKFLOW_CANCEL_FAILED          500  no
│   ├── FlowDefineNotFound       WORKFLOW_DEFINE_NOT_FOUND       404  no   nobody registered it here
│   ├── FlowNodePollingTimeOut   WORKFLOW_NODE_POLLING_TIME_OUT  500  no   not there within its deadline
│   ├── FlowNodeInterrupted      WORKFLOW_NODE_INTERRUPTED       500  no   its process died in it again and again
│   └── FlowTimeOut              WORKFLOW_TIME_OUT               500  no   the whole flow's deadline has passed
└── EngineError              engine               502  no   a scheduler that we publish to
    ├── EngineRejected       engine_rejected      502  no   the engine answered "no"; nothing was applied
    ├── EngineUnreachable    engine_unreachable   503  yes  never reached it; nothing was applied
    │   └── CredentialMissing    credential_missing   503  yes  its token cannot be read here: the engine was not asked
    ├── OutcomeUnknown       engine_unknown       504  yes  no readable reply: it may have been applied or not
    ├── PublishFailed        publish_failed       502  no   a publish ended without success; its record says how
    ├── ChangeSetFailed      change_set_failed    502  no   not every member of a change set was published
    └── PublishParked        publish_parked       504  no   nobody knows what the engine holds, and patience is over
"""

from collections.abc import Mapping
from typing import ClassVar


class WfgovError(Exception):
    """Root. `str(error)` says what; `where` names the thing, `hint` the next step. Neither may hold a secret."""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.where = where
        self.hint = hint

    def problem(self) -> dict[str, object]:
        """RFC 9457's members plus ours: what the REST API answers and the CLI prints with `-o json`."""
        return {
            "type": "about:blank",
            "title": type(self).__name__,
            "status": self.status,
            "detail": str(self),
            "code": self.code,
            "retryable": self.retryable,
            "where": self.where,
            "hint": self.hint,
        }

    def sentence(self) -> str:
        """`code: what — where — next`, the empty parts left out."""
        return f"{self.code}: " + " — ".join(part for part in (str(self), self.where, self.hint) if part)


class InvalidInput(WfgovError):
    """The input breaks a rule that we can name."""

    code, status = "invalid", 422


class ImportRefused(InvalidInput):
    """Rows of an import are bad; nothing was merged."""

    code = "import_refused"


class CycleFound(InvalidInput):
    """Tasks depend on each other in a circle."""

    code = "cycle"


class NotFound(WfgovError):
    """No such task, workflow, version, engine or instance."""

    code, status = "not_found", 404


class Conflict(WfgovError):
    """True, but not now: somebody else moved first."""

    code, status = "conflict", 409


class IllegalTransition(Conflict):
    """The life cycle does not allow it from here."""

    code = "illegal_state"


class ForeignEdit(Conflict):
    """Somebody changed it on the engine: a person has to choose what counts."""

    code = "foreign_edit"


class ChangeSetRefused(Conflict):
    """Members of it cannot be published; nothing was written. `members`: workflow → why, every bad one."""

    code = "change_set_refused"
    word: ClassVar[str] = "cannot be published"

    def __init__(self, members: Mapping[str, str], *, hint: str = "mend them, or leave them out") -> None:
        told = "; ".join(f"{code}: {reason}" for code, reason in members.items())
        super().__init__(f"{len(members)} of its workflows {self.word}: {told}", where="change set", hint=hint)
        self.members = members

    def problem(self) -> dict[str, object]:
        return {**super().problem(), "members": dict(self.members)}


class PlanMoved(ChangeSetRefused):
    """Platform or engine is not as the plan saw it; nothing was written. `members`: what moved of each."""

    code, word = "plan_moved", "moved since it was planned"


class LeaseHeld(Conflict):
    """Another publisher holds the workflow on this engine."""

    code, retryable = "lease_held", True


class Forbidden(WfgovError):
    """The actor may not do this."""

    code, status = "forbidden", 403


class NotDelivered(WfgovError):
    """A channel did not take an alert."""

    code, status, retryable = "not_delivered", 503, True


class StoreError(WfgovError):
    """The platform's own database."""

    code = "store"


class DatabaseMissing(StoreError):
    """No tables there yet."""

    code = "database_missing"


class DatabaseNewer(StoreError):
    """Made by a newer release; we refuse to touch it."""

    code = "database_newer"


class DatabaseOlder(StoreError):
    """`wfgov db upgrade` has to run first."""

    code = "database_older"


class DatabaseBusy(StoreError):
    """Locked longer than the busy timeout."""

    code, status, retryable = "database_busy", 503, True


class EngineError(WfgovError):
    """A scheduler that we publish to."""

    code, status = "engine", 502


class EngineRejected(EngineError):
    """The engine answered "no"; nothing was applied. `number`: its own word for it, None if it has none."""

    code = "engine_rejected"

    def __init__(self, what: str, *, where: str = "", hint: str = "", number: int | None = None) -> None:
        super().__init__(what, where=where, hint=hint)
        self.number = number


class EngineUnreachable(EngineError):
    """Never reached it; nothing was applied."""

    code, status, retryable = "engine_unreachable", 503, True


class CredentialMissing(EngineUnreachable):
    """Its token cannot be read here (no such variable, no key, another key), so the engine was not asked."""

    code = "credential_missing"


class OutcomeUnknown(EngineError):
    """No readable reply: it may have been applied or not."""

    code, status, retryable = "engine_unknown", 504, True


class PublishFailed(EngineError):
    """A publish ended without success; its record says how."""

    code = "publish_failed"


class ChangeSetFailed(EngineError):
    """Not every member of a change set was published; it says of each how it ended."""

    code = "change_set_failed"


class PublishParked(EngineError):
    """Nobody knows what the engine holds, and attempts or time are used up."""

    code, status = "publish_parked", 504


class FlowError(WfgovError):
    """A durable flow; its text is always the same, `where` and `hint` say which and why."""

    code = "flow"
    text: ClassVar[str] = "the flow failed"

    def __init__(self, what: str = "", *, where: str = "", hint: str = "") -> None:
        super().__init__(what or self.text, where=where, hint=hint)


class FlowCreateFailed(FlowError):
    """It was not created."""

    code, text = "WORKFLOW_CREATE_FAILED", "workflow create failed"


class FlowQueryFailed(FlowError):
    """Flows could not be listed."""

    code, text = "WORKFLOW_QUERY_FAILED", "workflow query failed"


class FlowDetailFailed(FlowError):
    """A flow could not be read."""

    code, text = "WORKFLOW_DETAIL_FAILED", "workflow detail failed"


class FlowStartFailed(FlowError):
    """It was not started."""

    code, text = "WORKFLOW_START_FAILED", "workflow start failed"


class FlowStopFailed(FlowError):
    """It was not stopped."""

    code, text = "WORKFLOW_STOP_FAILED", "workflow stop failed"


class FlowCancelFailed(FlowError):
    """It was not cancelled."""

    code, text = "WORKFLOW_CANCEL_FAILED", "workflow cancel failed"


class FlowDefineNotFound(FlowError):
    """Nobody registered a definition of this name, or of this version of it, in this process."""

    code, status, text = "WORKFLOW_DEFINE_NOT_FOUND", 404, "workflow define not found"


class FlowNodePollingTimeOut(FlowError):
    """What a flow node waited for was not there within its deadline."""

    code, text = "WORKFLOW_NODE_POLLING_TIME_OUT", "workflow node polling time out"


class FlowNodeInterrupted(FlowError):
    """Whoever ran the flow node died in it, again and again."""

    code, text = "WORKFLOW_NODE_INTERRUPTED", "workflow node interrupted"


class FlowTimeOut(FlowError):
    """The deadline of the whole flow has passed."""

    code, text = "WORKFLOW_TIME_OUT", "workflow time out"
