"""Candidates of pinned workflows."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, fields
from typing import Any

import sqlalchemy as sa

from wfgov_dagster.ports.candidates import Candidate, NewCandidate
from wfgov_dagster.store.among import among
from wfgov_dagster.store.clock import db_now
from wfgov_dagster.store.schema.candidate import workflow_candidate
from wfgov_dagster.store.schema.workflow import canonical_document, data_workflow, workflow_version

_C, _W, _VER = workflow_candidate.c, data_workflow.c, workflow_version.c
_OPEN = _C.state == "open"
_COLUMNS = [_W.workflow_code, *(_C[field.name] for field in fields(Candidate)[1:])]


class SqlCandidates:
    def __init__(self, conn: sa.Connection) -> None:
        self._conn = conn

    def all(self, workflow_code: str | None, state: str | None) -> Sequence[Candidate]:
        query = sa.select(*_COLUMNS).join(data_workflow, _W.id == _C.workflow_id).order_by(_W.workflow_code, _C.id)
        query = query if workflow_code is None else query.where(_W.workflow_code == workflow_code)
        query = query if state is None else query.where(_C.state == state)
        return [Candidate(*row) for row in self._conn.execute(query)]

    def open(self, workflow_ids: Collection[int]) -> dict[int, Candidate]:
        query = sa.select(_C.workflow_id, *_COLUMNS).join(data_workflow, _W.id == _C.workflow_id)
        rows = self._conn.execute(query.where(_OPEN, among(self._conn, _C.workflow_id, workflow_ids)))
        return {row[0]: Candidate(*row[1:]) for row in rows}

    def dropped(self, workflow_ids: Collection[int]) -> set[tuple[int, str]]:
        query = sa.select(_C.workflow_id, _C.content_hash).where(_C.state == "dropped")
        rows = self._conn.execute(query.where(among(self._conn, _C.workflow_id, workflow_ids)))
        return {(row[0], row[1]) for row in rows}

    def outdated(self) -> set[str]:
        query = (
            sa.select(_W.workflow_code)
            .select_from(workflow_candidate)
            .join(data_workflow, _W.id == _C.workflow_id)
            .join(workflow_version, _VER.id == _W.current_version_id)
            .where(_OPEN, _C.base_version_no.is_distinct_from(_VER.version_no))
        )
        return set(self._conn.scalars(query))

    def body(self, content_hash: str) -> str:
        query = sa.select(canonical_document.c.body).where(canonical_document.c.hash == content_hash)
        return str(self._conn.scalars(query).one())

    def put(self, actor: str, new: NewCandidate) -> None:
        self.take_back([new.workflow_id])
        base = (
            sa.select(_VER.version_no)
            .join(data_workflow, _W.current_version_id == _VER.id)
            .where(_W.id == new.workflow_id)
            .scalar_subquery()
        )
        values: dict[str, Any] = {**asdict(new), "base_version_no": base, "created_by": actor}
        self._conn.execute(sa.insert(workflow_candidate).values(values))

    def drop(self, actor: str, workflow_id: int, reason: str) -> bool:
        change = sa.update(workflow_candidate).where(_C.workflow_id == workflow_id, _OPEN)
        values = {"state": "dropped", "reason": reason, "decided_by": actor, "decided_at": db_now()}
        return bool(self._conn.execute(change.values(values)).rowcount)

    def take_back(self, workflow_ids: Collection[int]) -> None:
        chosen = among(self._conn, _C.workflow_id, workflow_ids)
        self._conn.execute(sa.delete(workflow_candidate).where(_OPEN, chosen))

    def settle(self) -> None:
        same = sa.and_(_W.definition_error.is_(None), _W.definition_hash == _VER.content_hash)
        current = (
            sa.select(_W.id)
            .join(workflow_version, _VER.id == _W.current_version_id)
            .where(_W.id == _C.workflow_id, sa.or_(same, _VER.content_hash == _C.content_hash))
        )
        self._conn.execute(sa.delete(workflow_candidate).where(_OPEN, sa.exists(current.correlate(workflow_candidate))))

    def forget(self, workflow_ids: Collection[int]) -> None:
        self._conn.execute(sa.delete(workflow_candidate).where(among(self._conn, _C.workflow_id, workflow_ids)))
