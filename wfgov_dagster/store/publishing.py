"""Engines, snapshots, publish records and what was last confirmed."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from wfgov_dagster.domain.publish import Operation, Phase, Target, VersionRef
from wfgov_dagster.errors import NotFound
from wfgov_dagster.ports.publishing import Deployment, Frozen, GovernedWorkflow, Job, RegisteredEngine
from wfgov_dagster.store.clock import db_now
from wfgov_dagster.store.prepared import prepared
from wfgov_dagster.store.publish_records import (
    ENGINE,
    WROTE,
    SqlPublishRecords,
    about,
    found_from,
    target_from,
    text,
)
from wfgov_dagster.store.schema.instances import engine_deployment_version
from wfgov_dagster.store.schema.publish import (
    engine,
    engine_deployment,
    workflow_definition_snapshot,
    workflow_publish_record,
)
from wfgov_dagster.store.schema.workflow import canonical_document, data_workflow, workflow_version

_E, _W, _R, _S, _D = (
    engine.c,
    data_workflow.c,
    workflow_publish_record.c,
    workflow_definition_snapshot.c,
    engine_deployment.c,
)
_VER = workflow_version.c


class SqlPublishing(SqlPublishRecords):
    # engines

    def engines(self) -> Sequence[RegisteredEngine]:
        there = sa.select(*ENGINE).where(_E.removed_at.is_(None)).order_by(_E.name)
        return [RegisteredEngine(*row) for row in self._conn.execute(there)]

    def add_engine(self, name: str, kind: str) -> bool:
        made = self._insert(engine).values(name=name, kind=kind).on_conflict_do_nothing()
        return self._conn.execute(made.returning(_E.id)).first() is not None

    # workflows

    def workflow(self, code: str, *, lock: bool = False) -> GovernedWorkflow | None:
        if lock:
            self._conn.execute(*_lock(code))
        row = self._conn.execute(*_by_code(code)).one_or_none()
        return None if row is None else _workflow(row)

    def version(self, workflow_id: int, version_no: int) -> VersionRef | None:
        query = sa.select(*_version_columns(workflow_version))
        row = self._conn.execute(query.where(_VER.workflow_id == workflow_id, _VER.version_no == version_no))
        return _ref(row.one_or_none())

    def held(self, engine_id: int, workflow_id: int) -> VersionRef | None:
        return _ref(self._conn.execute(*_held(engine_id, workflow_id)).one_or_none())

    def set_publish_status(self, workflow_id: int, status: str) -> None:
        self._conn.execute(*_publish_status(workflow_id, status))

    # snapshots

    def freeze(self, frozen: Frozen) -> int:
        key = {"workflow_key": frozen.workflow_key, "version_id": frozen.version.id}
        values = {
            "workflow_id": frozen.workflow_id,
            "engine_id": frozen.engine_id,
            "content_hash": frozen.version.content_hash,
            "publisher": frozen.publisher,
            "trigger_source": frozen.trigger_source,
            "rollback_of": sa.select(_VER.rollback_of).where(_VER.id == frozen.version.id).scalar_subquery(),
        }
        insert = self._insert(workflow_definition_snapshot).values(**key, **values)
        self._conn.execute(insert.on_conflict_do_nothing())
        this = sa.and_(*(_S[name] == value for name, value in key.items()))
        self._change_snapshot(this & (_S.status == "failed"), status="draft", error=None)
        return int(self._conn.scalars(sa.select(_S.id).where(this)).one())

    def snapshot_failed(self, snapshot_id: int, error: str) -> None:
        self._change_snapshot((_S.id == snapshot_id) & (_S.status == "draft"), status="failed", error=error)

    def snapshot_draft(self, snapshot_id: int) -> None:
        self._change_snapshot((_S.id == snapshot_id) & (_S.status == "failed"), status="draft", error=None)

    def snapshot_published(self, snapshot_id: int) -> None:
        self._change_snapshot(_S.id == snapshot_id, status="published", error=None)

    def _change_snapshot(self, which: sa.ColumnElement[bool], **values: str | None) -> None:
        self._conn.execute(sa.update(workflow_definition_snapshot).where(which).values(updated_at=db_now(), **values))

    # records

    def lock_workflow(self, record_id: int) -> None:
        self._conn.execute(*_lock_of(record_id))

    def job(self, record_id: int) -> Job:
        row = self._conn.execute(*_own(record_id)).one_or_none()
        if row is None:
            raise NotFound(f"no publish record {record_id}", hint="wfgov record list")
        rest = self._conn.execute(*_about_it(record_id)).one()
        kept, workflow, version = _cut(rest, [len(part) for part in _PARTS])
        return _job(row, RegisteredEngine(*kept), _workflow(workflow), VersionRef(*version))

    def deployed(self, engine_id: int, workflow_id: int) -> tuple[VersionRef, Target] | None:
        row = self._conn.execute(*_deployed(engine_id, workflow_id)).one_or_none()
        if row is None:
            return None
        return VersionRef(*row[:3]), Target(row[0], bool(row[3]), bool(row[4]), publishes=False)

    def sent(self, engine_id: int, workflow_id: int, first: Sequence[str]) -> Iterator[tuple[VersionRef, str]]:
        likeliest = sa.case(*((_S.content_hash == one, no) for no, one in enumerate(first)), else_=len(first))
        query = sa.select(*_version_columns(workflow_version)).join(
            workflow_definition_snapshot, _S.version_id == _VER.id
        )
        order = [likeliest, _S.id.desc()] if first else [_S.id.desc()]
        frozen = query.where(_S.engine_id == engine_id, _S.workflow_id == workflow_id).order_by(*order)
        for row in self._conn.execute(frozen).all():
            ref = VersionRef(*row)
            body = sa.select(canonical_document.c.body).where(canonical_document.c.hash == ref.content_hash)
            yield ref, self._conn.scalars(body).one()

    def confirm(self, job: Job, seen: Deployment, *, publishes: bool) -> None:
        self._change(job.record_id, engine_workflow_code=seen.engine_workflow_code)
        values: dict[str, Any] = {
            "engine_workflow_code": seen.engine_workflow_code,
            "engine_task_codes": text(seen.engine_task_codes),
            "online": int(seen.online),
            "schedule_online": int(seen.schedule_online),
            "confirmed_at": db_now(),
            "seen_revision": None,  # whoever inspects it next looks at it whole
            "told_at": None,
        }
        key = {"engine_id": job.engine.id, "workflow_id": job.workflow.id}
        if seen.version is None:
            this = sa.and_(*(_D[name] == value for name, value in key.items()))
            self._conn.execute(sa.update(engine_deployment).where(this).values(values))
            return
        values |= {"version_id": seen.version.id, "content_hash": seen.version.content_hash}
        upsert = self._insert(engine_deployment).values(**key, **values)
        self._conn.execute(upsert.on_conflict_do_update(index_elements=list(key), set_=values))
        self._note_version(key, seen.engine_version, seen.version)
        if publishes:
            published = {"last_published_version_id": seen.version.id}
            self._conn.execute(sa.update(data_workflow).where(_W.id == job.workflow.id).values(published))

    def _note_version(self, key: Mapping[str, int], engine_version: int, version: VersionRef) -> None:
        values = {"version_id": version.id, "confirmed_at": db_now()}
        this = {**key, "engine_version": engine_version}
        upsert = self._insert(engine_deployment_version).values(**this, **values)
        self._conn.execute(upsert.on_conflict_do_update(index_elements=list(this), set_=values))

    def _insert(self, table: sa.Table) -> Any:
        return (sqlite if self._conn.dialect.name == "sqlite" else postgresql).insert(table)


# rows


def _version_columns(versions: sa.FromClause) -> list[sa.ColumnElement[Any]]:
    return [versions.c.id, versions.c.version_no, versions.c.content_hash]


_CURRENT, _PUBLISHED = workflow_version.alias("current"), workflow_version.alias("published")
_OWN = (_W.id, _W.workflow_code, _W.status, _W.publish_status, _W.definition_error)
_WORKFLOW = (*_OWN, *_version_columns(_CURRENT), *_version_columns(_PUBLISHED))
_RECORD = (_R.id, _R.operation, _R.status, _R.phase, _R.attempts, _R.round, _R.round_from, _R.round_at, _R.error_code,
           _R.error, _R.snapshot_id, _R.flow_id, _R.found, _R.ends_as, _R.target, _R.waits_on, _R.overruled,
           _R.engine_workflow_code, _R.operator, _R.log)  # fmt: skip
_NOW = (WROTE.label("wrote"), db_now().label("now"))


def _with_versions(joined: sa.FromClause) -> sa.Join:
    return joined.outerjoin(_CURRENT, _CURRENT.c.id == _W.current_version_id).outerjoin(
        _PUBLISHED, _PUBLISHED.c.id == _W.last_published_version_id
    )


_PARTS = (ENGINE, _WORKFLOW, tuple(_version_columns(workflow_version)))
_JOB = (
    _with_versions(workflow_publish_record.join(data_workflow, _W.id == _R.workflow_id))
    .join(engine, _E.id == _R.engine_id)
    .join(workflow_version, _VER.id == _R.version_id)
    .outerjoin(workflow_definition_snapshot, _S.id == _R.snapshot_id)
    .outerjoin(canonical_document, canonical_document.c.hash == _S.content_hash)
)


@prepared
def _own(record_id: int) -> sa.Executable:
    return sa.select(*_RECORD, *_NOW, canonical_document.c.body).select_from(_JOB).where(_R.id == record_id)


@prepared
def _about_it(record_id: int) -> sa.Executable:
    return sa.select(*(column for part in _PARTS for column in part)).select_from(_JOB).where(_R.id == record_id)


# Locks are statements of their own: what one that waited for the lock joins would be as old as its beginning.


@prepared
def _lock_of(record_id: int) -> sa.Executable:
    own = sa.select(_R.workflow_id).where(_R.id == record_id).scalar_subquery()
    return sa.select(_W.id).where(_W.id == own).with_for_update()


@prepared
def _lock(code: str) -> sa.Executable:
    return sa.select(_W.id).where(_W.workflow_code == code).with_for_update()


@prepared
def _by_code(code: str) -> sa.Executable:
    return sa.select(*_WORKFLOW).select_from(_with_versions(data_workflow)).where(_W.workflow_code == code)


@prepared
def _publish_status(workflow_id: int, status: str) -> sa.Executable:
    return sa.update(data_workflow).where(_W.id == workflow_id).values(publish_status=status)


@prepared
def _deployed(engine_id: int, workflow_id: int) -> sa.Executable:
    columns = (*_version_columns(workflow_version), _D.online, _D.schedule_online)
    query = sa.select(*columns).join(engine_deployment, _D.version_id == _VER.id)
    return query.where(_D.engine_id == engine_id, _D.workflow_id == workflow_id)


@prepared
def _held(engine_id: int, workflow_id: int) -> sa.Executable:
    confirmed = sa.select(_D.version_id).where(_D.engine_id == engine_id, _D.workflow_id == workflow_id)
    sent = (
        sa.select(_R.version_id)
        .where(about(engine_id, workflow_id), _R.operation != Operation.OFFLINE, _R.found.is_not(None))
        .order_by(_R.id.desc())
        .limit(1)
    )
    either = sa.func.coalesce(confirmed.scalar_subquery(), sent.scalar_subquery())
    return sa.select(*_version_columns(workflow_version)).where(_VER.id == either)


def _workflow(row: Sequence[Any]) -> GovernedWorkflow:
    own, current, published = _cut(row, [len(_OWN), 3, 3])
    identity, code, status, publish_status, error = own
    return GovernedWorkflow(identity, code, status, publish_status, _ref(current), _ref(published), error)


def _job(row: Any, kept: RegisteredEngine, workflow: GovernedWorkflow, version: VersionRef) -> Job:
    """`row`: named after the columns."""
    return Job(
        record_id=row.id,
        operation=Operation(row.operation),
        status=row.status,
        phase=Phase(row.phase),
        attempts=row.attempts,
        tries=row.attempts - row.round_from,
        round=row.round,
        age_seconds=(row.now - row.round_at).total_seconds(),
        error_code=row.error_code,
        error=row.error,
        engine=kept,
        workflow=workflow,
        version=version,
        snapshot_id=row.snapshot_id,
        flow_id=row.flow_id,
        document=row.body,
        found=None if row.found is None else found_from(row.found),
        wrote=bool(row.wrote),
        ends_as=None if row.ends_as is None else Phase(row.ends_as),
        target=target_from(row.target),
        waits_on=None if row.waits_on is None else orjson.loads(row.waits_on),
        overruled=orjson.loads(row.overruled),
        engine_workflow_code=row.engine_workflow_code,
        operator=row.operator,
        log=orjson.loads(row.log),
    )


def _ref(row: Sequence[Any] | None) -> VersionRef | None:
    return None if row is None or row[0] is None else VersionRef(*row)


def _cut(row: Sequence[Any], lengths: Sequence[int]) -> list[Sequence[Any]]:
    parts, at = [], 0
    for length in lengths:
        parts.append(row[at : at + length])
        at += length
    return parts
