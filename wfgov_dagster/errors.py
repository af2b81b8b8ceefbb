"""Every error this product raises on purpose.

WfgovError                   code              status  retryable
├── InvalidInput             invalid              422  no   the input breaks a rule that we can name
│   ├── ImportRefused        import_refused       422  no   rows of an import are bad; nothing was merged
│   └── CycleFound           cycle                422  no   tasks depend on each other in a circle
├── NotFound                 not_found            404  no   no such task, workflow, version, engine, instance
├── Conflict                 conflict             409  no   true, but not now: somebody else moved first
│   ├── IllegalTransition    illegal_state        409  no   the life cycle does not allow it from here
│   └── LeaseHeld            lease_held           409  yes  another publisher holds the workflow on this engine
├── Forbidden                forbidden            403  no   the actor may not do this
├── StoreError               store                500  no   the platform's own database
│   ├── DatabaseMissing      database_missing     500  no   no tables there yet
│   ├── DatabaseNewer        database_newer       500  no   made by a newer release; we refuse to touch it
│   ├── DatabaseOlder        database_older       500  no   `wfgov db upgrade` has to run first
│   └── DatabaseBusy         database_busy        503  yes  locked longer than the busy timeout
└── EngineError              engine               502  no   a scheduler that we publish to
    ├── EngineRejected       engine_rejected      502  no   the engine answered "no"; nothing was applied
    ├── EngineUnreachable    engine_unreachable   503  yes  never reached it; nothing was applied
    └── OutcomeUnknown       engine_unknown       504  yes  no readable reply: it may have been applied or not
"""

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


class LeaseHeld(Conflict):
    """Another publisher holds the workflow on this engine."""

    code, retryable = "lease_held", True


class Forbidden(WfgovError):
    """The actor may not do this."""

    code, status = "forbidden", 403


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
    """The engine answered "no"; nothing was applied."""

    code = "engine_rejected"


class EngineUnreachable(EngineError):
    """Never reached it; nothing was applied."""

    code, status, retryable = "engine_unreachable", 503, True


class OutcomeUnknown(EngineError):
    """No readable reply: it may have been applied or not."""

    code, status, retryable = "engine_unknown", 504, True
