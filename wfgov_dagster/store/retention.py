"""Rules, tags, and what a clean-up reads and writes down. What it removes: `removal`."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from wfgov_dagster.domain.retention import HeldVersion, Rule, RuleChange, effective
from wfgov_dagster.ports.retention import (
    Counted,
    EngineWord,
    Interval,
    IntervalKey,
    OldTask,
    Removed,
    RuleRow,
    Scanned,
    Size,
    TagRow,
    TaskKey,
)
from wfgov_dagster.store import growth
from wfgov_dagster.store.among import among
from wfgov_dagster.store.clock import db_now
from wfgov_dagster.store.protecting import protected
from wfgov_dagster.store.removal import SqlRemoval, is_orphan
from wfgov_dagster.store.schema.publish import engine, engine_deployment, workflow_publish_record
from wfgov_dagster.store.schema.retention import (
    clean_up_count,
    clean_up_cursor,
    clean_up_engine_version,
    retention_rule,
    workflow_version_tag,
)
from wfgov_dagster.store.schema.workflow import (
    canonical_document,
    data_workflow,
    task_definition,
    task_definition_log,
    workflow_edge_log,
    workflow_task_log,
    workflow_version,
)

_W, _V, _L, _G = data_workflow.c, workflow_version.c, task_definition_log.c, workflow_edge_log.c
_M = workflow_task_log.c
_RULE, _T = retention_rule.c, workflow_version_tag.c
_N, _P, _X, _E = clean_up_count.c, clean_up_cursor.c, clean_up_engine_version.c, engine.c
SETTLED_SECONDS = 600.0  # so long a save may still be about to name the version of a task that was current before


class SqlRetention(SqlRemoval):
    # --- rules and tags --------------------------------------------------------------------------

    def rules(self) -> Sequence[RuleRow]:
        query = sa.select(retention_rule).order_by(_RULE.workflow_code)
        return [_rule(row) for row in self._conn.execute(query).mappings()]

    def rule(self, workflow_code: str) -> Rule:
        query = sa.select(retention_rule).where(_RULE.workflow_code.in_(("", workflow_code)))
        found = [_rule(row) for row in self._conn.execute(query.order_by(_RULE.workflow_code)).mappings()]
        return effective([one.said for one in found])

    def set_rule(self, workflow_code: str, said: RuleChange, actor: str) -> None:
        values = {name: int(value) for name, value in said.said().items()}
        told = {**values, "set_by": actor, "set_at": db_now()}
        upsert = self._insert(retention_rule).values(workflow_code=workflow_code, **told)
        self._conn.execute(upsert.on_conflict_do_update(index_elements=["workflow_code"], set_=told))

    def unset_rule(self, workflow_code: str) -> bool:
        gone = sa.delete(retention_rule).where(_RULE.workflow_code == workflow_code)
        return self._conn.execute(gone).rowcount > 0

    def tags(self, workflow_id: int) -> Sequence[TagRow]:
        query = (
            sa.select(_T.tag, _V.version_no, _T.tagged_by, _T.tagged_at)
            .join(workflow_version, _V.id == _T.version_id)
            .where(_T.workflow_id == workflow_id)
            .order_by(_T.tag)
        )
        return [TagRow(*row) for row in self._conn.execute(query)]

    def tag(self, workflow_id: int, tag: str, version_id: int, actor: str) -> int | None:
        before = next((one.version_no for one in self.tags(workflow_id) if one.tag == tag), None)
        told = {"version_id": version_id, "tagged_by": actor, "tagged_at": db_now()}
        upsert = self._insert(workflow_version_tag).values(workflow_id=workflow_id, tag=tag, **told)
        self._conn.execute(upsert.on_conflict_do_update(index_elements=["workflow_id", "tag"], set_=told))
        return before

    def untag(self, workflow_id: int, tag: str) -> bool:
        gone = sa.delete(workflow_version_tag).where(_T.workflow_id == workflow_id, _T.tag == tag)
        return self._conn.execute(gone).rowcount > 0

    def is_there(self, version_id: int) -> bool:
        query = sa.select(_V.id).where(_V.id == version_id, _V.removed_at.is_(None))
        return self._conn.execute(query).first() is not None

    # --- what there is ---------------------------------------------------------------------------

    def now(self) -> datetime:
        return self._conn.execute(sa.select(db_now())).scalar_one()

    def workflows(self, codes: Collection[str] | None, after: str, limit: int) -> Sequence[Scanned]:
        count = sa.select(sa.func.count()).where(_V.workflow_id == _W.id).correlate(data_workflow).scalar_subquery()
        query = sa.select(_W.id, _W.workflow_code, count).where(_W.workflow_code > after)
        if codes is not None:
            query = query.where(among(self._conn, _W.workflow_code, codes))
        return [Scanned(*row) for row in self._conn.execute(query.order_by(_W.workflow_code).limit(limit))]

    def unknown(self, codes: Collection[str]) -> Sequence[str]:
        query = sa.select(_W.workflow_code).where(among(self._conn, _W.workflow_code, codes))
        return sorted(set(codes) - set(self._conn.scalars(query)))

    def held(self, workflow_id: int) -> Sequence[HeldVersion]:
        reasons = protected(self._conn, workflow_id)
        size = growth.bytes_of(self._conn, workflow_version)
        query = sa.select(_V.id, _V.version_no, _V.created_at, size, _V.rollback_of)
        query = query.where(_V.workflow_id == workflow_id, _V.removed_at.is_(None)).order_by(_V.version_no)
        found = self._conn.execute(query)
        return [HeldVersion(one, no, at, octets, reasons.get(one, ()), back) for one, no, at, octets, back in found]

    def protected(self, workflow_id: int) -> Mapping[int, Sequence[str]]:
        return protected(self._conn, workflow_id)

    def rollbacks(self, workflow_id: int) -> Mapping[int, frozenset[int]]:
        there = (_V.workflow_id == workflow_id, _V.rollback_of.is_not(None), _V.removed_at.is_(None))
        found: dict[int, set[int]] = {}
        for number, source in self._conn.execute(sa.select(_V.rollback_of, _V.id).where(*there)):
            found.setdefault(number, set()).add(source)
        return {number: frozenset(sources) for number, sources in found.items()}

    def numbers(self, workflow_id: int) -> Sequence[int]:
        query = sa.select(_V.version_no).where(_V.workflow_id == workflow_id, _V.removed_at.is_(None))
        return list(self._conn.scalars(query.order_by(_V.version_no)))

    def edge_intervals(self, workflow_code: str, after: IntervalKey, limit: int) -> Sequence[Interval]:
        return self._ended(workflow_edge_log, _G.workflow_code == workflow_code, after, limit)

    def task_intervals(self, workflow_id: int, after: IntervalKey, limit: int) -> Sequence[Interval]:
        return self._ended(
            workflow_task_log, _M.workflow_id == workflow_id, after, limit, _M.task_code, _M.task_version
        )

    def _ended(
        self, log: sa.Table, own: sa.ColumnElement[bool], after: IntervalKey, limit: int, *task: sa.Column[Any]
    ) -> Sequence[Interval]:
        key = (log.c.to_version, log.c.id)
        query = (
            sa.select(*key, log.c.from_version, growth.bytes_of(self._conn, log), *task)
            .where(own, sa.tuple_(*key) > sa.tuple_(*after))
            .order_by(*key)
            .limit(limit)
        )
        return [
            Interval((last, row_id), first, last, size, (named[0], named[1]) if named else None)
            for last, row_id, first, size, *named in self._conn.execute(query)
        ]

    def old_tasks(self, after: TaskKey, limit: int) -> Sequence[OldTask]:
        later, now = task_definition_log.alias("later"), task_definition.alias("now")
        settled = sa.exists().where(
            later.c.task_code == _L.task_code,
            later.c.version > _L.version,
            later.c.operated_at <= db_now(-SETTLED_SECONDS),
        )
        current = sa.exists().where(now.c.task_code == _L.task_code, now.c.version == _L.version)
        size = growth.bytes_of(self._conn, task_definition_log)
        this = (_M.task_code == _L.task_code, _M.task_version == _L.version)
        named = sa.select(sa.func.count()).where(*this).correlate(task_definition_log).scalar_subquery()
        query = (
            sa.select(_L.task_code, _L.version, size, _L.body_hash, named)
            .where(sa.tuple_(_L.task_code, _L.version) > sa.tuple_(*after), settled, sa.not_(current))
            .order_by(_L.task_code, _L.version)
            .limit(limit)
        )
        return [OldTask((code, number), *told) for code, number, *told in self._conn.execute(query)]

    def orphans(self, after: str, limit: int) -> Sequence[tuple[str, int]]:
        h = canonical_document.c.hash
        size = growth.bytes_of(self._conn, canonical_document)
        query = sa.select(h, size).where(h > after, is_orphan()).order_by(h).limit(limit)
        return [(one, size) for one, size in self._conn.execute(query)]

    def only_logged(self, hashes: Collection[str]) -> Sequence[tuple[str, int, int]]:
        h = canonical_document.c.hash
        logged = sa.select(sa.func.count()).where(_L.body_hash == h).correlate(canonical_document).scalar_subquery()
        size = growth.bytes_of(self._conn, canonical_document)
        query = sa.select(h, size, logged).where(among(self._conn, h, hashes), is_orphan(but_for_the_log=True))
        return [(one, octets, rows) for one, octets, rows in self._conn.execute(query.order_by(h))]

    # --- how it comes on -------------------------------------------------------------------------

    def done_to(self, flow_id: int, step: str) -> str:
        return self._conn.scalar(sa.select(_P.done_to).where(_P.flow_id == flow_id, _P.step == step)) or ""

    def set_done_to(self, flow_id: int, step: str, key: str) -> None:
        upsert = self._insert(clean_up_cursor).values(flow_id=flow_id, step=step, done_to=key)
        set_ = {"done_to": key}
        self._conn.execute(upsert.on_conflict_do_update(index_elements=["flow_id", "step"], set_=set_))

    def count(self, flow_id: int, workflow_code: str, what: str, removed: Removed) -> None:
        key = {"flow_id": flow_id, "workflow_code": workflow_code, "what": what}
        upsert = self._insert(clean_up_count).values(**key, rows=removed.rows, bytes=removed.bytes)
        more = {"rows": _N.rows + removed.rows, "bytes": _N.bytes + removed.bytes}
        self._conn.execute(upsert.on_conflict_do_update(index_elements=list(key), set_=more))

    def counts(self, flow_id: int) -> Sequence[Counted]:
        query = sa.select(_N.workflow_code, _N.what, _N.rows, _N.bytes).where(_N.flow_id == flow_id)
        return [Counted(*row) for row in self._conn.execute(query.order_by(_N.workflow_code, _N.what))]

    # --- engines ---------------------------------------------------------------------------------

    def deployed_on(self, workflow_id: int) -> Sequence[str]:
        d = engine_deployment.c
        query = sa.select(_E.name).join(engine_deployment, d.engine_id == _E.id)
        return list(
            self._conn.scalars(query.where(d.workflow_id == workflow_id, _E.removed_at.is_(None)).order_by(_E.name))
        )

    def is_publishing(self, workflow_id: int) -> bool:
        r = workflow_publish_record.c
        query = sa.select(r.id).where(r.workflow_id == workflow_id, r.status == "pending").limit(1)
        return self._conn.execute(query).first() is not None

    def ask_engine(self, flow_id: int, engine_id: int, workflow_code: str, engine_version: int) -> bool:
        key = _engine_key(flow_id, engine_id, workflow_code, engine_version)
        self._conn.execute(self._insert(clean_up_engine_version).values(**key).on_conflict_do_nothing())
        outcome = sa.select(_X.outcome).where(*(_X[name] == value for name, value in key.items()))
        return self._conn.scalar(outcome) is None

    def engine_said(self, flow_id: int, engine_id: int, workflow_code: str, word: EngineWord) -> None:
        key = _engine_key(flow_id, engine_id, workflow_code, word.engine_version)
        said = {"outcome": word.outcome, "message": word.message}
        upsert = self._insert(clean_up_engine_version).values(**key, **said)
        self._conn.execute(upsert.on_conflict_do_update(index_elements=list(key), set_=said))

    def engine_words(self, flow_id: int) -> Sequence[EngineWord]:
        columns = (_E.name, _X.workflow_code, _X.engine_version, _X.outcome, _X.message)
        query = sa.select(*columns).join(engine, _E.id == _X.engine_id).where(_X.flow_id == flow_id)
        ordered = query.order_by(_E.name, _X.workflow_code, _X.engine_version)
        return [EngineWord(*row) for row in self._conn.execute(ordered)]

    # --- growth ----------------------------------------------------------------------------------

    def sizes(self) -> Mapping[str, Size]:
        return growth.sizes(self._conn)

    def _insert(self, table: sa.Table) -> Any:
        return (sqlite if self._conn.dialect.name == "sqlite" else postgresql).insert(table)


def _engine_key(flow_id: int, engine_id: int, workflow_code: str, engine_version: int) -> dict[str, Any]:
    return {
        "flow_id": flow_id,
        "engine_id": engine_id,
        "workflow_code": workflow_code,
        "engine_version": engine_version,
    }


def _rule(row: sa.RowMapping) -> RuleRow:
    flags = {name: None if row[name] is None else bool(row[name]) for name in ("keep_tagged", "keep_published")}
    said = RuleChange(row["keep_last"], row["keep_days"], flags["keep_tagged"], flags["keep_published"])
    return RuleRow(row["workflow_code"], said, row["set_by"], row["set_at"])
