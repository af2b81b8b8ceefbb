"""Audit entries and findings."""

from collections.abc import Collection, Mapping, Sequence

import orjson
import sqlalchemy as sa

from wfgov_dagster.ports.store import Finding
from wfgov_dagster.store.among import among
from wfgov_dagster.store.schema.derived import inspection_finding
from wfgov_dagster.store.schema.workflow import workflow_operation_log
from wfgov_dagster.store.writes import run_many

_LONGEST_CODE = 255
_ENTRY = sa.insert(workflow_operation_log)


class SqlAudit:
    def __init__(self, conn: sa.Connection) -> None:
        self._conn = conn

    def add(
        self, actor: str, action: str, subject: tuple[str, str], detail: Mapping[str, object], *, refused: bool = False
    ) -> None:
        """`subject`: (type, code); a code that was asked for may be any text. `detail` must hold no secret."""
        self._conn.execute(
            _ENTRY,
            {
                "actor": actor,
                "action": action,
                "object_type": subject[0],
                "object_code": subject[1][:_LONGEST_CODE],
                "outcome": "refused" if refused else "done",
                "detail": orjson.dumps(detail, default=str).decode(),
            },
        )


class SqlFindings:
    def __init__(self, conn: sa.Connection) -> None:
        self._conn = conn

    def settle(
        self, rules: Collection[str], object_type: str, codes: Sequence[str] | None, found: Sequence[Finding]
    ) -> None:
        """Make the open findings of these rules over these objects (None: all) be `found`: others close, new ones
        open."""
        f = inspection_finding.c
        query = sa.select(f.id, f.rule, f.object_code, f.message).where(
            f.closed_at.is_(None),
            f.rule.in_(list(rules)),
            f.object_type == object_type,
            sa.true() if codes is None else among(self._conn, f.object_code, codes),
        )
        open_now = {(rule, code, message): identity for identity, rule, code, message in self._conn.execute(query)}
        wanted = {(one.rule, one.object_code, one.message): one for one in found}
        gone = [identity for key, identity in open_now.items() if key not in wanted]
        if gone:
            closing = sa.update(inspection_finding).where(among(self._conn, f.id, gone))
            self._conn.execute(closing.values(closed_at=sa.func.current_timestamp()))
        rows = [
            {"rule": one.rule, "object_type": one.object_type, "object_code": one.object_code, "message": one.message}
            for key, one in wanted.items()
            if key not in open_now
        ]
        run_many(self._conn, sa.insert(inspection_finding), rows)

    def open(self, rule: str | None = None) -> list[Finding]:
        f = inspection_finding.c
        chosen = sa.true() if rule is None else f.rule == rule
        query = (
            sa.select(f.rule, f.object_type, f.object_code, f.message)
            .where(f.closed_at.is_(None), chosen)
            .order_by(f.rule, f.object_code)
        )
        return [Finding(*row) for row in self._conn.execute(query)]
